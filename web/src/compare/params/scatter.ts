/** Points of two columns as geometry, and what lies where. */
import { place, places, type Scale } from './scale';
import type { Column, Goal } from './table';

export interface Box {
  left: number;
  right: number;
  top: number;
  bottom: number;
  width: number;
  height: number;
}

export interface Points {
  /** Where each run lies; NaN where it has no place. */
  x: Float32Array;
  y: Float32Array;
  radius: Float32Array;
  shown: number;
}

const NEAR = 12;
/** Points stay off the frame by this part of it. */
const INSET = 0.03;

export function boxOf(width: number, height: number): Box {
  return { left: 62, right: width - 14, top: 12, bottom: height - 42, width, height };
}

export function xAt(box: Box, share: number): number {
  return box.left + (INSET + share * (1 - 2 * INSET)) * (box.right - box.left);
}

export function yAt(box: Box, share: number): number {
  return box.bottom - (INSET + share * (1 - 2 * INSET)) * (box.bottom - box.top);
}

/** The shares of a place on the page. */
export function sharesAt(box: Box, x: number, y: number): [number, number] {
  const inner = (part: number) => (part - INSET) / (1 - 2 * INSET);
  return [inner((x - box.left) / (box.right - box.left)), inner((box.bottom - y) / (box.bottom - box.top))];
}

export function pointsOf(
  box: Box,
  [x, y]: [Column, Column],
  [scaleX, scaleY]: [Scale, Scale],
  size: { column: Column; scale: Scale } | null,
): Points {
  const [across, up] = [places(x, scaleX), places(y, scaleY)];
  const count = across.length;
  const usual = count > 1500 ? 2.5 : count > 200 ? 3 : 4.5;
  const points = {
    x: new Float32Array(count),
    y: new Float32Array(count),
    radius: new Float32Array(count).fill(usual),
    shown: 0,
  };
  for (let run = 0; run < count; run++) {
    const [u, v] = [across[run] ?? Number.NaN, up[run] ?? Number.NaN];
    const there = !Number.isNaN(u) && !Number.isNaN(v);
    points.x[run] = there ? xAt(box, u) : Number.NaN;
    points.y[run] = there ? yAt(box, v) : Number.NaN;
    if (there) points.shown++;
    if (size === null) continue;
    const share = place(size.scale, size.column.values[run] ?? Number.NaN);
    // By area, as the eye compares.
    points.radius[run] = Number.isNaN(share) ? 1.5 : Math.sqrt(6 + 75 * Math.min(1, Math.max(0, share)));
  }
  return points;
}

/** The run nearest to a place, and how many others lie as near; null where none does. */
export function pointAt(
  points: Points,
  runs: ArrayLike<number>,
  x: number,
  y: number,
): { run: number; others: number } | null {
  let [run, nearest, others] = [-1, NEAR, 0];
  for (let i = 0; i < runs.length; i++) {
    const one = runs[i] ?? 0;
    const away = Math.hypot((points.x[one] ?? Number.NaN) - x, (points.y[one] ?? Number.NaN) - y);
    if (away < nearest - 0.5) [run, nearest, others] = [one, away, 0];
    else if (run >= 0 && away < nearest + 0.5) others++;
  }
  return run < 0 ? null : { run, others };
}

/** A Pareto front as a line of steps through its points, which are ordered along x: the edge of what they leave no better
 *  than themselves, which lies to the right of each where less of x is better, and to its left where more is. */
export function steps(points: readonly [number, number][], goal: Goal): string {
  return points
    .map(([x, y], at) => {
      const before = points[at - 1];
      if (at === 0 || !before) return `M${x} ${y}`;
      return goal === 'min' ? `H${x}V${y}` : `V${y}H${x}`;
    })
    .join('');
}
