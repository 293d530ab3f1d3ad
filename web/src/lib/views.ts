/** Saved views as addresses: which of them is shown, whether it has been changed since, and what to call a new one. */
import type { View } from './api/views';
import { parseRoute } from './route';

/** Says in an address which view it came from, so that a link tells a colleague, too. */
export const FROM = 'saved';
/** What belongs to how somebody looks, not to what is looked at. */
const LEFT_OUT = [FROM, 'theme'];
const LONGEST = 60;

/** An address as it is saved and compared: without what is left out, its keys in one order. */
export function bare(address: string): string {
  const { pathname, search } = new URL(address, 'http://here');
  const kept = [...new URLSearchParams(search)].filter(([key, value]) => value && !LEFT_OUT.includes(key));
  const query = new URLSearchParams(kept.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))).toString();
  return query ? `${pathname}?${query}` : pathname;
}

/** Where a view leads: to a page of ours, whatever somebody has written into the database; else nowhere. */
export function leadsTo(view: Pick<View, 'id' | 'address'>): string | null {
  if (!/^\/(?![/\\])/.test(view.address)) return null;
  let url: URL;
  try {
    url = new URL(view.address, 'http://here');
  } catch {
    return null;
  }
  if (url.origin !== 'http://here' || parseRoute(url.pathname, url.search).page === 'lost') return null;
  url.searchParams.set(FROM, String(view.id));
  return url.pathname + url.search;
}

/** The view that an address came from or happens to show, and whether the address has gone on since. */
export function shownView(views: readonly View[], address: string): { view: View; changed: boolean } | null {
  const here = bare(address);
  const from = new URL(address, 'http://here').searchParams.get(FROM);
  const named = views.find((view) => String(view.id) === from);
  if (named) return { view: named, changed: bare(named.address) !== here };
  const same = views.find((view) => bare(view.address) === here);
  return same ? { view: same, changed: false } : null;
}

/** A name that says what an address shows and that no view has yet. */
export function suggestion(query: Readonly<Record<string, string>>, taken: readonly string[]): string {
  const short = (key: string) => key.replace(/^-/, '').replace(/^(params|metrics)\./, '');
  const said = [
    query.q,
    query.group && `by ${query.group.split('~').map(short).join(', ')}`,
    query.sort && `sorted by ${short(query.sort)}`,
    query.archived && 'with archived',
  ].filter(Boolean);
  const name = [...(said.join(', ') || 'My view')].slice(0, LONGEST).join('');
  let free = name;
  for (let number = 2; taken.includes(free); number++) free = `${name} ${number}`;
  return free;
}

/** A name cut to so many signs and set apart, so that one written from right to left turns nothing around it. */
export function isolated(name: string, longest: number): string {
  const signs = [...name];
  const short = signs.length > longest ? `${signs.slice(0, longest).join('')}…` : name;
  return `\u2068${short}\u2069`;
}
