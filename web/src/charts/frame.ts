/** How far the axes of a chart reach, and where a value lies in it. */
import { firstBeyond, firstFrom } from './curves';
import type { Band, Line } from './picture';
import { quantile } from './stats';
import type { Range } from './view';

/** A rectangle in pixels, and what it spans. */
export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
  x: Range;
  y: Range;
  logX: boolean;
  logY: boolean;
}

export function toX(frame: Frame, x: number): number {
  return across(frame)(x);
}

export function toY(frame: Frame, y: number): number {
  return up(frame)(y);
}

/** How x becomes pixels, worked out once for many points. */
export function across({ x, logX, left, width }: Frame): (x: number) => number {
  return scaled(x[0], x[1], logX, left, width);
}

export function up({ y, logY, top, height }: Frame): (y: number) => number {
  return scaled(y[0], y[1], logY, top + height, -height);
}

function scaled(
  low: number,
  high: number,
  log: boolean,
  from: number,
  length: number,
): (value: number) => number {
  if (log) {
    const [first, factor] = [Math.log(low), length / Math.log(high / low)];
    return (value) => from + (Math.log(value) - first) * factor;
  }
  const factor = length / (high - low);
  return (value) => from + (value - low) * factor;
}

export function fromX(frame: Frame, px: number): number {
  return between(frame.x, (px - frame.left) / frame.width, frame.logX);
}

export function fromY(frame: Frame, px: number): number {
  return between(frame.y, 1 - (px - frame.top) / frame.height, frame.logY);
}

function between([low, high]: Range, at: number, log: boolean): number {
  return log ? low * (high / low) ** at : low + (high - low) * at;
}

/** From the first to the last x of some lines. */
export function spanX(lines: readonly Line[], log: boolean): Range | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const line of lines) {
    const first = log ? line.x.find((x) => x > 0) : line.x[0];
    const last = line.x.at(-1);
    for (const at of [first, last, line.marks[0]?.x, line.marks.at(-1)?.x])
      if (at !== undefined && Number.isFinite(at) && (!log || at > 0)) {
        low = Math.min(low, at);
        high = Math.max(high, at);
      }
  }
  if (low > high) return null;
  if (low === high) return log ? [low / 2, high * 2] : [low - 1, high + 1];
  return [low, high];
}

export interface Span {
  range: Range;
  /** Whether values lie beyond it. */
  cut: boolean;
}

/** How far y reaches where x does, or what all but the outermost hundredth on each side take. */
export function spanY(
  lines: readonly Line[],
  bands: readonly Band[],
  x: Range,
  log: boolean,
  clipped: boolean,
): Span | null {
  const all: number[] = [];
  const take = (values: readonly (number | null)[], from: number, to: number) => {
    for (let i = from; i < to; i++) {
      const value = values[i];
      if (typeof value === 'number' && (!log || value > 0)) all.push(value);
    }
  };
  for (const line of lines) {
    const [from, to] = [firstFrom(line.x, x[0]), firstBeyond(line.x, x[1])];
    take(line.values, from, to);
    if (line.raw) take(line.raw, from, to);
    // Where a line comes in and goes out counts too, or few points zoomed into would leave it out of sight.
    const edges = x.map((at) => valueAt(line, at));
    take(edges, 0, edges.length);
  }
  for (const band of bands) {
    const [from, to] = [firstFrom(band.x, x[0]), firstBeyond(band.x, x[1])];
    take(band.low, from, to);
    take(band.high, from, to);
  }
  if (all.length === 0) return null;
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of all) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (!clipped || all.length < 20) return { range: padded(low, high, log), cut: false };
  const sorted = Float64Array.from(all).sort();
  const inner = padded(quantile(sorted, 0.01), quantile(sorted, 0.99), log);
  // No room is made beyond what there is.
  const range: Range = [
    Math.max(inner[0], padded(low, high, log)[0]),
    Math.min(inner[1], padded(low, high, log)[1]),
  ];
  return { range, cut: low < range[0] || high > range[1] };
}

/** What a line says between two of its points. */
function valueAt(line: Line, at: number): number | null {
  const after = firstFrom(line.x, at);
  const [a, b] = [line.x[after - 1], line.x[after]];
  const [low, high] = [line.values[after - 1], line.values[after]];
  if (a === undefined || b === undefined || typeof low !== 'number' || typeof high !== 'number') return null;
  return low + ((high - low) * (at - a)) / (b - a);
}

export function padded(low: number, high: number, log: boolean): Range {
  if (log) {
    const room = (high / low) ** 0.05;
    return high > low ? [low / room, high * room] : [low / 2, high * 2];
  }
  const room = (high - low || Math.abs(high) || 1) * 0.06;
  // A score that reaches 1 or 0 needs no room beyond what is possible.
  return [
    low >= 0 && low - room < 0 ? 0 : low - room,
    high <= 1 && high + room > 1 && low >= 0 ? 1.005 : high + room,
  ];
}

/** How many points lie beyond the range of y, and where their lines leave it: at most one mark each few pixels. */
export function leaving(
  lines: readonly Line[],
  frame: Frame,
): { count: number; marks: { px: number; up: boolean }[] } {
  let count = 0;
  const seen = new Set<number>();
  const found: { px: number; up: boolean }[] = [];
  const place = across(frame);
  const [low, high] = frame.y;
  for (const line of lines) {
    const values = line.raw ?? line.values;
    const to = firstBeyond(line.x, frame.x[1]);
    for (let i = firstFrom(line.x, frame.x[0]); i < to; i++) {
      const value = values[i];
      if (typeof value !== 'number' || (frame.logY && value <= 0)) continue;
      if (value >= low && value <= high) continue;
      count++;
      const up = value > high;
      const px = place(line.x[i] ?? 0);
      const slot = Math.round(px / 8) * 2 + Number(up);
      if (!seen.has(slot)) found.push({ px, up });
      seen.add(slot);
    }
  }
  return { count, marks: found };
}
