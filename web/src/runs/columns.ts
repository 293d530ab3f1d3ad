/** The columns of the table of runs: which are shown, what they ask the server for, and how a person's words become a query. */
import type { RunColumn } from '../lib/api/types';

export const STATISTICS = ['best', 'last', 'min', 'max', 'first'] as const;
export type Statistic = (typeof STATISTICS)[number];
/** Joins several columns, or several groups, in the address. */
export const SEPARATOR = '~';

/** Shown where nobody has chosen: what a run is, then its metrics. */
const USUAL = ['status', 'experiment', 'created', 'duration_s'];
const MOST_METRICS = 6;
const MOST_GROUPINGS = 2;
/** What of a run itself several have in common; everything that was set can be, too. */
const GROUPABLE = ['experiment', 'status', 'tags', 'name', 'parent'];
const TITLES: Record<string, string> = {
  name: 'Name',
  status: 'Status',
  experiment: 'Experiment',
  created: 'Created',
  duration_s: 'Duration',
  tags: 'Tags',
  notes: 'Notes',
  id: 'Id',
  parent: 'Forked from',
};

/** `params.optimizer.lr` → `optimizer.lr`, `metrics.val/dice` → `val/dice`. */
export function title(column: Pick<RunColumn, 'key'>): string {
  return TITLES[column.key] ?? column.key.replace(/^(params|metrics)\.?/, '');
}

export function groupable(column: RunColumn): boolean {
  return column.kind === 'param' || GROUPABLE.includes(column.key);
}

/** Several keys out of the address; null where it says nothing of them. */
export function readKeys(text: string | undefined): string[] | null {
  return text === undefined ? null : text.split(SEPARATOR).filter(Boolean);
}

/** The columns to group by: those that the address names and that runs can have in common. */
export function readGrouping(text: string | undefined, all: readonly RunColumn[]): string[] {
  const known = (key: string) => all.some((column) => column.key === key && groupable(column));
  return [...new Set(readKeys(text) ?? [])].filter(known).slice(0, MOST_GROUPINGS);
}

/** What to group by after a person has chosen a column more, or one less; a third takes the place of the second. */
export function regrouped(by: readonly string[], key: string): string[] {
  if (by.includes(key)) return by.filter((one) => one !== key);
  return [...by.slice(0, MOST_GROUPINGS - 1), key];
}

/** The columns to show beside the name: the chosen ones, all that tell runs apart, or the usual ones. */
export function shown(
  all: readonly RunColumn[],
  chosen: readonly string[] | null,
  onlyDiffering: boolean,
): RunColumn[] {
  const candidates = all.filter((column) => column.key !== 'name');
  if (chosen !== null) {
    const byKey = new Map(candidates.map((column) => [column.key, column]));
    return chosen.flatMap((key) => byKey.get(key) ?? []).filter((column) => !onlyDiffering || column.differs);
  }
  if (onlyDiffering)
    return candidates.filter(
      (column) => column.differs && !['id', 'notes', 'parent', 'tags'].includes(column.key),
    );
  const usual = USUAL.flatMap((key) => candidates.find((column) => column.key === key) ?? []);
  return [...usual, ...bestKnown(candidates)];
}

/** Pinned columns come first, in the order in which they were pinned. */
export function pinnedFirst(columns: readonly RunColumn[], pins: readonly string[]): RunColumn[] {
  const pinned = pins.flatMap((key) => columns.find((column) => column.key === key) ?? []);
  return [...pinned, ...columns.filter((column) => !pins.includes(column.key))];
}

/** The metrics that most runs have, validation before the rest. */
function bestKnown(columns: readonly RunColumn[]): RunColumn[] {
  const rank = (key: string) =>
    key.startsWith('metrics.val/') ? 0 : key.startsWith('metrics.eval/') ? 1 : 2;
  return columns
    .filter((column) => column.kind === 'metric')
    .sort((a, b) => rank(a.key) - rank(b.key) || b.runs - a.runs || a.key.localeCompare(b.key))
    .slice(0, MOST_METRICS);
}

/** The keys of a column's cells. Not every metric has a goal, so beside the best value comes the last one. */
export function keysOf(column: RunColumn, statistic: Statistic): string[] {
  if (column.kind !== 'metric') return [column.key];
  const also = statistic === 'best' ? [`${column.key}.last`] : [];
  return [`${column.key}.${statistic}`, ...also];
}

/** What to ask the server for. */
export function cellKeys(columns: readonly RunColumn[], statistic: Statistic): string[] {
  return columns.flatMap((column) => keysOf(column, statistic));
}

export interface Cell<Value> {
  value: Value | null;
  /** Whether the last value stands in, because the run has not said which way is better. */
  standIn: boolean;
}

/** The cell of a column among those that a row has, by key: a row may still answer an earlier question. */
export function cellOf<Value>(
  column: RunColumn,
  statistic: Statistic,
  said: ReadonlyMap<string, Value | null>,
): Cell<Value> {
  const [first, second] = keysOf(column, statistic).map((key) => said.get(key) ?? null);
  if (first !== null && first !== undefined) return { value: first, standIn: false };
  return { value: second ?? null, standIn: second !== null && second !== undefined };
}

/** The column and the direction that the address sorts by. */
function sorting(all: readonly RunColumn[], sort: string | undefined): [RunColumn, string] | null {
  if (!sort) return null;
  const sign = sort.startsWith('-') ? '-' : '';
  const column = all.find((one) => one.key === sort.slice(sign.length));
  return column ? [column, sign] : null;
}

/** What the server sorts by: `sort` is a column's key, with a minus before it for downwards. Runs without a best value are
 *  sorted by the last one, which is what their cells show. */
export function sortTerm(
  all: readonly RunColumn[],
  sort: string | undefined,
  statistic: Statistic,
): string | undefined {
  const found = sorting(all, sort);
  if (!found) return undefined;
  const [column, sign] = found;
  if (column.kind !== 'metric') return `${sign}${column.term}`;
  const statistics = statistic === 'best' ? ['best', 'last'] : [statistic];
  return statistics.map((one) => `${sign}${column.term}.${one}`).join(', ');
}

/** What the groups are ordered by. Sorted by name, they are in the order of what they have in common. */
export function groupOrder(
  all: readonly RunColumn[],
  sort: string | undefined,
  statistic: Statistic,
  by: readonly string[],
): string[] {
  const found = sorting(all, sort);
  if (!found) return [];
  const [column, sign] = found;
  if (by.includes(column.key)) return [sign + column.key];
  if (column.key === 'name') return by.map((key) => sign + key);
  return keysOf(column, statistic).map((key) => sign + key);
}

/** Whether a text is written in the query language; anything else is words to look for. */
export function isQuery(text: string): boolean {
  return /\b(run|series|case|media)\b\s*[.[]|[=<>()]|^\s*["'].*\bin\b/.test(text);
}

/** Words as a query: each of them is in the name, the experiment, the status, the id or a tag. */
export function queryOf(text: string): string {
  if (isQuery(text)) return text;
  return text
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => {
      const said = JSON.stringify(word.toLowerCase());
      const places = ['name', 'experiment', 'status', 'id'].map(
        (key) => `run.${key}.lower().contains(${said})`,
      );
      return `(${[...places, `${JSON.stringify(word)} in run.tags`].join(' or ')})`;
    })
    .join(' and ');
}

/** Just these runs, archived or not. */
export function idQuery(ids: readonly string[]): string {
  return `run.id in ${JSON.stringify(ids)} and (run.archived or not run.archived)`;
}
