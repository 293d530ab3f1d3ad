/** Runs that were shown lately, so that going from one to the next shows it at once. */
import type { Relatives } from '../lib/api/run';
import type { RunDetail } from '../lib/api/types';

const MOST = 12;

interface Shown {
  run: RunDetail | null;
  relatives: Relatives | null;
}

const shown = new Map<string, Shown>();

export function recall(id: string): Shown {
  return shown.get(id) ?? { run: null, relatives: null };
}

export function rememberRun(id: string, run: RunDetail): RunDetail {
  remember(id, { ...recall(id), run });
  return run;
}

export function rememberRelatives(id: string, relatives: Relatives): Relatives {
  remember(id, { ...recall(id), relatives });
  return relatives;
}

function remember(id: string, one: Shown): void {
  shown.delete(id);
  shown.set(id, one);
  for (const old of shown.keys()) {
    if (shown.size <= MOST) break;
    shown.delete(old);
  }
}
