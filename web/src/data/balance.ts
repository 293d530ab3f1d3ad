/** What a split leaves on each of its sides: cases, patients, and how much of each class. */
import type { DatasetSplit } from '../lib/api/datasets';
import type { Row } from './cases';

export interface Balance {
  class: string;
  parts: { part: string; with: number; of: number; median: number | null }[];
}

export function balanceOf(
  rows: readonly Row[],
  parts: readonly string[],
  classes: readonly string[],
): Balance[] {
  const seen = parts.map((part) => ({ part, rows: rows.filter((row) => row.part === part && row.numbers) }));
  return classes.map((name) => ({
    class: name,
    parts: seen.map(({ part, rows: mine }) => {
      const ml = mine
        .map((row) => row.numbers?.classes[name]?.ml)
        .filter((value): value is number => value !== null && value !== undefined)
        .sort((a, b) => a - b);
      const some = mine.filter((row) => (row.numbers?.classes[name]?.voxels ?? 0) > 0).length;
      const [low, high] = [ml[Math.floor((ml.length - 1) / 2)], ml[Math.ceil((ml.length - 1) / 2)]];
      return {
        part,
        with: some,
        of: mine.length,
        median: low === undefined || high === undefined ? null : (low + high) / 2,
      };
    }),
  }));
}

/** How a split came to be, in words. */
export function ruleOf(made: DatasetSplit['made']): string {
  if (Object.keys(made).length === 0) return 'written by hand';
  const by = made.by === 'case' ? 'by case' : 'by patient';
  if (typeof made.folds === 'number' && made.folds > 0)
    return `fold ${typeof made.fold === 'number' ? made.fold + 1 : '?'} of ${made.folds}, ${by}`;
  const share = (value: unknown) => (typeof value === 'number' ? `${Math.round(value * 100)} %` : '');
  const test =
    typeof made.test_fraction === 'number' && made.test_fraction > 0
      ? `, ${share(made.test_fraction)} test`
      : '';
  return `${share(made.val_fraction)} validation${test}, ${by}`;
}

/** Scans of one patient on both sides are a mistake, unless somebody asked for a split by case. */
export function isLeak(split: DatasetSplit): boolean {
  return split.leaks.length > 0 && split.made.by !== 'case';
}
