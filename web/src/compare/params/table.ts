/** The columns of many runs as plots read them. */
import type { RunValues, ValueColumn, ValueLevel } from '../../lib/api/importance';
import { duration, moment, number, tick } from '../../lib/format';

export type Goal = 'max' | 'min';

export interface Column {
  key: string;
  title: string;
  /** How a query says it. */
  term: string;
  kind: 'number' | 'level';
  /** Numbers, or places among the levels; NaN where a run has none. */
  values: Float64Array;
  levels: readonly ValueLevel[];
  statistic: string | null;
  goal: Goal | null;
  /** What is there and is no number: NaN and the infinities, by run. */
  odd: ReadonlyMap<number, string>;
  /** How many runs have no place on an axis. */
  missing: number;
}

export interface Table {
  total: number;
  ids: readonly string[];
  names: readonly string[];
  columns: ReadonlyMap<string, Column>;
}

const TITLES: Record<string, string> = {
  status: 'Status',
  experiment: 'Experiment',
  created: 'Created',
  duration_s: 'Duration',
};

/** `params.optimizer.lr` → `optimizer.lr`, `metrics.val/dice` → `val/dice`. */
export function titleOf(key: string): string {
  return TITLES[key] ?? key.replace(/^(params|metrics)\.?/, '');
}

export function tableOf(answer: RunValues): Table {
  return {
    total: answer.total,
    ids: answer.ids,
    names: answer.names,
    columns: new Map(answer.columns.map((one) => [one.key, columnOf(one)])),
  };
}

function columnOf(said: ValueColumn): Column {
  const values = new Float64Array(said.values.length);
  const odd = new Map<number, string>();
  let missing = 0;
  said.values.forEach((value: unknown, run) => {
    if (typeof value === 'string') odd.set(run, value);
    values[run] = typeof value === 'number' ? value : Number.NaN;
    if (typeof value !== 'number') missing++;
  });
  return {
    key: said.key,
    title: titleOf(said.key),
    term: said.term,
    kind: said.kind,
    values,
    levels: said.levels,
    statistic: said.statistic,
    goal: said.goal ?? (said.key === 'duration_s' ? 'min' : null),
    odd,
    missing,
  };
}

/** A run's value in words. */
export function textOf(column: Column, run: number): string {
  const value = column.values[run] ?? Number.NaN;
  if (Number.isNaN(value)) return column.odd.get(run) ?? 'none';
  return column.kind === 'level' ? (column.levels[value]?.text ?? 'none') : valueText(column.key, value);
}

export function valueText(key: string, value: number): string {
  if (key === 'created') return moment(value);
  if (key === 'duration_s') return duration(value);
  return number(value);
}

/** A value on an axis: as short as it can be said. */
export function tickText(column: Column, value: number): string {
  if (column.kind === 'level') return column.levels[value]?.text ?? '';
  if (column.key === 'created') return moment(value).slice(5);
  if (column.key === 'duration_s') return duration(value).replace(/ \d+ s$/, '');
  return tick(value);
}

/** The last word of a dotted name where no other needs it: `optimizer.lr` → `lr`. */
export function brief(title: string, all: readonly string[]): string {
  const last = (text: string) => text.split('.').at(-1) ?? text;
  if (title.includes('/') || title.includes('[')) return title;
  return all.filter((one) => last(one) === last(title)).length === 1 ? last(title) : title;
}
