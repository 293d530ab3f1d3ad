/** Where the parts of distributions over steps lie, and how strongly they are coloured. */
import type { Distribution, Heat, HeatColumn } from '../../lib/api/media';

/** The edges of columns as shares of the width: each reaches halfway to its neighbours. */
export function columnEdges(columns: readonly Pick<HeatColumn, 'first' | 'last'>[]): number[] {
  const middles = columns.map((one) => (one.first + one.last) / 2);
  if (middles.length < 2) return middles.length ? [0, 1] : [];
  const between = middles.slice(1).map((middle, at) => (middle + (middles[at] ?? middle)) / 2);
  const [first = 0, second = 0] = middles;
  const [last = 0, former = 0] = [middles.at(-1), middles.at(-2)];
  const edges = [first - (second - first) / 2, ...between, last + (last - former) / 2];
  const [low = 0, high = 1] = [edges[0], edges.at(-1)];
  return edges.map((edge, at) => (high > low ? (edge - low) / (high - low) : at / (edges.length - 1)));
}

/** The place of a step along the width, as a share. */
export function placeOf(columns: readonly Pick<HeatColumn, 'first' | 'last'>[], step: number): number | null {
  const at = columns.findIndex((one) => step >= one.first && step <= one.last);
  const edges = columnEdges(columns);
  const [low, high] = [edges[at], edges[at + 1]];
  return low === undefined || high === undefined ? null : (low + high) / 2;
}

/** How strong each bin of each column is, from 0 to 1: its part of the column, against the strongest part of all. */
export function strengths(heat: Heat, log: boolean): number[][] {
  const parts = heat.columns.map((column) => {
    const finite = column.count - column.nan - column.inf;
    return column.share.map((count) => (finite > 0 ? count / finite : 0));
  });
  const most = Math.max(0, ...parts.map((part) => Math.max(0, ...part)));
  if (most === 0) return parts;
  const shown = (part: number) => (log ? Math.log1p(1e4 * part) / Math.log1p(1e4 * most) : part / most);
  return parts.map((part) => part.map(shown));
}

/** The height of a value between the lowest and the highest edge, as a share from below. */
export function heightOf(heat: Pick<Heat, 'low' | 'high'>, value: number | null): number | null {
  if (value === null) return null;
  // Halved, for the distance between the largest numbers is none.
  const share = (value / 2 - heat.low / 2) / (heat.high / 2 - heat.low / 2);
  return Math.min(1, Math.max(0, share));
}

/** Counts per width of their bins, so that bins of unequal width are comparable; 1 is the densest. */
export function densities({ counts, edges }: Pick<Distribution, 'counts' | 'edges'>): number[] {
  const found = counts.map((count, at) => {
    const width = (edges[at + 1] ?? 0) / 2 - (edges[at] ?? 0) / 2;
    return width > 0 ? count / width : 0;
  });
  const most = Math.max(0, ...found);
  return most > 0 ? found.map((one) => one / most) : found;
}

export interface Range {
  low: number;
  high: number;
}

/** The range that some distributions have together. */
export function rangeOf(all: readonly Pick<Distribution, 'edges'>[]): Range {
  const low = Math.min(...all.map((one) => one.edges[0] ?? 0));
  const high = Math.max(...all.map((one) => one.edges.at(-1) ?? 1));
  return low < high ? { low, high } : { low: low - 0.5, high: high + 0.5 };
}

/** A histogram's outline as an SVG path in a box of `width` × `height`, its foot at the bottom. */
export function outline(
  one: Pick<Distribution, 'counts' | 'edges'>,
  range: Range,
  width: number,
  height: number,
  log: boolean,
): string {
  const x = (edge: number) => round((heightOf(range, edge) ?? 0) * width);
  const y = (density: number) =>
    round(height - (log ? Math.log1p(1e3 * density) / Math.log1p(1e3) : density) * height);
  const parts = densities(one).map((density, at) => `V${y(density)}H${x(one.edges[at + 1] ?? 0)}`);
  return `M${x(one.edges[0] ?? 0)},${height}${parts.join('')}V${height}Z`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
