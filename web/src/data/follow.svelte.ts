/** Follows a check that is going on: how far it is, a little more than once a second, and when it has ended. */
import { api, wasAborted } from '../lib/api';
import type { CheckJob, Which } from '../lib/api/datasets';

const EVERY_MS = 700;

export class Follow {
  job: CheckJob | null = $state.raw(null);

  constructor(readonly onend: () => void) {}

  /** Follows `job` until it has ended. Returns how to stop, as an effect wants it. */
  see(which: Which, job: CheckJob | null): () => void {
    const controller = new AbortController();
    this.job = job;
    if (job) void this.#ask(which, controller.signal);
    return () => controller.abort();
  }

  async #ask(which: Which, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await new Promise((done) => setTimeout(done, EVERY_MS));
      if (signal.aborted) return;
      try {
        const now = await api.checkJob(which, signal);
        if (signal.aborted) return;
        this.job = now;
        if (!now) {
          this.onend();
          return;
        }
      } catch (error) {
        // The server may be away for a moment; the page says so by itself.
        if (wasAborted(error)) return;
      }
    }
  }
}
