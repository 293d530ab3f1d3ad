/** A curve as it lies along an axis: where its points are, what is between a coarse one and a part in detail, and smoothing. */
import type { Context, Curve } from '../lib/api/types';
import type { By, Range } from './view';

export type Values = (number | null)[];

/** Points in the order of x. `means` tells what each point stands for on average; it is `y` where none was left out. */
export interface Located {
  x: readonly number[];
  y: Values;
  means: Values;
}

export interface Mark {
  x: number;
  kind: 'NaN' | 'Infinity' | '-Infinity';
}

const located = new WeakMap<Curve, Partial<Record<By, Located>>>();

/** Where the points of a curve lie; worked out once, since every move of a slider asks again. */
export function along(curve: Curve, by: By): Located {
  const known = located.get(curve) ?? {};
  located.set(curve, known);
  known[by] ??= {
    x: place(curve.points, curve.began, by),
    y: curve.points.values,
    means: curve.points.means.length ? curve.points.means : curve.points.values,
  };
  return known[by];
}

/** Where there were values that are no numbers. */
export function marks(curve: Curve, by: By): Mark[] {
  const broken = curve.broken;
  if (!broken) return [];
  const x = place(broken, curve.began, by);
  return broken.kinds.map((kind, i) => ({ x: x[i] ?? Number.NaN, kind }));
}

function place(columns: { steps: number[]; times: number[]; x: number[] }, began: number, by: By): number[] {
  if (by === 'step') return columns.steps;
  if (by === 'relative') return columns.times;
  return by === 'time' ? columns.times.map((t) => t + began) : columns.x;
}

/** A coarse curve with a part of it in detail, so that the line goes on beyond what is in sight. */
export function spliced(coarse: Located, detail: Located): Located {
  const [low, high] = [detail.x[0], detail.x.at(-1)];
  if (low === undefined || high === undefined) return coarse;
  const before = firstFrom(coarse.x, low);
  let after = before;
  while (after < coarse.x.length && (coarse.x[after] ?? 0) <= high) after++;
  const join = <T>(a: readonly T[], b: readonly T[]): T[] => [...a.slice(0, before), ...b, ...a.slice(after)];
  return {
    x: join(coarse.x, detail.x),
    y: join(coarse.y, detail.y),
    means: join(coarse.means, detail.means),
  };
}

/** What x moves on between the points of a curve, usually: the pace at which smoothing forgets. */
export function pace({ x }: Located): number {
  const [first, last] = [x[0], x.at(-1)];
  return first === undefined || last === undefined || x.length < 2 ? 1 : (last - first) / (x.length - 1) || 1;
}

/** Exponential smoothing without the pull towards zero at the beginning; gaps stay gaps. A point counts for as much as it
 *  lies from the one before, so that a part in detail runs where the whole does. */
export function smooth(x: readonly number[], values: Values, weight: number, unit = 1): Values {
  if (weight <= 0) return [...values];
  let sum = 0;
  let total = 0;
  let last: number | null = null;
  return values.map((value, i) => {
    if (value === null || !Number.isFinite(value)) return null;
    const at = x[i] ?? 0;
    const passed: number = last === null ? 1 : Math.max((at - last) / unit, 1e-6);
    const kept = weight ** passed;
    sum = sum * kept + value * (1 - kept);
    total = total * kept + (1 - kept);
    last = at;
    return sum / total;
  });
}

/** The first place whose x is at least this. */
export function firstFrom(x: readonly number[], at: number): number {
  let low = 0;
  let high = x.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((x[middle] ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The first place whose x is beyond this. */
export function firstBeyond(x: readonly number[], at: number): number {
  let place = firstFrom(x, at);
  while (place < x.length && (x[place] ?? 0) <= at) place++;
  return place;
}

/** The place whose x is nearest; null beyond the ends, where a curve says nothing. */
export function nearest(x: readonly number[], at: number, slack = 0): number | null {
  const after = firstFrom(x, at);
  const [a, b] = [x[after - 1], x[after]];
  if (a === undefined) return b !== undefined && b - at <= slack ? after : null;
  if (b === undefined) return at - a <= slack ? after - 1 : null;
  return at - a < b - at ? after - 1 : after;
}

/** `spleen_12 · spleen`: the values of a context, the conventional keys first. */
export function contextLabel(context: Context): string {
  const first = ['case', 'class', 'layer', 'subset', 'fold', 'rank'];
  const rank = (key: string) => (first.includes(key) ? first.indexOf(key) : first.length);
  return Object.entries(context)
    .sort(([a], [b]) => rank(a) - rank(b) || a.localeCompare(b))
    .map(([key, value]) => (rank(key) < 3 ? String(value) : `${key}=${value}`))
    .join(' · ');
}

/** What of a zoom to ask the server for: a little more on each side, so that lines come from where they come from. */
export function asked([low, high]: Range): Range {
  const room = (high - low) * 0.05;
  return [Number((low - room).toPrecision(12)), Number((high + room).toPrecision(12))];
}
