/** What is compared, and by what curves are told apart, as the address tells it. */
import { BANDS, type Spread, SUMS, type Sum } from '../charts/picture';
import { readList, writeList } from '../charts/view';

export interface Comparison {
  /** The runs that were picked, or none where a query chooses them. */
  runs: readonly string[] | null;
  q: string;
  /** The names whose curves are shown, where a person has chosen. */
  names: readonly string[] | null;
  /** `run`, a param's key, or `context.` and a key; a facet may be nothing. */
  colour: string;
  stroke: string | null;
  facet: string | null;
  sum: Sum;
  spread: Spread;
  /** Curves, or what was told against what was reached. */
  side: 'curves' | 'params';
}

/** How an address says that no name is chosen. */
const NONE = '~';

export function readComparison(query: Readonly<Record<string, string>>): Comparison {
  return {
    runs: query.runs ? readList(query.runs) : null,
    q: query.q ?? '',
    names: query.m === undefined ? null : readList(query.m),
    colour: query.colour || 'run',
    stroke: query.stroke || null,
    facet: query.facet || null,
    sum: SUMS.find((one) => one === query.sum) ?? 'mean',
    spread: BANDS.find((one) => one === query.band) ?? 'range',
    side: query.view === 'params' ? 'params' : 'curves',
  };
}

export function comparisonChanges(changes: Partial<Comparison>): Record<string, string | null> {
  const said: Record<string, string | null> = {};
  if (changes.names !== undefined) said.m = changes.names && (writeList(changes.names) ?? NONE);
  if (changes.colour !== undefined) said.colour = changes.colour === 'run' ? null : changes.colour;
  if (changes.stroke !== undefined) said.stroke = changes.stroke;
  if (changes.facet !== undefined) said.facet = changes.facet;
  if (changes.sum !== undefined) said.sum = changes.sum === 'mean' ? null : changes.sum;
  if (changes.spread !== undefined) said.band = changes.spread === 'range' ? null : changes.spread;
  if (changes.side !== undefined) said.view = changes.side === 'params' ? 'params' : null;
  // Lines are hidden by what they are summed up as.
  if (changes.colour !== undefined || changes.stroke !== undefined || changes.sum !== undefined) {
    said.hide = null;
    said.only = null;
    said.strong = null;
  }
  return said;
}
