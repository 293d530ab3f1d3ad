/** An answer that follows a project which goes on changing: looked up again after each change, but never given up for one. */
import { untrack } from 'svelte';
import { ApiError, wasAborted } from '../../lib/api';

/** Between two looks lies at least this part of what one costs, so that a training does not keep the server busy with a plot. */
const REST = 2;

export class Followed<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** Whether what is there answers an earlier question. */
  stale = $state(false);
  #question: string | null = null;
  #running: AbortController | null = null;
  #again = false;
  #said = '';
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Asks. Another question ends the one before; the same one waits until that is answered. */
  ask(question: string, fetcher: (signal: AbortSignal) => Promise<T>): void {
    // Whoever asks from an effect does not ask again because there is an answer.
    untrack(() => this.#ask(question, fetcher));
  }

  #ask(question: string, fetcher: (signal: AbortSignal) => Promise<T>): void {
    if (question === this.#question && this.#running) {
      this.#again = true;
      return;
    }
    if (question !== this.#question) this.stop();
    this.stale = this.data !== null && (this.stale || question !== this.#question);
    this.#question = question;
    if (this.#timer === undefined) void this.#look(question, fetcher);
    else this.#again = true;
  }

  stop(): void {
    this.#running?.abort();
    this.#running = null;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#again = false;
  }

  async #look(question: string, fetcher: (signal: AbortSignal) => Promise<T>): Promise<void> {
    const controller = new AbortController();
    this.#running = controller;
    const began = performance.now();
    try {
      const data = await fetcher(controller.signal);
      if (this.#running !== controller) return;
      const said = JSON.stringify(data);
      // What says the same is the same, or every plot would be drawn again at each step of a training.
      if (said !== this.#said) this.data = data;
      this.#said = said;
      this.error = null;
      this.stale = false;
    } catch (error) {
      if (this.#running !== controller || wasAborted(error)) return;
      this.error = error instanceof ApiError ? error : new ApiError('broken', 'Unexpected', String(error));
    }
    this.#running = null;
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        if (!this.#again) return;
        this.#again = false;
        void this.#look(question, fetcher);
      },
      REST * (performance.now() - began),
    );
  }
}
