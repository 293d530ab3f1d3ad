/** What all planes and panes of the viewer share, so that they move together. */
import type { Mm } from './grid';

export interface Ruler {
  from: Mm;
  to: Mm;
  said: string;
}

export class View {
  crosshair: Mm = $state.raw([0, 0, 0]);
  /** What is in the middle of the pictures. */
  centre: Mm = $state.raw([0, 0, 0]);
  zoom = $state(1);
  smooth = $state(false);
  inverted = $state(false);
  /** Whether the crosshair is drawn. */
  marked = $state(true);
  measuring = $state(false);
  rulers: Ruler[] = $state.raw([]);
  /** The middle of the scan, to which double clicks lead back. */
  middle: Mm = [0, 0, 0];

  fit(): void {
    this.zoom = 1;
    this.centre = this.middle;
  }

  startRuler(at: Mm): void {
    this.rulers = [...this.rulers, { from: at, to: at, said: '0.0 mm' }];
  }

  moveRuler(to: Mm): void {
    const last = this.rulers.at(-1);
    if (!last) return;
    const length = Math.hypot(...to.map((v, axis) => v - (last.from[axis] ?? 0)));
    this.rulers = [...this.rulers.slice(0, -1), { ...last, to, said: `${length.toFixed(1)} mm` }];
  }

  /** A click without a way is no distance. */
  endRuler(): void {
    const last = this.rulers.at(-1);
    if (last && Math.hypot(...last.to.map((v, axis) => v - (last.from[axis] ?? 0))) < 0.05)
      this.rulers = this.rulers.slice(0, -1);
  }
}
