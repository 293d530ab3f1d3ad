/** What a chart shows: lines, each with places of its own, and bands. Plain functions from curves to what is drawn. */
import type { Curve } from '../lib/api/types';
import { along, firstFrom, type Mark, marks, pace, smooth, spliced, type Values } from './curves';
import { confidence, deviation, mean, median } from './stats';
import type { By, Range } from './view';

export const SUMS = ['mean', 'median', 'none'] as const;
export const BANDS = ['range', 'deviation', 'ci', 'none'] as const;
export type Sum = (typeof SUMS)[number];
export type Spread = (typeof BANDS)[number];
export const SPREAD_NAMES: Record<Spread, string> = {
  range: 'min–max',
  deviation: '± std',
  ci: '95 % CI',
  none: 'none',
};

/** One of the series' colours by its place, a share of the ramp from low to high, or the faint one of what has none. */
export type Hue = number | { share: number } | null;

/** A curve, and how it is told from others. */
export interface Trace {
  curve: Curve;
  /** A part of it, finer. */
  detail: Curve | null;
  /** The same in every chart and after a reload: lines are hidden by it. */
  key: string;
  label: string;
  group: string;
  hue: Hue;
  stroke: number;
}

export interface Line {
  key: string;
  label: string;
  /** A thin line is one of many, behind the heavy one that sums them up. */
  weight: 'heavy' | 'thin';
  hue: Hue;
  stroke: number;
  x: readonly number[];
  values: Values;
  /** What was logged, where the line is a smoothed one. */
  raw: Values | null;
  /** How many values were no numbers, and where. */
  broken: number;
  marks: readonly Mark[];
  /** Points for which the axis has no place. */
  unplaced: number;
  /** The series behind it. */
  ids: readonly number[];
}

/** From where to where the lines behind a heavy one reach. */
export interface Band {
  key: string;
  hue: Hue;
  x: readonly number[];
  low: Values;
  high: Values;
}

export interface Picture {
  lines: Line[];
  bands: Band[];
}

export interface Setting {
  by: By;
  smoothing: number;
  sum: Sum;
  spread: Spread;
  zoom: Range | null;
  /** Whether one curve alone in its group is still one of many, as among cases; else it speaks for itself. */
  always?: boolean;
}

/** More places than this on the common axis of a mean are no clearer, and slower. */
const MOST_PLACES = 400;

/** One chart. Curves of one group are summed up, where the setting says so and a group has several. */
export function picture(traces: readonly Trace[], setting: Setting): Picture {
  const drawn = traces
    .map((trace) => lineOf(trace, setting))
    .filter(({ line }) => line.x.length > 0 || line.broken > 0);
  const members = new Map<string, number[]>();
  drawn.forEach(({ trace }, i) => {
    const all = members.get(trace.group);
    if (all) all.push(i);
    else members.set(trace.group, [i]);
  });
  const summed =
    setting.sum !== 'none' &&
    ([...members.values()].some((all) => all.length > 1) || (setting.always === true && drawn.length > 1));
  if (!summed) return { lines: drawn.map(({ line }) => line), bands: [] };
  const lines: Line[] = drawn.map(({ line }) => ({ ...line, weight: 'thin', raw: null }));
  const bands: Band[] = [];
  for (const [group, all] of members) {
    const some = all.flatMap((i) => drawn[i] ?? []);
    const { line, band } = summary(group, some, setting);
    lines.push(line);
    if (band) bands.push(band);
  }
  return { lines, bands };
}

interface Drawn {
  trace: Trace;
  line: Line;
  /** Of what the middle is made: the mean of each stretch, smoothed where asked. */
  middle: Values;
  raw: Values;
}

function lineOf(trace: Trace, { by, smoothing }: Setting): Drawn {
  const coarse = along(trace.curve, by);
  const at = trace.detail ? spliced(coarse, along(trace.detail, by)) : coarse;
  const middle = smoothing > 0 ? smooth(at.x, at.means, smoothing, pace(coarse)) : at.means;
  const line: Line = {
    key: trace.key,
    label: trace.label,
    weight: 'heavy',
    hue: trace.hue,
    stroke: trace.stroke,
    x: at.x,
    values: smoothing > 0 ? middle : at.y,
    raw: smoothing > 0 ? at.y : null,
    broken: trace.curve.broken?.count ?? 0,
    marks: marks(trace.detail?.broken ? trace.detail : trace.curve, by),
    unplaced: trace.curve.unplaced,
    ids: [trace.curve.id],
  };
  return { trace, line, middle, raw: at.y };
}

function summary(group: string, all: readonly Drawn[], setting: Setting): { line: Line; band: Band | null } {
  const first = all[0]?.trace;
  const hue = first?.hue ?? null;
  const key = `=${group}`;
  const x = commonX(
    all.map(({ line }) => line.x),
    setting.zoom,
  );
  const table = all.map(({ line, middle }) => onGrid(line.x, middle, x));
  const sum = setting.sum === 'median' ? median : mean;
  const several = all.length > 1;
  const spread = several ? setting.spread : 'none';
  const line: Line = {
    key,
    label: [group, several ? `${setting.sum} of ${all.length}` : '']
      .filter(Boolean)
      .join(' · ')
      .concat(spread === 'none' ? '' : `, ${SPREAD_NAMES[spread]}`),
    weight: 'heavy',
    hue,
    stroke: first?.stroke ?? 0,
    x,
    values: across(table, sum),
    raw: null,
    broken: all.reduce((total, one) => total + one.line.broken, 0),
    marks: [],
    unplaced: 0,
    ids: all.flatMap((one) => one.line.ids),
  };
  if (spread === 'none') return { line, band: null };
  if (spread === 'range') {
    // The extremes of the points themselves: a spike in one of many runs widens the band.
    const ends = all.map((one) => envelope(one.line.x, one.raw, x));
    const low = across(
      ends.map((end, i) => end.low.map((v, k) => v ?? table[i]?.[k] ?? null)),
      (v) => Math.min(...v),
    );
    const high = across(
      ends.map((end, i) => end.high.map((v, k) => v ?? table[i]?.[k] ?? null)),
      (v) => Math.max(...v),
    );
    return { line, band: { key, hue, x, low, high } };
  }
  const reach = spread === 'ci' ? confidence : deviation;
  // Both are about the mean; one value alone has no spread that is known.
  const edge = (sign: number) => across(table, (v) => (v.length > 1 ? mean(v) + sign * reach(v) : null));
  return { line, band: { key, hue, x, low: edge(-1), high: edge(1) } };
}

/** Every x that a curve has, or evenly spaced ones where those are too many. */
export function commonX(all: readonly (readonly number[])[], zoom: Range | null): number[] {
  const inside = zoom
    ? all.map((x) => x.slice(Math.max(0, firstFrom(x, zoom[0]) - 1), firstFrom(x, zoom[1]) + 1))
    : all;
  const places = new Set<number>();
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const x of inside)
    for (const at of x) {
      if (places.size <= MOST_PLACES) places.add(at);
      if (at < low) low = at;
      if (at > high) high = at;
    }
  if (places.size <= MOST_PLACES) return [...places].sort((a, b) => a - b);
  return Array.from({ length: MOST_PLACES }, (_, i) => low + ((high - low) * i) / (MOST_PLACES - 1));
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

/** The lowest and highest value around each place of a grid; nothing where no point lies. */
export function envelope(
  x: readonly number[],
  values: Values,
  grid: readonly number[],
): { low: Values; high: Values } {
  const low: Values = grid.map(() => null);
  const high: Values = grid.map(() => null);
  let k = 0;
  for (let i = 0; i < x.length; i++) {
    const [at, value] = [x[i] ?? 0, values[i]];
    if (value === null || value === undefined) continue;
    while (k < grid.length - 1 && Math.abs((grid[k + 1] ?? 0) - at) <= Math.abs((grid[k] ?? 0) - at)) k++;
    // What lies beyond the ends of the grid is not in sight.
    const step = grid.length > 1 ? Math.abs((grid[1] ?? 0) - (grid[0] ?? 0)) : 0;
    if (Math.abs((grid[k] ?? 0) - at) > step) continue;
    low[k] = Math.min(low[k] ?? value, value);
    high[k] = Math.max(high[k] ?? value, value);
  }
  return { low, high };
}

function across(table: readonly Values[], sum: (values: number[]) => number | null): Values {
  const length = Math.max(0, ...table.map((row) => row.length));
  return Array.from({ length }, (_, i) => {
    const there: number[] = [];
    for (const row of table) {
      const value = row[i];
      if (typeof value === 'number') there.push(value);
    }
    return there.length ? sum(there) : null;
  });
}
