/** One thing from the server: what arrived last, whether more is coming, and what went wrong. */
import { ApiError, wasAborted } from './api/client';
import { live } from './live.svelte';

export class Loaded<T> {
  data = $state.raw<T | null>(null);
  error = $state.raw<ApiError | null>(null);
  busy = $state(true);

  /** Loads; the former data stay in sight meanwhile. Returns how to abort, as an effect wants it.
   *  What a server that was away could not answer is asked again when it is back. */
  load(fetcher: (signal: AbortSignal) => Promise<T>): () => void {
    const controller = new AbortController();
    let forget = () => {};
    const ask = () => {
      this.busy = true;
      fetcher(controller.signal)
        .then((data) => {
          if (controller.signal.aborted) return;
          this.data = data;
          this.error = null;
          this.busy = false;
        })
        .catch((error: unknown) => {
          if (controller.signal.aborted || wasAborted(error)) return;
          this.error =
            error instanceof ApiError ? error : new ApiError('broken', 'Unexpected', String(error));
          this.busy = false;
          if (this.error.fault === 'unreachable') forget = live.back(ask);
        });
    };
    ask();
    return () => {
      forget();
      controller.abort();
    };
  }

  /** Forgets what was loaded: another thing is meant now. */
  clear(): void {
    this.data = null;
    this.error = null;
    this.busy = true;
  }
}
