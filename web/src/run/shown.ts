/** Runs that were shown lately, so that going from one to the next shows it at once. */
import type { RunDetail } from '../lib/api/types';

const MOST = 12;
const runs = new Map<string, RunDetail>();

export function recallRun(id: string): RunDetail | null {
  return runs.get(id) ?? null;
}

export function rememberRun(run: RunDetail): RunDetail {
  runs.delete(run.id);
  runs.set(run.id, run);
  for (const id of runs.keys()) {
    if (runs.size <= MOST) break;
    runs.delete(id);
  }
  return run;
}
