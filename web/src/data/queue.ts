/** Work that waits its turn: a browser opens few connections to one server, and pictures must not take them all. */

export class Queue {
  #running = 0;
  #waiting: (() => void)[] = [];

  constructor(readonly atOnce: number) {}

  /** Runs `work` when it is its turn, in the order of asking; what is no longer wanted is passed over. */
  async add<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#running >= this.atOnce) {
      await new Promise<void>((go) => {
        this.#waiting.push(go);
        signal.addEventListener('abort', () => {
          const at = this.#waiting.indexOf(go);
          // What nobody waits for any more does not take a turn.
          if (at >= 0) {
            this.#waiting.splice(at, 1);
            this.#running += 1;
            go();
          }
        });
      });
    } else this.#running += 1;
    try {
      signal.throwIfAborted();
      return await work();
    } finally {
      this.#running -= 1;
      if (this.#running < this.atOnce) {
        const next = this.#waiting.shift();
        if (next) {
          this.#running += 1;
          next();
        }
      }
    }
  }
}
