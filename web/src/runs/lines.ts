/** The lines of the table of runs: one for each run, or one for each group with the runs of opened groups below it. */
import type { GroupCell, RunGroup } from '../lib/api/runs';
import type { RunRow } from '../lib/api/types';

/** A run with its cells by key, so that columns which have changed since find theirs. */
export type SaidRow = RunRow & { said: ReadonlyMap<string, unknown> };

export type Line =
  | { kind: 'group'; group: RunGroup; said: ReadonlyMap<string, GroupCell | null>; open: boolean }
  /** A row that has not arrived yet is null; `group` is where it stands below. */
  | { kind: 'run'; row: SaidRow | null; group: RunGroup | null };

/** What a table shows: as many lines as there are, those in sight fetched when they are said to be. */
export interface Lines {
  readonly total: number | null;
  /** Whether what is in sight answers an earlier question. */
  readonly stale: boolean;
  line(index: number): Line | null;
  see(first: number, last: number): void;
}

/** Where each group begins when the runs of the open ones stand below them; and, last, how many lines there are. */
export function startsOf(groups: readonly RunGroup[], open: ReadonlySet<string>): number[] {
  const starts = [0];
  for (const group of groups)
    starts.push((starts.at(-1) ?? 0) + 1 + (open.has(group.key) ? group.ids.length : 0));
  return starts;
}

/** The group that a line belongs to, and the place of its run in it: -1 for the group's own line. */
export function placeAt(starts: readonly number[], index: number): { group: number; run: number } | null {
  if (index < 0 || index >= (starts.at(-1) ?? 0)) return null;
  let low = 0;
  let high = starts.length - 2;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((starts[middle] ?? 0) <= index) low = middle;
    else high = middle - 1;
  }
  return { group: low, run: index - (starts[low] ?? 0) - 1 };
}

/** Cells by the keys that they were asked for. */
export function byKey<Value>(keys: readonly string[], cells: readonly Value[]): Map<string, Value | null> {
  return new Map(keys.map((key, place) => [key, cells[place] ?? null]));
}

/** Whether all, some or none of a group's runs are selected. */
export function share(
  ids: readonly string[],
  selected: { has(id: string): boolean },
): 'all' | 'some' | 'none' {
  const count = ids.reduce((sum, id) => sum + Number(selected.has(id)), 0);
  return count === 0 ? 'none' : count === ids.length ? 'all' : 'some';
}
