/** Curves of several runs as one chart: coloured by what they differ in, and summed up where a colour has many. */
import {
  type Band,
  type ChartData,
  type Line,
  lastPerX,
  smooth,
  type Values,
  type XAxis,
  xOf,
} from '../charts/curves';
import type { Curve } from '../lib/api/types';

export const SUMS = ['mean', 'median', 'none'] as const;
export const BANDS = ['range', 'deviation', 'none'] as const;
export type Sum = (typeof SUMS)[number];
export type Spread = (typeof BANDS)[number];

export interface Setting {
  axis: XAxis;
  smoothing: number;
  sum: Sum;
  spread: Spread;
}

/** A curve, and what it is coloured by. */
export interface Coloured {
  curve: Curve;
  label: string;
  group: string;
}

/** More places than this on the common axis are no clearer, and slower. */
const MOST_PLACES = 800;

/** The groups of all charts of a page, in the order of their colours: numbers as numbers, the rest as people sort them. */
export function groupsOf(curves: readonly Coloured[]): string[] {
  const order = new Intl.Collator('en', { numeric: true });
  const value = (text: string) => (text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : null);
  return [...new Set(curves.map((one) => one.group))].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    return x !== null && y !== null ? x - y : order.compare(a, b);
  });
}

/** One chart of curves that have one name. */
export function compared(
  curves: readonly Coloured[],
  groups: readonly string[],
  setting: Setting,
): ChartData {
  const located = curves
    .map((one) => ({ ...one, at: ascending(one.curve, setting.axis) }))
    .filter(({ at }) => at.x.length > 0);
  const members = new Map<string, number[]>();
  located.forEach(({ group }, i) => {
    members.set(group, [...(members.get(group) ?? []), i]);
  });
  const x = commonX(located.map(({ at }) => at.x));
  const each = located.map(({ at }) => smooth(onGrid(at.x, at.values, x), setting.smoothing));
  const summed = setting.sum !== 'none' && [...members.values()].some((all) => all.length > 1);
  const lines: Line[] = located.map(({ label, group }, i) => ({
    label: summed ? label : group === label || group === '' ? label : `${group} · ${label}`,
    weight: summed ? 'thin' : 'heavy',
    colour: groups.indexOf(group),
    values: each[i] ?? [],
  }));
  if (!summed) return { x, lines };
  const bands: Band[] = [];
  for (const [group, all] of [...members].sort(([a], [b]) => groups.indexOf(a) - groups.indexOf(b))) {
    const colour = groups.indexOf(group);
    const table = all.map((i) => each[i] ?? []);
    const middle = across(table, setting.sum === 'mean' ? mean : median);
    lines.push({
      label: `${group || setting.sum}${all.length > 1 ? ` · ${setting.sum} of ${all.length}` : ''}`,
      weight: 'heavy',
      colour,
      values: middle,
    });
    if (setting.spread === 'none' || all.length < 2) continue;
    const low =
      setting.spread === 'range' ? (v: number[]) => Math.min(...v) : (v: number[]) => mean(v) - deviation(v);
    const high =
      setting.spread === 'range' ? (v: number[]) => Math.max(...v) : (v: number[]) => mean(v) + deviation(v);
    bands.push({ colour, low: across(table, low), high: across(table, high) });
  }
  return { x, lines, bands };
}

/** A curve's points with x ascending, each x once. Time counts from the curve's own beginning, so that runs of different days meet. */
function ascending(curve: Curve, axis: XAxis): { x: number[]; values: Values } {
  const found = lastPerX(xOf(curve.points, axis, curve.points.times[0] ?? 0), curve.points.values);
  const sorted = [...found].sort(([a], [b]) => a - b);
  return { x: sorted.map(([x]) => x), values: sorted.map(([, value]) => value) };
}

/** Every x that a curve has, or evenly spaced ones where those are too many. */
function commonX(all: readonly number[][]): number[] {
  const union = [...new Set(all.flat())].sort((a, b) => a - b);
  const [first, last] = [union[0], union.at(-1)];
  if (union.length <= MOST_PLACES || first === undefined || last === undefined) return union;
  return Array.from({ length: MOST_PLACES }, (_, i) => first + ((last - first) * i) / (MOST_PLACES - 1));
}

/** A curve's values at other places: straight between its points, nothing before and after them. */
export function onGrid(x: readonly number[], values: Values, grid: readonly number[]): Values {
  let k = 0;
  return grid.map((at) => {
    while (k < x.length - 1 && (x[k + 1] ?? 0) <= at) k++;
    const [a, b] = [x[k], x[k + 1]];
    if (a === undefined || at < a) return null;
    const [low, high] = [values[k] ?? null, values[k + 1] ?? null];
    if (a === at) return low;
    if (b === undefined || low === null || high === null) return null;
    return low + ((high - low) * (at - a)) / (b - a);
  });
}

function across(table: readonly Values[], sum: (values: number[]) => number): Values {
  const length = Math.max(0, ...table.map((row) => row.length));
  return Array.from({ length }, (_, i) => {
    const there = table.map((row) => row[i]).filter((v): v is number => typeof v === 'number');
    return there.length ? sum(there) : null;
  });
}

function mean(values: number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** Of the values as a sample; one alone has none. */
function deviation(values: number[]): number {
  if (values.length < 2) return 0;
  const middle = mean(values);
  return Math.sqrt(values.reduce((sum, v) => sum + (v - middle) ** 2, 0) / (values.length - 1));
}
