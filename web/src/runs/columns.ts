/** The columns of the table of runs: which are shown, what they ask the server for, and how a person's words become a query. */
import type { RunColumn } from '../lib/api/types';

export const STATISTICS = ['best', 'last', 'min', 'max', 'first'] as const;
export type Statistic = (typeof STATISTICS)[number];

/** Shown where nobody has chosen: what a run is, then its metrics. */
const USUAL = ['status', 'experiment', 'created', 'duration_s'];
const MOST_METRICS = 6;
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
export function title(column: RunColumn): string {
  return TITLES[column.key] ?? column.key.replace(/^(params|metrics)\.?/, '');
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

/** The metrics that most runs have, validation before the rest. */
function bestKnown(columns: readonly RunColumn[]): RunColumn[] {
  const rank = (key: string) =>
    key.startsWith('metrics.val/') ? 0 : key.startsWith('metrics.eval/') ? 1 : 2;
  return columns
    .filter((column) => column.kind === 'metric')
    .sort((a, b) => rank(a.key) - rank(b.key) || b.runs - a.runs || a.key.localeCompare(b.key))
    .slice(0, MOST_METRICS);
}

/** What to ask the server for. Not every metric has a goal, so beside the best value comes the last one. */
export function cellKeys(columns: readonly RunColumn[], statistic: Statistic): string[] {
  return columns.flatMap((column) => {
    if (column.kind !== 'metric') return [column.key];
    return statistic === 'best'
      ? [`${column.key}.best`, `${column.key}.last`]
      : [`${column.key}.${statistic}`];
  });
}

export interface Cell {
  value: unknown;
  /** Whether the last value stands in, because the run has not said which way is better. */
  standIn: boolean;
}

/** The cells of a row in the order of the columns. */
export function cellsOf(
  columns: readonly RunColumn[],
  statistic: Statistic,
  cells: readonly unknown[],
): Cell[] {
  let at = 0;
  return columns.map((column) => {
    if (column.kind !== 'metric' || statistic !== 'best')
      return { value: cells[at++] ?? null, standIn: false };
    const best = cells[at++] ?? null;
    const last = cells[at++] ?? null;
    return best !== null ? { value: best, standIn: false } : { value: last, standIn: last !== null };
  });
}

/** What the server sorts by: `sort` is a column's key, with a minus before it for downwards. */
export function sortTerm(
  all: readonly RunColumn[],
  sort: string | undefined,
  statistic: Statistic,
): string | undefined {
  if (!sort) return undefined;
  const down = sort.startsWith('-');
  const column = all.find((one) => one.key === sort.slice(down ? 1 : 0));
  if (!column) return undefined;
  const term = column.kind === 'metric' ? `${column.term}.${statistic}` : column.term;
  return down ? `-${term}` : term;
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
