/** What the cells of runs and of groups say. */
import type { GroupCell } from '../lib/api/runs';
import type { RunColumn } from '../lib/api/types';
import { ago, duration, minus, moment, number } from '../lib/format';

export const FIGURES = { mean: 'mean ± deviation', median: 'median', range: 'lowest – highest' } as const;
export type Figure = keyof typeof FIGURES;

/** A number as it was set, not as it was measured: 0.001, not 0.001000. */
function set(value: number): string {
  return Number.isFinite(value) ? minus(String(Number(value.toPrecision(6)))) : number(value);
}

/** A mean with its deviation: two digits of that, and no more places of the mean than it leaves meaning to, or than a single
 *  value would have. */
export function plusMinus(mean: number, deviation: number): string {
  const places = 1 - Math.floor(Math.log10(deviation));
  const alone = 3 - Math.floor(Math.log10(Math.abs(mean)));
  if (!Number.isFinite(places) || !Number.isFinite(alone) || places > 6 || Math.abs(mean) >= 1e7)
    return `${number(mean)} ± ${number(deviation)}`;
  const digits = Math.max(0, Math.min(places, Math.max(alone, 2)));
  return `${minus(mean.toFixed(digits))} ± ${deviation.toFixed(digits)}`;
}

function oneText(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (Array.isArray(value)) return value.map(oneText).join(', ');
  if (typeof value === 'number') return set(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Writes a number of a column: a time as people tell it, a param as it was set, a metric to four digits. */
function written(column: RunColumn, now: number): (value: number) => string {
  if (column.key === 'created') return (value) => ago(value, now);
  if (column.key === 'duration_s') return duration;
  return column.kind === 'metric' ? number : set;
}

/** A run's cell in words; `now` is what times are told from. */
export function cellText(column: RunColumn, value: unknown, now: number): string {
  return typeof value === 'number' ? written(column, now)(value) : oneText(value);
}

export function cellTitle(column: RunColumn, value: unknown): string {
  if (column.key === 'created' && typeof value === 'number') return moment(value);
  return typeof value === 'number' ? String(value) : oneText(value);
}

/** A group's cell in words. Of a param the range is told: the mean of learning rates says nothing. */
export function groupText(column: RunColumn, cell: GroupCell | null, figure: Figure, now: number): string {
  if (!cell) return '';
  const { mean, deviation, median, low, high } = cell;
  if (typeof mean !== 'number' || typeof low !== 'number' || typeof high !== 'number') return told(cell);
  const say = written(column, now);
  if (column.key === 'created') return say(high);
  if (low === high) return say(low);
  if (column.kind === 'param' || (figure === 'range' && column.kind === 'metric'))
    return `${say(low)} – ${say(high)}`;
  if (figure === 'median') return say(median ?? mean);
  return column.kind === 'metric' && typeof deviation === 'number' ? plusMinus(mean, deviation) : say(mean);
}

/** All that is known of a group's cell, for whoever points at it. */
export function groupTitle(column: RunColumn, cell: GroupCell | null, statistic: string): string {
  if (!cell) return '';
  const of = `${cell.count} ${cell.count === 1 ? 'run' : 'runs'}`;
  if (typeof cell.mean !== 'number') return `${of}: ${told(cell)}`;
  const say = column.key === 'created' ? moment : written(column, Date.now());
  if (column.key === 'created') return `${of}, begun ${say(cell.low ?? 0)} to ${say(cell.high ?? 0)}`;
  const what = column.kind === 'metric' ? `the ${statistic} values of ${of}` : of;
  return [
    `Of ${what}: mean ${say(cell.mean)}`,
    typeof cell.deviation === 'number' ? `standard deviation ${say(cell.deviation)}` : null,
    `median ${say(cell.median ?? cell.mean)}`,
    `${say(cell.low ?? cell.mean)} to ${say(cell.high ?? cell.mean)}`,
  ]
    .filter(Boolean)
    .join(', ');
}

function told(cell: GroupCell): string {
  const values = (cell.values ?? []).map(oneText);
  const more = (cell.distinct ?? values.length) - values.length;
  return values.join(', ') + (more > 0 ? ` and ${more} more` : '');
}

/** What the runs of a group have in common. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined || value === '') return 'none';
  return typeof value === 'number' ? minus(String(value)) : oneText(value);
}
