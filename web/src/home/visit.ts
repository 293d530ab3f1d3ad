/** When this reader was here last: a visit ends when nobody has looked for half an hour. */

export interface Visits {
  /** The end of the visit before this one; null on the first. */
  before: number | null;
  /** When the page was last in sight. */
  seen: number;
}

const BREAK_S = 30 * 60;

/** The visits as they are when the page is in sight now. */
export function visited(known: Visits | null, now: number): Visits {
  if (!known) return { before: null, seen: now };
  return { before: now - known.seen > BREAK_S ? known.seen : known.before, seen: Math.max(now, known.seen) };
}

export function readVisits(text: string | null): Visits | null {
  try {
    const said: unknown = JSON.parse(text ?? 'null');
    if (!said || typeof said !== 'object' || !('seen' in said) || !('before' in said)) return null;
    const { before, seen } = said;
    if (typeof seen !== 'number' || !(before === null || typeof before === 'number')) return null;
    return { before, seen };
  } catch {
    return null;
  }
}

/** Remembers in this browser that a project is looked at, and tells since when there may be news. */
export function visit(root: string, now = Date.now() / 1000): Visits {
  const key = `voxloop.visit ${root}`;
  try {
    const visits = visited(readVisits(localStorage.getItem(key)), now);
    localStorage.setItem(key, JSON.stringify(visits));
    return visits;
  } catch {
    // Storage can be forbidden; every visit then is the first.
    return visited(null, now);
  }
}

export type Since = 'visit' | 'day' | 'week';
export const SINCES: readonly Since[] = ['visit', 'day', 'week'];
const DAY_S = 24 * 3600;

/** From when on something is new. Whoever comes for the first time is told of the last week. */
export function newFrom(since: Since, visits: Visits, now: number): number {
  if (since === 'day') return now - DAY_S;
  if (since === 'week' || visits.before === null) return now - 7 * DAY_S;
  return visits.before;
}
