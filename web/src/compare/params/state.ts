/** What the address says of this view, and what is usual where it says nothing. */
import type { Importance } from '../../lib/api/importance';
import type { RunColumn } from '../../lib/api/types';
import { quoted, unquoted } from './brush';
import type { NumberScale } from './scale';
import { type Column, type Goal, titleOf } from './table';

export const STATISTICS = ['best', 'last', 'min', 'max', 'first'] as const;
export type Statistic = (typeof STATISTICS)[number];

/** More axes than this are told apart no more, nor read. */
export const MOST_AXES = 12;
const USUAL_AXES = 6;
/** More levels than this are names, not levels. */
const MANY_LEVELS = 20;
const OWN = ['experiment', 'status', 'created', 'duration_s'];

export interface View {
  axes: readonly string[] | null;
  flipped: ReadonlySet<string>;
  scales: ReadonlyMap<string, NumberScale>;
  statistic: Statistic;
  /** The metric that params are held against. */
  target: string | null;
  hue: string | null;
  x: string | null;
  y: string | null;
  size: string | null;
  pareto: boolean;
  trend: boolean;
  better: ReadonlyMap<string, Goal>;
}

export function readView(query: Record<string, string>): View {
  const scales = new Map<string, NumberScale>();
  for (const key of keysOf(query.plog) ?? []) scales.set(key, 'log');
  for (const key of keysOf(query.plin) ?? []) scales.set(key, 'linear');
  const better = new Map<string, Goal>();
  for (const key of keysOf(query.more) ?? []) better.set(key, 'max');
  for (const key of keysOf(query.less) ?? []) better.set(key, 'min');
  return {
    axes: keysOf(query.axes)?.slice(0, MOST_AXES) ?? null,
    flipped: new Set(keysOf(query.flip) ?? []),
    scales,
    statistic: STATISTICS.find((one) => one === query.stat) ?? 'best',
    target: query.of ?? null,
    hue: query.hue ?? null,
    x: query.sx ?? null,
    y: query.sy ?? null,
    size: query.size ?? null,
    pareto: query.front === '1',
    trend: query.trend === '1',
    better,
  };
}

export function keysOf(text: string | undefined): string[] | null {
  return text === undefined ? null : [...new Set(text.split('~').filter(Boolean).map(unquoted))];
}

/** Keys as a part of the address; null where there are none. */
export function written(keys: Iterable<string>): string | null {
  return [...keys].map(quoted).join('~') || null;
}

/** The address of a choice for each column, such as its scale: the columns that have it, by choice. */
export function writtenBy<Choice extends string>(
  choices: ReadonlyMap<string, Choice>,
  names: Record<Choice, string>,
): Record<string, string | null> {
  const found: Record<string, string | null> = {};
  for (const [choice, name] of Object.entries(names) as [Choice, string][])
    found[name] = written([...choices].filter(([, one]) => one === choice).map(([key]) => key));
  return found;
}

/** The params that differ, the most varied first, and the metric. */
export function usualAxes(importance: Importance | null, target: string | null): string[] {
  const rank = (one: Importance['params'][number]) =>
    one.kind === 'level' && one.distinct > MANY_LEVELS ? 2 : /(^|[._])seed$/.test(one.key) ? 1 : 0;
  const params = [...(importance?.params ?? [])]
    .filter((one) => !(one.kind === 'level' && one.distinct > MANY_LEVELS))
    .sort((a, b) => rank(a) - rank(b) || b.distinct - a.distinct || a.key.localeCompare(b.key));
  return [...params.slice(0, USUAL_AXES).map((one) => one.key), ...(target === null ? [] : [target])];
}

/** What may be an axis, as a person looks for it: metrics, params that differ, what every run has, and the rest. */
export function choices(columns: readonly RunColumn[]): { name: string; keys: string[] }[] {
  const of = (kind: RunColumn['kind'], differs: boolean) =>
    columns
      .filter((column) => column.kind === kind && column.differs === differs)
      .map((column) => column.key);
  return [
    { name: 'Params that differ', keys: of('param', true) },
    { name: 'Metrics', keys: [...of('metric', true), ...of('metric', false)] },
    { name: 'Runs', keys: OWN.filter((key) => columns.some((column) => column.key === key)) },
    { name: 'Params that are the same', keys: of('param', false) },
  ]
    .map((group) => ({
      ...group,
      keys: group.keys.sort((a, b) => titleOf(a).localeCompare(titleOf(b), 'en', { numeric: true })),
    }))
    .filter((group) => group.keys.length > 0);
}

/** Which way a column is better: as chosen, else as its runs say. */
export function goalOf(column: Column, better: ReadonlyMap<string, Goal>): Goal | null {
  return better.get(column.key) ?? column.goal;
}

/** A list with one of its items moved by so many places. */
export function moved(keys: readonly string[], key: string, by: number): string[] {
  const order = [...keys];
  const at = order.indexOf(key);
  const to = Math.min(order.length - 1, Math.max(0, at + by));
  if (at < 0) return order;
  order.splice(at, 1);
  order.splice(to, 0, key);
  return order;
}
