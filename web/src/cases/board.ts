/** Cases as rows, runs as columns: differences, distributions and the colours of a heat map. Plain functions over plain data. */
import type { CaseBoard, CaseEpochs } from '../lib/api/cases';
import { minus, number, score } from '../lib/format';
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
  /** The second run's value minus the first one's, and none from ∞ to ∞; null unless both have one. */
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
      change: typeof first === 'number' && typeof second === 'number' ? changeOf(first, second) : null,
      hasVolume: board.columns.map((column) => column.has_volume[index] ?? false),
    };
  });
}

function changeOf(from: number, to: number): number {
  return from === to ? 0 : to - from;
}

/** The classes after a click on one: from all to it alone, then one by one; none is all again, which is null. */
export function toggled(
  names: readonly string[],
  on: ReadonlySet<string> | null,
  name: string,
): string[] | null {
  if (on === null || names.every((one) => on.has(one))) return [name];
  const next = names.filter((one) => on.has(one) !== (one === name));
  return next.length === 0 || next.length === names.length ? null : next;
}

/** Where in a row of epochs a value was reached first; null where it is not. */
export function reachedAt(
  cells: readonly (number | null)[],
  value: number | null | undefined,
): number | null {
  const at = value === null || value === undefined ? -1 : cells.indexOf(value);
  return at < 0 ? null : at;
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

/** How values lie, infinite ones too, with quartiles as numpy has them; null where there is none. */
export function spread(values: readonly (number | null)[]): Spread | null {
  const sorted = values.filter((v): v is number => v !== null).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const at = (share: number) => {
    const place = share * (sorted.length - 1);
    const low = sorted[Math.floor(place)] ?? 0;
    const high = sorted[Math.ceil(place)] ?? low;
    const weight = place - Math.floor(place);
    // From ∞ to ∞ there is no way, and 0 · ∞ is none of it.
    return weight === 0 || !Number.isFinite(low) ? low : low + (high - low) * weight;
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
  /** Of the changes from a finite value to another; null where there is none. */
  mean: number | null;
  median: number | null;
  /** How many are from ∞ or to it, and so in neither. */
  infinite: number;
}

/** The second run against the first, over the rows that both have. */
export function verdict(rows: readonly Row[], goal: Goal): Verdict | null {
  const both = rows.flatMap(({ change, values }) => (change === null ? [] : [{ change, values }]));
  if (both.length === 0) return null;
  const changes = both.map((row) => row.change);
  const finite = both.filter((row) => row.values.slice(0, 2).every(Number.isFinite));
  const told = spread(finite.map((row) => row.change));
  const gains = changes.map((change) => (goal === 'max' ? change : -change));
  // Less than a thousandth is seen by nobody.
  const better = gains.filter((gain) => gain > 5e-4).length;
  const worse = gains.filter((gain) => gain < -5e-4).length;
  return {
    count: changes.length,
    better,
    worse,
    same: changes.length - better - worse,
    mean: told?.mean ?? null,
    median: told?.median ?? null,
    infinite: changes.length - finite.length,
  };
}

export interface Range {
  low: number;
  high: number;
}

/** Scores lie between 0 and 1; anything else is shown over its own range. What is infinite lies outside it. */
export function rangeOf(values: Iterable<number | null>): Range {
  let [low, high] = [0, 0];
  for (const value of values) {
    if (value === null || !Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low >= 0 && high <= 1 ? { low: 0, high: 1 } : { low, high: high > low ? high : low + 1 };
}

/** Where a value lies in a range, as a share; what is beyond its ends, infinite too, lies at them. */
export function shareOf(value: number, range: Range): number {
  return Math.min(1, Math.max(0, (value - range.low) / (range.high - range.low)));
}

/** A score in three decimals, anything else in four digits. */
export function say(value: number | null | undefined, range: Range): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return number(value);
  return range.high <= 1 ? score(value) : number(Number(value.toPrecision(4)));
}

/** A change with its sign: `+0.020`, `−∞`. */
export function signed(change: number | null): string {
  if (change === null) return number(null);
  return `${change > 0 ? '+' : ''}${Number.isFinite(change) ? score(change) : number(change)}`;
}

/** Three digits, as beside a strip. */
export function digits(value: number): string {
  return Number.isFinite(value) ? minus(value.toPrecision(3)) : number(value);
}

/** The colour of a value: dark is bad, whichever way the metric is better. */
export function colour(value: number, range: Range, goal: Goal): [number, number, number] {
  const share = shareOf(value, range);
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
  if (!Number.isFinite(value)) return number(value);
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
  const cell = (value: number | null) => String(value ?? '').replace('Infinity', 'inf');
  const head = ['case', 'class', ...board.columns.map((column) => `${board.metric} ${column.name}`)];
  const two = board.columns.length === 2;
  const body = rows.map((row) =>
    [quote(row.case), quote(row.class), ...row.values.map(cell), ...(two ? [cell(row.change)] : [])].join(
      ',',
    ),
  );
  return [[...head, ...(two ? ['change'] : [])].map(quote).join(','), ...body].join('\r\n');
}
