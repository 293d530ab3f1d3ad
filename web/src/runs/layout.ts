/** Where the columns of the table of runs stand: how wide each is, and what stays in sight when the others are scrolled. */
import type { RunColumn } from '../lib/api/types';
import { title } from './columns';

/** The column of boxes, and what a name has at least: alone, and beside columns that are pinned or below groups. */
export const BOX = 36;
const NAME = 220;
const NAME_BESIDE = 260;
const USUAL: Readonly<Record<string, number>> = {
  status: 122,
  experiment: 118,
  created: 106,
  duration_s: 110,
  tags: 150,
  notes: 220,
  id: 110,
};
/** What a sign of a head takes, and what stands beside its label. */
const SIGN = 7.5;
const BESIDE = 36;
const WIDEST = 240;

export interface Layout {
  /** As a grid's columns. */
  template: string;
  /** The least width of a row. */
  least: number;
  /** The name's width; null where it takes what is left. */
  name: number | null;
  widths: readonly number[];
  /** Where pinned columns stay, for as many as there are. */
  lefts: readonly number[];
}

/** A mean with its deviation is wider than a value, and a value that another stands in for has a mark. */
function usual(column: RunColumn, grouped: boolean): number {
  const least = column.kind === 'metric' ? (grouped ? 146 : 124) : 104;
  return USUAL[column.key] ?? Math.min(WIDEST, Math.max(least, title(column).length * SIGN + BESIDE));
}

export function layout(
  columns: readonly RunColumn[],
  pinned: number,
  grouped: boolean,
  chosen: Readonly<Record<string, number>>,
): Layout {
  const widths = columns.map((column) => chosen[column.key] ?? usual(column, grouped));
  // What is pinned beside the name has to know where the name ends.
  const name = chosen.name ?? (pinned > 0 ? NAME_BESIDE : null);
  const least = name ?? (grouped ? NAME_BESIDE : NAME);
  const places = [BOX + least];
  for (const width of widths) places.push((places.at(-1) ?? 0) + width);
  const first = name === null ? `minmax(${least}px, 1fr)` : `${name}px`;
  return {
    template: [`${BOX}px`, first, ...widths.map((width) => `${width}px`)].join(' '),
    least: places.at(-1) ?? 0,
    name,
    widths,
    lefts: places.slice(0, pinned),
  };
}

/** As wide as the widest content of a column among the rows that are there; `place` is its place among the columns. */
export function fitting(table: Element, place: number): number {
  const beside = 34;
  let widest = 0;
  for (const cell of table.querySelectorAll(`[role=row] > :nth-child(${place + 3})`)) {
    const range = document.createRange();
    // Of a head its label counts: menu and edge are always as wide.
    range.selectNodeContents(cell.querySelector('.label span') ?? cell);
    widest = Math.max(widest, range.getBoundingClientRect().width + beside);
  }
  return Math.ceil(widest);
}
