/** From series to curves: grouping, the x-axis, smoothing and means. Plain functions over plain arrays. */
import type { Context, Points, Series } from '../lib/api/types';

export type XAxis = 'step' | 'epoch' | 'time';
export type Values = (number | null)[];

/** One chart: all series of one name. */
export interface CurveGroup {
  name: string;
  series: Series[];
}

export interface Line {
  label: string;
  /** A thin line is one of many, behind the heavy one that sums them up. */
  weight: 'heavy' | 'thin';
  /** Which of the series' colours; null for the faint one of what has none of its own. */
  colour: number | null;
  values: Values;
}

/** From where to where the lines behind a heavy one reach. */
export interface Band {
  colour: number;
  low: Values;
  high: Values;
}

/** Lines over one shared, ascending x. */
export interface ChartData {
  x: number[];
  lines: Line[];
  bands?: Band[];
}

/** One group per name; names without context first within a prefix, since they sum the others up. */
export function groupSeries(series: readonly Series[]): CurveGroup[] {
  const groups = new Map<string, Series[]>();
  for (const one of series) groups.set(one.name, [...(groups.get(one.name) ?? []), one]);
  return [...groups]
    .map(([name, members]) => ({ name, series: members }))
    .sort(
      (a, b) =>
        prefix(a.name).localeCompare(prefix(b.name)) ||
        a.series.length - b.series.length ||
        a.name.localeCompare(b.name),
    );
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

/** The x of each point; a point without an epoch has none. Times count in seconds from `start`. */
export function xOf(points: Points, axis: XAxis, start: number): Values {
  if (axis === 'epoch') return points.epochs.map((e) => (e !== null && e >= 0 ? e : null));
  if (axis === 'time') return points.times.map((t) => t - start);
  return points.steps;
}

/** Exponential smoothing without the pull towards zero at the beginning; gaps stay gaps. */
export function smooth(values: readonly (number | null)[], weight: number): Values {
  if (weight <= 0) return [...values];
  let sum = 0;
  let total = 0;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return null;
    sum = sum * weight + value * (1 - weight);
    total = total * weight + (1 - weight);
    return sum / total;
  });
}

/** All series of a group over one x, with the mean per class where there are several. */
export function chartData(
  group: CurveGroup,
  points: ReadonlyMap<Series['id'], Points>,
  axis: XAxis,
  weight: number,
): ChartData {
  const known = group.series.flatMap((series) => {
    const found = points.get(series.id);
    return found && found.steps.length > 0 ? [{ series, points: found }] : [];
  });
  const start = Math.min(...known.map(({ points }) => points.times[0] ?? Number.POSITIVE_INFINITY));
  const located = known.map(({ series, points }) => ({
    series,
    byX: lastPerX(xOf(points, axis, start), points.values),
  }));
  const x = [...new Set(located.flatMap(({ byX }) => [...byX.keys()]))].sort((a, b) => a - b);
  const several = located.length > 1;
  const lines: Line[] = located.map(({ series, byX }) => ({
    label: contextLabel(series.context) || series.name,
    weight: several ? 'thin' : 'heavy',
    colour: several ? null : 0,
    values: smooth(
      x.map((at) => byX.get(at) ?? null),
      weight,
    ),
  }));
  if (several) {
    for (const [place, [name, members]] of byClass(located.map(({ series }) => series)).entries()) {
      lines.push({
        label: name ? `mean · ${name}` : 'mean',
        weight: 'heavy',
        colour: place,
        values: mean(members.map((i) => lines[i]?.values ?? [])),
      });
    }
  }
  return { x, lines };
}

/** The mean of what is there at each x; nothing where nothing is. */
export function mean(lines: readonly Values[]): Values {
  const length = Math.max(0, ...lines.map((line) => line.length));
  return Array.from({ length }, (_, i) => {
    const there = lines.map((line) => line[i]).filter((v): v is number => typeof v === 'number');
    return there.length ? there.reduce((a, b) => a + b, 0) / there.length : null;
  });
}

/** A logarithmic axis has no place for what is not positive. */
export function positive(values: readonly (number | null)[]): Values {
  return values.map((v) => (v !== null && v > 0 ? v : null));
}

function byClass(series: readonly Series[]): [string, number[]][] {
  const classes = new Map<string, number[]>();
  series.forEach(({ context }, i) => {
    const name = 'class' in context ? String(context.class) : '';
    classes.set(name, [...(classes.get(name) ?? []), i]);
  });
  return classes.size === 1 ? [['', series.map((_, i) => i)]] : [...classes];
}

export function lastPerX(xs: Values, values: Values): Map<number, number | null> {
  const found = new Map<number, number | null>();
  xs.forEach((x, i) => {
    if (x !== null && Number.isFinite(x)) found.set(x, values[i] ?? null);
  });
  return found;
}

function prefix(name: string): string {
  return name.includes('/') ? name.slice(0, name.indexOf('/')) : name;
}
