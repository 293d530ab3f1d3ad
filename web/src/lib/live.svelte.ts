/** Counts the changes of the project, so that whoever reads `live.change` loads again after each; and whether the server is there. */
import { watchEvents } from './api/client';

const HIDDEN_MS = 20_000;

class Live {
  change = $state(0);
  up = $state(true);
  /** Since when the server has been away. */
  lost: number | null = $state(null);
  #waiting = new Set<() => void>();

  /** Starts listening; many changes within half a second count as one, since every one costs a reload. */
  start(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let leaving: ReturnType<typeof setTimeout> | undefined;
    const touch = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        this.change += 1;
      }, 250);
    };
    const listen = () => watchEvents(touch, (up) => this.#linked(up, touch));
    let stop: (() => void) | null = listen();
    // A browser opens six connections to a server and no more: tabs in the background must not hold them all.
    const looked = () => {
      clearTimeout(leaving);
      if (document.hidden)
        leaving = setTimeout(() => {
          stop?.();
          stop = null;
        }, HIDDEN_MS);
      else if (!stop) {
        stop = listen();
        touch();
      }
    };
    document.addEventListener('visibilitychange', looked);
    return () => {
      document.removeEventListener('visibilitychange', looked);
      clearTimeout(timer);
      clearTimeout(leaving);
      stop?.();
    };
  }

  #linked(up: boolean, touch: () => void): void {
    const back = up && !this.up;
    this.up = up;
    this.lost = up ? null : (this.lost ?? Date.now());
    if (!back) return;
    // What happened while the server was away is unknown: load again.
    touch();
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const again of waiting) again();
  }

  /** Calls back once when the server, away now, is there again. Returns how to forget about it. */
  back(again: () => void): () => void {
    this.#waiting.add(again);
    return () => this.#waiting.delete(again);
  }
}

export const live = new Live();
