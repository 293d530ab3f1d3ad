/** Counts the changes of the project, so that whoever reads `live.change` loads again after each. */
import { watchEvents } from './api';

class Live {
  change = $state(0);
  up = $state(true);

  /** Starts listening; many changes within half a second count as one, since every one costs a reload. */
  start(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wasUp = true;
    const touch = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        this.change += 1;
      }, 250);
    };
    const stop = watchEvents(touch, (up) => {
      this.up = up;
      // What happened while the server was away is unknown: load again.
      if (up && !wasUp) touch();
      wasUp = up;
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }
}

export const live = new Live();
