/** What has happened, newest first: runs that ended, each with the versions it made, and versions that came otherwise. */
import type { EndedRun, Home, MadeVersion } from '../lib/api/home';
import { address } from '../lib/route';

export interface Item {
  time: number;
  run: EndedRun | null;
  made: MadeVersion[];
}

export interface News {
  fresh: Item[];
  earlier: Item[];
}

/** The items after a moment, and those before it. */
export function newsOf(home: Pick<Home, 'ended' | 'made'>, from: number): News {
  const items: Item[] = home.ended.map((run) => ({ time: run.ended, run, made: [] }));
  const byRun = new Map(items.map((item) => [item.run?.id, item]));
  for (const version of home.made) {
    const item = version.run_id ? byRun.get(version.run_id) : undefined;
    if (item) item.made.push(version);
    else items.push({ time: version.created, run: null, made: [version] });
  }
  items.sort((a, b) => b.time - a.time);
  return {
    fresh: items.filter((item) => item.time > from),
    earlier: items.filter((item) => item.time <= from),
  };
}

/** Where a version is looked at. */
export function versionUrl(version: MadeVersion): string {
  return address(version.kind === 'dataset' ? 'data' : 'artifacts', version.name, {
    version: version.ref.split(':v').at(-1),
  });
}

const ORDER = ['finished', 'failed', 'crashed', 'interrupted'];

/** `12 finished, 1 failed`, each with the query that finds them. */
export function countsOf(since: Record<string, number>): { text: string; url: string; status: string }[] {
  return Object.entries(since)
    .sort(([a], [b]) => ORDER.indexOf(a) - ORDER.indexOf(b))
    .map(([status, count]) => ({
      status,
      text: `${count.toLocaleString('en-US')} ${status}`,
      url: address('runs', null, { q: `run.status == "${status}"` }),
    }));
}
