/** Sorting rows by a column: numbers as numbers, text as people sort it, nothing always last. */

export type Cell = string | number | null | undefined;
export type Direction = 'up' | 'down';

const words = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

export function sortRows<Row>(rows: readonly Row[], cell: (row: Row) => Cell, direction: Direction): Row[] {
  const sign = direction === 'up' ? 1 : -1;
  return rows
    .map((row, index) => ({ row, index, value: cell(row) }))
    .sort((a, b) => {
      const none = Number(isNothing(a.value)) - Number(isNothing(b.value));
      return none || sign * compare(a.value, b.value) || a.index - b.index;
    })
    .map(({ row }) => row);
}

/** Every word of the filter is somewhere in the row's texts. */
export function matches(filter: string, texts: readonly string[]): boolean {
  const all = texts.join('\n').toLowerCase();
  return filter
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

function compare(a: Cell, b: Cell): number {
  if (isNothing(a) || isNothing(b)) return 0;
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return words.compare(String(a), String(b));
}

function isNothing(value: Cell): boolean {
  return value === null || value === undefined || (typeof value === 'number' && Number.isNaN(value));
}
