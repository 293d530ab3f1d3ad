/** What a few letters may mean: pages at hand, runs and artifacts from the server, and always the query of the runs. */
import type { Found } from '../lib/api/home';
import { ago } from '../lib/format';
import { address, type Route } from '../lib/route';
import { matches } from '../lib/sort';
import { PLACES, placeUrl } from './pages';

export interface Target {
  group: 'Pages' | 'Runs' | 'Models and files' | 'Datasets' | 'Search';
  url: string;
  name: string;
  /** What tells it from others of its name. */
  note: string;
  key?: string;
  status?: Found['runs'][number]['status'];
}

const GROUPS: readonly Target['group'][] = ['Pages', 'Runs', 'Models and files', 'Datasets', 'Search'];

export function targets(text: string, route: Route, found: Found | null, now = Date.now()): Target[] {
  const words = text.trim();
  const pages: Target[] = PLACES.filter((place) => matches(words, [place.name])).map((place) => ({
    group: 'Pages',
    url: placeUrl(place, route),
    name: place.name,
    note: '',
    key: `g ${place.key}`,
  }));
  const runs: Target[] = (found?.runs ?? []).map((run) => ({
    group: 'Runs',
    url: address('run', run.id),
    name: run.name || run.id,
    note: `${run.experiment} · ${ago(run.created, now)}`,
    status: run.status,
  }));
  const artifacts: Target[] = (found?.artifacts ?? []).map((one) => ({
    group: one.kind === 'dataset' ? 'Datasets' : 'Models and files',
    url: address(one.kind === 'dataset' ? 'data' : 'artifacts', one.name),
    name: one.name,
    note: `${one.kind} · v${one.version}`,
  }));
  const search: Target[] = words
    ? [
        {
          group: 'Search',
          url: address('runs', null, { q: words }),
          name: `Runs that fit “${words}”`,
          note: '',
        },
      ]
    : [];
  const all = [...pages, ...runs, ...artifacts, ...search];
  return GROUPS.flatMap((group) => all.filter((one) => one.group === group));
}
