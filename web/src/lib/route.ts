/** Every view as an address, both ways. Nothing here touches the browser. */

/** Pages whose whole state is in the query. */
const PLAIN = ['runs', 'compare', 'cases', 'viewer', 'media', 'artifacts', 'data', 'gallery'] as const;
/** Pages about one thing, which the path names after them: `/artifacts/spleen-ct`. */
const NAMED = ['artifacts', 'data'] as const;

export type PageName = 'home' | 'run' | 'lost' | (typeof PLAIN)[number];

export interface Route {
  page: PageName;
  /** The run in the path (page `run`) or in the query (pages `cases` and `viewer`). */
  run: string | null;
  /** What the path names: an artifact or a dataset. */
  name: string | null;
  query: Record<string, string>;
}

/** Reads an address, e.g. `parseRoute('/runs/ab12', '?x=epoch')`. */
export function parseRoute(path: string, search: string): Route {
  const query = Object.fromEntries(new URLSearchParams(search));
  const lost: Route = { page: 'lost', run: null, name: null, query };
  const [first, name, ...rest] = path.split('/').filter(Boolean).map(decode);
  if (rest.length > 0) return lost;
  if (first === undefined) return { ...lost, page: 'home' };
  const page = PLAIN.find((one) => one === first);
  if (!page) return lost;
  if (name === undefined) {
    const run = page === 'cases' || page === 'viewer' ? (query.run ?? null) : null;
    return { ...lost, page, run };
  }
  if (page === 'runs') return { ...lost, page: 'run', run: name };
  return NAMED.some((one) => one === page) ? { ...lost, page, name } : lost;
}

/** Writes an address; empty values are left out, so that an address shows only what differs from the usual. `id` is the run
 *  of the pages run, cases and viewer, and what the path names on others. */
export function address(
  page: Exclude<PageName, 'lost'>,
  id: string | null = null,
  query: Record<string, string | number | null | undefined> = {},
): string {
  const inQuery = page === 'cases' || page === 'viewer';
  const place = page === 'home' ? '/' : page === 'run' ? '/runs' : `/${page}`;
  const path = id && !inQuery ? `${place}/${encodeURIComponent(id)}` : place;
  const kept = Object.entries(inQuery ? { run: id, ...query } : query)
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
