/** Cases as rows, runs as columns: differences, distributions and the colours of a heat map. Plain functions over plain data. */
import type { CaseBoard, CaseEpochs } from '../lib/api/cases';
import { css, heat } from '../lib/scale';
import { type Direction, matches, sortRows } from '../lib/sort';

export const VALUES = ['last', 'best', 'worst'] as const;
export type Value = (typeof VALUES)[number];
export type Goal = CaseBoard['goal'];

export interface Row {
  /** Where the board has it. */
  index: number;
  case: string;
  class: string;
  /** One for each run, in the order of the board's columns. */
  values: (number | null)[];
  /** The second run's value minus the first one's; null unless both have one. */
  change: number | null;
  /** Which of the runs have logged a volume of the case. */
  hasVolume: boolean[];
}

export function rowsOf(board: CaseBoard, value: Value): Row[] {
  return board.cases.map((id, index) => {
    const values = board.columns.map((column) => column[value][index] ?? null);
    const [first, second] = values;
    return {
      index,
      case: id,
      class: board.classes[index] ?? '',
      values,
      change: typeof first === 'number' && typeof second === 'number' ? second - first : null,
      hasVolume: board.columns.map((column) => column.has_volume[index] ?? false),
    };
  });
}

/** A column to sort by: `case`, `class`, `change`, or a run's place. */
export type SortKey = 'case' | 'class' | 'change' | number;

export function readSort(text: string | undefined): SortKey {
  if (text === 'case' || text === 'class' || text === 'change') return text;
  const place = Number(text ?? 0);
  return Number.isInteger(place) && place >= 0 ? place : 0;
}

/** Which direction of a column shows the worst first: low scores, high distances, the largest loss. */
export function worstFirst(key: SortKey, goal: Goal): Direction {
  if (key === 'case' || key === 'class') return 'up';
  return goal === 'max' ? 'up' : 'down';
}

export function chosen(
  rows: readonly Row[],
  filter: string,
  classes: ReadonlySet<string> | null,
  key: SortKey,
  direction: Direction,
): Row[] {
  const fitting = rows.filter(
    (row) => (classes === null || classes.has(row.class)) && matches(filter, [row.case, row.class]),
  );
  return sortRows(
    fitting,
    (row) => (typeof key === 'number' ? (row.values[key] ?? null) : row[key]),
    direction,
  );
}

export interface Spread {
  count: number;
  low: number;
  lowerQuarter: number;
  median: number;
  upperQuarter: number;
  high: number;
  mean: number;
}

/** How values lie, with quartiles as numpy has them; null where there is none. */
export function spread(values: readonly (number | null)[]): Spread | null {
  const sorted = values.filter((v): v is number => v !== null).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const low = sorted[Math.floor(place)] ?? 0;
    const high = sorted[Math.ceil(place)] ?? low;
    return low + (high - low) * (place - Math.floor(place));
  };
  return {
    count: sorted.length,
    low: at(0),
    lowerQuarter: at(0.25),
    median: at(0.5),
    upperQuarter: at(0.75),
    high: at(1),
    mean: sorted.reduce((sum, v) => sum + v, 0) / sorted.length,
  };
}

export interface Verdict {
  count: number;
  better: number;
  worse: number;
  same: number;
  mean: number;
  median: number;
}

/** The second run against the first, over the rows that both have. */
export function verdict(rows: readonly Row[], goal: Goal): Verdict | null {
  const changes = rows.map((row) => row.change).filter((v): v is number => v !== null);
  const told = spread(changes);
  if (!told) return null;
  const gains = changes.map((change) => (goal === 'max' ? change : -change));
  // Less than a thousandth is seen by nobody.
  const better = gains.filter((gain) => gain > 5e-4).length;
  const worse = gains.filter((gain) => gain < -5e-4).length;
  return {
    count: told.count,
    better,
    worse,
    same: told.count - better - worse,
    mean: told.mean,
    median: told.median,
  };
}

export interface Range {
  low: number;
  high: number;
}

/** Scores lie between 0 and 1; anything else is shown over its own range. */
export function rangeOf(values: Iterable<number | null>): Range {
  let [low, high] = [0, 0];
  for (const value of values) {
    if (value === null) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low >= 0 && high <= 1 ? { low: 0, high: 1 } : { low, high: high > low ? high : low + 1 };
}

/** The colour of a value: dark is bad, whichever way the metric is better. */
export function colour(value: number, range: Range, goal: Goal): [number, number, number] {
  const share = (value - range.low) / (range.high - range.low);
  return heat(goal === 'max' ? share : 1 - share);
}

/** A row of the heat map as one background, however many epochs it has: an element for each would be too many. */
export function strip(values: readonly (number | null)[], width: number, range: Range, goal: Goal): string {
  const gap = width > 6 ? 1 : 0;
  const stops = values.flatMap((value, k) => {
    const from = k * width;
    const said = value === null ? 'var(--bg-sunken)' : css(colour(value, range, goal));
    const end = from + width - gap;
    const cell = `${said} ${from}px ${end}px`;
    return gap ? [cell, `transparent ${end}px ${from + width}px`] : [cell];
  });
  return stops.length ? `linear-gradient(90deg,${stops.join(',')})` : 'none';
}

/** How wide a cell of the heat map is, by how many there are beside each other. */
export function cellWidth(count: number, room: number): number {
  return Math.max(4, Math.min(46, Math.floor(room / Math.max(1, count))));
}

/** A run's epochs by case and class, for the rows of a board. */
export function epochsByRow(board: CaseBoard, epochs: CaseEpochs | null): (readonly (number | null)[])[] {
  if (!epochs) return board.cases.map(() => []);
  const found = new Map(epochs.cases.map((id, i) => [`${id}\n${epochs.classes[i]}`, epochs.values[i] ?? []]));
  return board.cases.map((id, i) => found.get(`${id}\n${board.classes[i]}`) ?? []);
}

/** As it fits into a cell: `.93`, `12.5`. */
export function short(value: number | null): string {
  if (value === null) return '';
  return Math.abs(value) < 9.995
    ? value
        .toFixed(2)
        .replace(/^(-?)0\./, '$1.')
        .replace('-', '−')
    : value.toFixed(0).replace('-', '−');
}

/** The rows as a spreadsheet reads them; a text that begins like a formula is kept from being one. */
export function csv(board: CaseBoard, rows: readonly Row[]): string {
  const quote = (text: string) => {
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  const head = ['case', 'class', ...board.columns.map((column) => `${board.metric} ${column.name}`)];
  const two = board.columns.length === 2;
  const body = rows.map((row) =>
    [
      quote(row.case),
      quote(row.class),
      ...row.values.map((v) => v ?? ''),
      ...(two ? [row.change ?? ''] : []),
    ].join(','),
  );
  return [[...head, ...(two ? ['change'] : [])].map(quote).join(','), ...body].join('\r\n');
}
