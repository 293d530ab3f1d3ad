/** Keys that work everywhere, and those of each page that does not list its own. */
import type { PageName } from '../lib/route';
import { PLACES } from './pages';

export type Keys = readonly (readonly [string, string])[];

export const EVERYWHERE: Keys = [
  ['Ctrl K', 'Jump to a page, a run, a model, a dataset'],
  ...PLACES.map((place) => [`g ${place.key}`, place.name] as const),
  ['/', 'To the query, where there is one'],
  ['Esc', 'Close what is open'],
  ['?', 'This list'],
];

export const OF_PAGE: Partial<Record<PageName, Keys>> = {
  runs: [
    ['↑ ↓', 'Run before, run after'],
    ['Home End', 'First run, last run'],
    ['Enter', 'Open the run'],
    ['x', 'Select it, with Shift all up to it'],
  ],
  cases: [
    ['← → ↑ ↓', 'From cell to cell'],
    ['Enter', 'Open the case in the viewer'],
  ],
};

/** A leader key: `g`, then a letter within a second and a half. */
export class Leader {
  #since = Number.NEGATIVE_INFINITY;

  /** Says what a key is: `lead` begins, a letter of a page ends, null is none of ours. */
  press(key: string, now: number): 'lead' | string | null {
    const waiting = now - this.#since < 1500;
    this.#since = Number.NEGATIVE_INFINITY;
    if (waiting && PLACES.some((place) => place.key === key)) return key;
    if (key !== 'g') return null;
    this.#since = now;
    return 'lead';
  }
}

/** Whether what a person types belongs into a field. */
export function isWriting(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable ||
      target.matches('textarea, select, input:not([type=checkbox], [type=radio], [type=range])'))
  );
}
