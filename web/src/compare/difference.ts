/** What several runs were told and what they reached, side by side, against one of them. */
import type { RunColumn, RunRow } from '../lib/api/types';
import { minus, number } from '../lib/format';
import { title } from '../runs/columns';

export interface Value {
  text: string;
  /** Whether it says the same as the run that all are held against. */
  same: boolean;
  /** By how much a number is another one, in words; nothing for what is no number. */
  change: string | null;
}

export interface Row {
  key: string;
  /** The way to it, and its own name: `optimizer.` and `lr`. */
  path: string;
  name: string;
  /** Which value of a metric, where it is one. */
  statistic: string | null;
  values: Value[];
}

type Cells = (run: RunRow, key: string) => unknown;

export function rowOf(column: RunColumn, runs: readonly RunRow[], base: RunRow, cells: Cells): Row {
  const metric = column.kind === 'metric';
  // Not every metric has a goal; the last value stands in where no run has said which way is better.
  const best = metric && runs.some((run) => isSaid(cells(run, `${column.key}.best`)));
  const key = metric ? `${column.key}.${best ? 'best' : 'last'}` : column.key;
  const against = cells(base, key);
  const full = title(column);
  const cut = metric ? full.lastIndexOf('/') : full.lastIndexOf('.');
  return {
    key: column.key,
    path: full.slice(0, cut + 1),
    name: full.slice(cut + 1),
    statistic: metric ? (best ? 'best' : 'last') : null,
    values: runs.map((run) => {
      const value = cells(run, key);
      const same = run === base || JSON.stringify(value) === JSON.stringify(against);
      return { text: say(value), same, change: same ? null : changeOf(value, against, metric) };
    }),
  };
}

export function say(value: unknown): string {
  if (!isSaid(value)) return '–';
  if (typeof value === 'number') return number(value);
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** `+0.012` between what was measured or counted; `×10` or `+12 %` between what was told, where that can be said. */
export function changeOf(value: unknown, base: unknown, difference: boolean): string | null {
  if (typeof value !== 'number' || typeof base !== 'number') return null;
  if (!Number.isFinite(value) || !Number.isFinite(base) || value === base) return null;
  const sign = value > base ? '+' : '';
  const whole = Number.isInteger(value) && Number.isInteger(base);
  if (difference || whole || value * base <= 0) return `${sign}${number(value - base)}`;
  const ratio = value / base;
  if (ratio >= 2 || ratio <= 0.5) return `×${number(ratio)}`;
  return minus(`${sign}${Number(((ratio - 1) * 100).toPrecision(2))} %`);
}

/** A table as text that a spreadsheet takes; what would be a formula there stays text. */
export function asText(
  rows: readonly Row[],
  runs: readonly RunRow[],
  whole: (key: string, run: RunRow) => string,
): string {
  const cell = (text: string) =>
    (/^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text).replace(/[\t\r\n]+/g, ' ');
  const lines = [
    ['', ...runs.map((run) => run.name)],
    ...rows.map((row) => [row.path + row.name, ...runs.map((run) => whole(row.key, run))]),
  ];
  return lines.map((line) => line.map(cell).join('\t')).join('\n');
}

function isSaid(value: unknown): boolean {
  return value !== null && value !== undefined;
}
