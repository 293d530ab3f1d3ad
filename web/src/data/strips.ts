/** Where the marks of a strip plot lie: a strip for each measure, a mark for each case. */
import type { Measure, Range, Row } from './cases';

export interface Mark {
  row: Row;
  value: number;
  /** Beside the strip's middle, from -1 to 1, so that equal values do not hide each other. */
  aside: number;
  outlier: boolean;
}

export interface Strip {
  measure: Measure;
  marks: Mark[];
  quartiles: { low: number; median: number; high: number } | null;
  /** Cases without a value, or with none that a logarithm has. */
  without: number;
}

export interface Scale {
  low: number;
  high: number;
  log: boolean;
}

/** Values further out than this many quartile ranges are apart from the rest, unless they are more than a few. */
const FENCE = 2;
const FEW = 0.06;
const CELLS = 90;

export function stripOf(measure: Measure, rows: readonly Row[]): Strip {
  const found: { row: Row; value: number }[] = [];
  for (const row of rows) {
    const value = row.numbers && measure.of(row.numbers);
    if (value !== null && value !== undefined && Number.isFinite(value) && !(measure.log && value <= 0))
      found.push({ row, value });
  }
  found.sort((a, b) => a.value - b.value);
  const size = (value: number) => (measure.log ? Math.log(value) : value);
  const quartiles = found.length
    ? { low: quantile(found, 0.25), median: quantile(found, 0.5), high: quantile(found, 0.75) }
    : null;
  const isOut = (value: number) => {
    if (!quartiles || found.length < 5) return false;
    const [low, high, at] = [size(quartiles.low), size(quartiles.high), size(value)];
    // Where most are equal, what is not is apart, unless it is so by rounding.
    const room = Math.max(FENCE * (high - low), Math.abs(size(quartiles.median)) * 0.01);
    return at < low - room || at > high + room;
  };
  const least = size(found[0]?.value ?? 0);
  const span = size(found.at(-1)?.value ?? 1) - least || 1;
  const crowd = new Map<number, number>();
  const cells = found.map(({ value }) => Math.round(((size(value) - least) / span) * CELLS));
  for (const cell of cells) crowd.set(cell, (crowd.get(cell) ?? 0) + 1);
  const most = Math.max(1, ...crowd.values());
  const placed = new Map<number, number>();
  const marks = found.map(({ row, value }, at) => {
    const cell = cells[at] ?? 0;
    const nth = placed.get(cell) ?? 0;
    placed.set(cell, nth + 1);
    // Alternating from the middle outwards; a fuller cell is wider, and none is wider than the strip.
    const step = Math.ceil(nth / 2) * (nth % 2 ? 1 : -1);
    return { row, value, aside: (step * 2) / Math.max(most, 9), outlier: isOut(value) };
  });
  const out = marks.filter((mark) => mark.outlier).length;
  if (out > Math.max(1, FEW * marks.length)) for (const mark of marks) mark.outlier = false;
  return {
    measure,
    marks,
    quartiles,
    without: rows.filter((row) => row.numbers && !row.test).length - marks.filter((m) => !m.row.test).length,
  };
}

function quantile(sorted: readonly { value: number }[], share: number): number {
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)]?.value ?? 0;
  const high = sorted[Math.ceil(at)]?.value ?? low;
  return low + (high - low) * (at - Math.floor(at));
}

/** One scale for all strips of a panel, with a little room at both ends. */
export function scaleOf(strips: readonly Strip[]): Scale | null {
  const values = strips
    .flatMap((strip) => [strip.marks[0]?.value, strip.marks.at(-1)?.value])
    .filter((v) => v !== undefined);
  if (values.length === 0) return null;
  const log = strips.every((strip) => strip.measure.log);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (log) return { low: low / 1.25, high: high * 1.25, log };
  const room = (high - low) * 0.04 || Math.abs(high) * 0.1 || 1;
  return { low: low >= 0 ? Math.max(0, low - room) : low - room, high: high + room, log };
}

export function shareOf(scale: Scale, value: number): number {
  const [a, b, at] = scale.log
    ? [Math.log(scale.low), Math.log(scale.high), Math.log(Math.max(value, scale.low * 1e-3))]
    : [scale.low, scale.high, value];
  return (at - a) / (b - a || 1);
}

export function valueAt(scale: Scale, share: number): number {
  return scale.log
    ? Math.exp(Math.log(scale.low) + share * (Math.log(scale.high) - Math.log(scale.low)))
    : scale.low + share * (scale.high - scale.low);
}

/** Round values within a scale, about `count` of them. */
export function ticksOf(scale: Scale, count: number): number[] {
  if (scale.log) {
    const found: number[] = [];
    for (let power = Math.floor(Math.log10(scale.low)); power <= Math.ceil(Math.log10(scale.high)); power++)
      for (const digit of [1, 2, 5]) found.push(digit * 10 ** power);
    const inside = found.filter((value) => value >= scale.low && value <= scale.high);
    const tens = inside.filter((value) => Math.abs(Math.log10(value) % 1) < 1e-9);
    return inside.length > count && tens.length >= 2 ? tens : inside;
  }
  const rough = (scale.high - scale.low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((digit) => digit * power >= rough) ?? 10) * power;
  const first = Math.ceil(scale.low / step);
  return Array.from({ length: Math.max(0, Math.floor(scale.high / step) - first + 1) }, (_, at) =>
    Number(((first + at) * step).toPrecision(12)),
  );
}

/** The mark that is nearest to a place, in pixels; null where none is near. */
export function nearest(
  strip: Strip,
  place: (mark: Mark) => readonly [number, number],
  x: number,
  y: number,
  within: number,
): Mark | null {
  let best: Mark | null = null;
  let distance = within * within;
  for (const mark of strip.marks) {
    const [mx, my] = place(mark);
    const far = (mx - x) ** 2 + (my - y) ** 2;
    if (far <= distance) [best, distance] = [mark, far];
  }
  return best;
}

/** Two ends of a drag in the order of a range. */
export function ordered(a: number, b: number): Range {
  return a < b ? [a, b] : [b, a];
}
