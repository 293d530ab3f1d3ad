/** Curves by the name they have, each name asked for by itself: the first chart is there before the last one. */
import { untrack } from 'svelte';
import { ApiError, api, wasAborted } from '../lib/api';
import type { CurvesQuestion } from '../lib/api/series';
import type { Curves } from '../lib/api/types';

export class Shelf {
  #found = $state.raw(new Map<string, Curves>());
  #questions = new WeakMap<Curves, CurvesQuestion>();
  #waiting = $state.raw(new Set<string>());
  error = $state.raw<ApiError | null>(null);

  /** What is known of a name; what answers an earlier question stays until its successor is there. */
  of(name: string): Curves | null {
    return this.#found.get(name) ?? null;
  }

  /** What a name's curves answer, which may be an earlier question: they lie along its axis. */
  answered(name: string): CurvesQuestion | null {
    const curves = this.#found.get(name);
    return (curves && this.#questions.get(curves)) ?? null;
  }

  get all(): readonly Curves[] {
    return [...this.#found.values()];
  }

  waits(name: string): boolean {
    return this.#waiting.has(name);
  }

  /** Asks for each name. Returns how to abort, as an effect wants it. */
  ask(questions: ReadonlyMap<string, CurvesQuestion>): () => void {
    const controller = new AbortController();
    this.#waiting = new Set(questions.keys());
    // An effect that asks must not ask again when the answer is there.
    untrack(() => {
      const left = [...this.#found].filter(([name]) => questions.has(name));
      if (left.length < this.#found.size) this.#found = new Map(left);
      for (const [name, question] of questions) void this.#fetch(name, question, controller.signal);
    });
    return () => controller.abort();
  }

  async #fetch(name: string, question: CurvesQuestion, signal: AbortSignal): Promise<void> {
    try {
      const curves = await api.curves(question, signal, this.#found.get(name));
      if (signal.aborted) return;
      this.#questions.set(curves, question);
      if (curves !== this.#found.get(name)) this.#found = new Map(this.#found).set(name, curves);
      this.error = null;
    } catch (error) {
      if (signal.aborted || wasAborted(error)) return;
      this.error = error instanceof ApiError ? error : new ApiError('broken', 'Unexpected', String(error));
    }
    this.#waiting = new Set([...this.#waiting].filter((one) => one !== name));
  }
}
