/** What a board shows, from what the server tells: tiles in sections, and what each shows at a step. */
import type { MediaGroup, MediaGroups } from '../lib/api/media';
import { isQuery } from '../runs/columns';

export const KINDS = [
  'image',
  'volume',
  'figure',
  'distribution',
  'table',
  'text',
  'video',
  'audio',
] as const;
export type Kind = (typeof KINDS)[number];
export const KIND_NAMES: Record<string, string> = {
  image: 'Images',
  volume: 'Volumes',
  figure: 'Figures',
  distribution: 'Distributions',
  table: 'Tables',
  text: 'Texts',
  video: 'Videos',
  audio: 'Sounds',
};

/** What one run logged under one name in one context. */
export interface Tile {
  /** Short, and the same as long as run, name and context are: addresses hold it. */
  key: string;
  group: MediaGroup;
  run: string;
  /** Each step once, in order. */
  steps: number[];
}

export interface Rowed {
  title: string;
  tiles: Tile[];
}

export interface Section {
  key: string;
  name: string;
  kind: string;
  count: number;
  groups: Rowed[];
}

const words = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Words as a query about media: each of them is in the name, the kind, or the run's name. */
export function mediaQuery(text: string): string {
  if (isQuery(text)) return text;
  return text
    .split(/\s+/)
    .filter(Boolean)
    .map((word) => {
      const said = JSON.stringify(word.toLowerCase());
      const places = ['media.name', 'media.kind', 'run.name', 'run.experiment'];
      return `(${places.map((place) => `${place}.lower().contains(${said})`).join(' or ')})`;
    })
    .join(' and ');
}

/** The tiles of all groups: runs in the order in which the query names them, else the newest first; then by context. */
export function tilesOf(told: MediaGroups, q: string): Tile[] {
  const names = new Map(told.runs.map((run) => [run.id, run.name]));
  const rank = runRanks(told, q);
  return told.groups
    .map((group) => ({
      key: digest([group.run_id, group.name, group.kind, contextText(group.context)].join('\n')),
      group,
      run: names.get(group.run_id) ?? group.run_id,
      steps: [...new Set(group.steps)],
    }))
    .sort(
      (a, b) =>
        words.compare(contextText(a.group.context), contextText(b.group.context)) ||
        (rank.get(a.group.run_id) ?? 0) - (rank.get(b.group.run_id) ?? 0),
    );
}

function runRanks(told: MediaGroups, q: string): Map<string, number> {
  const place = (run: { id: string; name: string }, at: number) => {
    const places = [run.id, run.name]
      .map((said) => q.indexOf(JSON.stringify(said)))
      .filter((found) => found >= 0);
    return places.length ? Math.min(...places) : q.length + at;
  };
  const placed = told.runs.map((run, at) => ({ id: run.id, at: place(run, at) })).sort((a, b) => a.at - b.at);
  return new Map(placed.map(({ id }, at) => [id, at]));
}

/** Sections by kind and name; within each, `by` says what tiles stand together. */
export function sectionsOf(tiles: readonly Tile[], by: string): Section[] {
  const found = new Map<string, Tile[]>();
  for (const tile of tiles) {
    const key = `${tile.group.kind}\n${tile.group.name}`;
    found.set(key, [...(found.get(key) ?? []), tile]);
  }
  const order = (kind: string) => (KINDS.indexOf(kind as Kind) + KINDS.length + 1) % (KINDS.length + 1);
  return [...found]
    .map(([key, mine]) => {
      const [kind = '', name = ''] = key.split('\n', 2);
      return { key: digest(key), name, kind, count: mine.length, groups: rowed(mine, by) };
    })
    .sort((a, b) => order(a.kind) - order(b.kind) || words.compare(a.name, b.name));
}

function rowed(tiles: readonly Tile[], by: string): Rowed[] {
  const several = new Set(tiles.map((tile) => tile.group.run_id)).size > 1;
  const groups = new Map<string, Tile[]>();
  for (const tile of tiles) {
    const title = titleBy(tile, by, several);
    groups.set(title, [...(groups.get(title) ?? []), tile]);
  }
  const found = [...groups].map(([title, mine]) => ({ title, tiles: mine }));
  // Runs keep the order of the query.
  return by === 'run' ? found : found.sort((a, b) => words.compare(a.title, b.title));
}

function titleBy(tile: Tile, by: string, several: boolean): string {
  if (by === 'run') return tile.run;
  if (by && by !== 'none') {
    const value = tile.group.context[by];
    return value === undefined ? `no ${by}` : `${by}: ${value}`;
  }
  // Runs side by side: what they have in common leads their row.
  return several && by !== 'none' ? contextText(tile.group.context) : '';
}

/** What a tile says of itself: what its row and its section have not said. */
export function chipsOf(tile: Tile, by: string, rowTitle: string): string[] {
  if (rowTitle && rowTitle === contextText(tile.group.context)) return [];
  return Object.entries(tile.group.context)
    .filter(([key]) => key !== by)
    .sort(([a], [b]) => words.compare(a, b))
    .map(([key, value]) => `${key}: ${value}`);
}

export function contextText(context: MediaGroup['context']): string {
  return Object.entries(context)
    .sort(([a], [b]) => words.compare(a, b))
    .map(([key, value]) => `${key}: ${value}`)
    .join(' · ');
}

/** The keys by which tiles may be grouped. */
export function contextKeys(tiles: readonly Tile[]): string[] {
  return [...new Set(tiles.flatMap((tile) => Object.keys(tile.group.context)))].sort(words.compare);
}

/** All steps of some tiles, each once, in order. */
export function stepsOf(tiles: readonly Tile[]): number[] {
  return [...new Set(tiles.flatMap((tile) => tile.steps))].sort((a, b) => a - b);
}

export interface Item {
  step: number;
  /** Several that were logged at one step, in their order. */
  ids: number[];
}

/** What a tile shows at a step: what was logged last by then; null before its first. No step means the last one. */
export function itemAt(tile: Tile, step: number | null): Item | null {
  const at = step === null ? tile.steps.length - 1 : lastUpTo(tile.steps, step);
  const found = tile.steps[at];
  if (found === undefined) return null;
  const { steps, ids } = tile.group;
  const first = steps.indexOf(found);
  return { step: found, ids: ids.slice(first, steps.lastIndexOf(found) + 1) };
}

/** The place of the last number that is no more than `most`, or -1; the numbers ascend. */
export function lastUpTo(sorted: readonly number[], most: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? Infinity) <= most) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Eight letters and digits that stand for a text. */
export function digest(text: string): string {
  let [a, b] = [0x811c9dc5, 0x1b873593];
  for (let at = 0; at < text.length; at++) {
    a = Math.imul(a ^ text.charCodeAt(at), 0x01000193);
    b = Math.imul(b ^ text.charCodeAt(at), 0x85ebca6b) ^ (b >>> 13);
  }
  return ((a >>> 0) * 0x200000 + ((b >>> 0) & 0x1fffff)).toString(36).slice(-8);
}
