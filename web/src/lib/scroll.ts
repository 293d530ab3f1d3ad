/** Where a page, and the frames in it that have a `data-scroll` name, were scrolled to: by entry of the browser's history. */

const KEY = 'voxloop.scroll';
/** So long nothing may have moved before the page counts as drawn. */
const QUIET_MS = 600;
const MOST = 60;
/** A page that comes back is filled from the server; so long one waits until it is tall enough. */
const PATIENCE_MS = 15_000;
const HANDS = ['wheel', 'touchstart', 'pointerdown', 'keydown'] as const;

type Places = Record<string, number>;
const kept = new Map<string, Places>(recall());
let stop = () => {};

export function keepScroll(entry: string): void {
  stop();
  const places: Places = { '': scrollY };
  for (const frame of frames()) places[frame.dataset.scroll ?? ''] = frame.scrollTop;
  kept.delete(entry);
  kept.set(entry, places);
  for (const old of [...kept.keys()].slice(0, -MOST)) kept.delete(old);
  try {
    sessionStorage.setItem(KEY, JSON.stringify([...kept]));
  } catch {
    // Storage can be forbidden; the places then last as long as the page.
  }
}

/** Goes back to where an entry was, as soon as there is that much to scroll, and stays there while the page still grows
 *  above it, unless the reader scrolls first. */
export function restoreScroll(entry: string): void {
  stop();
  const left = new Map(Object.entries(kept.get(entry) ?? {}).filter(([, top]) => top > 0));
  if (left.size === 0) return;
  const until = performance.now() + PATIENCE_MS;
  let going = true;
  stop = () => {
    going = false;
    for (const hand of HANDS) removeEventListener(hand, stop, true);
  };
  for (const hand of HANDS) addEventListener(hand, stop, { capture: true, passive: true });
  let settled = Number.POSITIVE_INFINITY;
  const look = () => {
    if (!going) return;
    const all: [string, HTMLElement][] = frames().map((frame) => [frame.dataset.scroll ?? '', frame]);
    let moved = false;
    let there = 0;
    for (const [name, frame] of [['', document.documentElement] as [string, HTMLElement], ...all]) {
      const top = left.get(name);
      if (top === undefined || frame.scrollHeight - frame.clientHeight < top) continue;
      there++;
      if (Math.abs(frame.scrollTop - top) < 1) continue;
      frame.scrollTop = top;
      moved = true;
    }
    const now = performance.now();
    if (moved || there < left.size) settled = Number.POSITIVE_INFINITY;
    else if (settled === Number.POSITIVE_INFINITY) settled = now + QUIET_MS;
    if (now > settled || now > until) stop();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

function frames(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>('[data-scroll]')];
}

function recall(): [string, Places][] {
  try {
    const said: unknown = JSON.parse(sessionStorage.getItem(KEY) ?? '[]');
    return Array.isArray(said) ? (said as [string, Places][]) : [];
  } catch {
    return [];
  }
}
