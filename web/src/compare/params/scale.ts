/** Where values lie on an axis, as shares of its length: 0 is its low end, 1 its high one. */
import type { Column } from './table';

export interface Scale {
  kind: 'linear' | 'log' | 'levels';
  /** The values at both ends; of levels, 0 and how many there are. */
  low: number;
  high: number;
}

export type NumberScale = 'linear' | 'log';

/** The scale of a column: as chosen, else logarithmic where linear would crowd most values into a corner. */
export function scaleOf(column: Column, chosen: NumberScale | undefined): Scale {
  if (column.kind === 'level') return { kind: 'levels', low: 0, high: Math.max(1, column.levels.length) };
  const kind = chosen ?? (wantsLog(column.values) ? 'log' : 'linear');
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of column.values) {
    if (!Number.isFinite(value) || (kind === 'log' && value <= 0)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) return { kind: 'linear', low: 0, high: 1 };
  if (low < high) return { kind, low, high };
  // One value has the middle of its axis.
  const room = Math.abs(low) / 2 || 0.5;
  return kind === 'log' ? { kind, low: low / 2, high: low * 2 } : { kind, low: low - room, high: low + room };
}

/** Whether values span decades and half of them would lie in the lowest quarter of a linear axis. */
export function wantsLog(values: Float64Array): boolean {
  const there = values.filter(Number.isFinite).sort();
  const [low, high] = [there[0] ?? 0, there.at(-1) ?? 0];
  if (low <= 0 || high / low < 10) return false;
  const middle = there[there.length >> 1] ?? low;
  return high / low >= 1000 || (middle - low) / (high - low) < 0.25;
}

export function canLog(column: Column): boolean {
  return column.kind === 'number' && column.values.some((value) => value > 0);
}

/** The share of a value; NaN where it has no place, as 0 on a logarithmic axis. */
export function place(scale: Scale, value: number): number {
  if (scale.kind === 'levels') return (value + 0.5) / scale.high;
  if (scale.kind === 'linear') return (value - scale.low) / (scale.high - scale.low);
  return value > 0 ? Math.log(value / scale.low) / Math.log(scale.high / scale.low) : Number.NaN;
}

/** The value at a share; of levels, the level whose band it is. */
export function valueAt(scale: Scale, share: number): number {
  if (scale.kind === 'levels') return Math.min(scale.high - 1, Math.max(0, Math.floor(share * scale.high)));
  if (scale.kind === 'linear') return scale.low + share * (scale.high - scale.low);
  return scale.low * (scale.high / scale.low) ** share;
}

/** A value as short as a brush needs it: no finer than a thousandth of the axis. */
export function rounded(scale: Scale, value: number): number {
  if (scale.kind === 'log') return Number(value.toPrecision(3));
  const step = 10 ** Math.floor(Math.log10((scale.high - scale.low) / 500));
  return Number((Math.round(value / step) * step).toPrecision(12));
}

/** Round values along the axis, few enough to be read; of levels, every one or every so many. */
export function ticks(scale: Scale, most: number): number[] {
  if (scale.kind === 'levels') {
    const every = Math.max(1, Math.ceil(scale.high / Math.max(1, most)));
    return Array.from({ length: Math.ceil(scale.high / every) }, (_, i) => i * every);
  }
  return scale.kind === 'log'
    ? logTicks(scale.low, scale.high, most)
    : linearTicks(scale.low, scale.high, most);
}

function linearTicks(low: number, high: number, most: number): number[] {
  const rough = (high - low) / Math.max(1, most);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((one) => one * power >= rough * 0.999) ?? 10) * power;
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.floor(high / step + 1e-9) - first + 1;
  return Array.from({ length: Math.max(0, count) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

function logTicks(low: number, high: number, most: number): number[] {
  const [first, last] = [Math.floor(Math.log10(low) - 1e-9), Math.ceil(Math.log10(high) + 1e-9)];
  const inside = (value: number) => value >= low * (1 - 1e-9) && value <= high * (1 + 1e-9);
  const at = (digits: readonly number[], every: number) => {
    const found: number[] = [];
    for (let power = first; power <= last; power++) {
      if (power % every !== 0) continue;
      for (const digit of digits) if (inside(digit * 10 ** power)) found.push(Number(`${digit}e${power}`));
    }
    return found;
  };
  for (const digits of [[1, 2, 5], [1, 3], [1]]) {
    const found = at(digits, 1);
    if (found.length <= most && found.length >= 2) return found;
  }
  const decades = at([1], 1);
  if (decades.length >= 2) return at([1], Math.ceil(decades.length / Math.max(1, most)));
  return linearTicks(low, high, most);
}

/** Where all runs of a column lie; runs of one level are spread within its band, so that one sees how many they are. */
export function places(column: Column, scale: Scale, spread = true): Float64Array {
  const found = new Float64Array(column.values.length);
  column.values.forEach((value, run) => {
    const shift = spread && scale.kind === 'levels' ? (scatter(run) * 0.6) / scale.high : 0;
    found[run] = place(scale, value) + shift;
  });
  return found;
}

/** An even spread over −0.5 to 0.5 that is the same for a run each time: the golden ratio's multiples. */
export function scatter(run: number): number {
  return ((run * 0.618_033_988_749_895 + 0.5) % 1) - 0.5;
}
