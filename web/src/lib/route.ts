/** Every view as an address, both ways. Nothing here touches the browser. */

export type PageName = 'runs' | 'run' | 'cases' | 'viewer' | 'compare' | 'gallery' | 'lost';

export interface Route {
  page: PageName;
  /** The run in the path (page `run`) or in the query (pages `cases` and `viewer`). */
  run: string | null;
  query: Record<string, string>;
}

/** Reads an address, e.g. `parseRoute('/runs/ab12', '?x=epoch')`. */
export function parseRoute(path: string, search: string): Route {
  const query = Object.fromEntries(new URLSearchParams(search));
  const [page = '', id, ...rest] = path.split('/').filter(Boolean).map(decode);
  if (rest.length === 0) {
    if ((page === '' || page === 'runs') && id === undefined) return { page: 'runs', run: null, query };
    if (page === 'runs' && id !== undefined) return { page: 'run', run: id, query };
    if ((page === 'compare' || page === 'gallery') && id === undefined) return { page, run: null, query };
    if ((page === 'cases' || page === 'viewer') && id === undefined)
      return { page, run: query.run ?? null, query };
  }
  return { page: 'lost', run: null, query };
}

/** Writes an address; empty values are left out, so that an address shows only what differs from the usual. */
export function address(
  page: Exclude<PageName, 'lost'>,
  run: string | null = null,
  query: Record<string, string | number | null | undefined> = {},
): string {
  const path = page === 'run' ? `/runs/${encodeURIComponent(run ?? '')}` : `/${page}`;
  const all = page === 'cases' || page === 'viewer' ? { run, ...query } : query;
  const kept = Object.entries(all)
    .filter(([, value]) => value !== null && value !== undefined && value !== '')
    .map(([key, value]): [string, string] => [key, String(value)]);
  const search = new URLSearchParams(kept).toString();
  return search ? `${path}?${search}` : path;
}

/** Numbers out of a query value such as `12.5,-3,40`; null unless there are exactly `count` finite ones. */
export function readNumbers(text: string | undefined, count: number): number[] | null {
  if (!text) return null;
  const numbers = text.split(',').map(Number);
  return numbers.length === count && numbers.every(Number.isFinite) ? numbers : null;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
