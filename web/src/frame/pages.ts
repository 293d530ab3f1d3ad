/** The pages of the frame: how they are called, where they are, and the key after `g` that leads there. */
import { address, type PageName, type Route } from '../lib/route';

export interface Place {
  page: Exclude<PageName, 'lost' | 'run'>;
  name: string;
  key: string;
}

export const PLACES: readonly Place[] = [
  { page: 'home', name: 'Home', key: 'h' },
  { page: 'runs', name: 'Runs', key: 'r' },
  { page: 'compare', name: 'Compare', key: 'c' },
  { page: 'cases', name: 'Cases', key: 's' },
  { page: 'viewer', name: 'Viewer', key: 'v' },
  { page: 'media', name: 'Media', key: 'm' },
  { page: 'artifacts', name: 'Artifacts', key: 'a' },
  { page: 'data', name: 'Data', key: 'd' },
];

/** Where a page is; those about one run go on with the run that is looked at. */
export function placeUrl(place: Place, route: Route): string {
  const about = place.page === 'cases' || place.page === 'viewer' ? route.run : null;
  return address(place.page, about);
}

/** The page that the navigation marks: a run belongs to the runs. */
export function hereOf(route: Route): Place | undefined {
  const page = route.page === 'run' ? 'runs' : route.page;
  return PLACES.find((place) => place.page === page);
}
