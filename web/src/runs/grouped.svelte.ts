/** Runs in groups: the groups at once, the runs of an opened one in blocks as they come into sight. */
import { type ApiError, api, wasAborted } from '../lib/api';
import type { RunGroups } from '../lib/api/runs';
import { idQuery } from './columns';
import { byKey, type Line, type Lines, placeAt, type SaidRow, startsOf } from './lines';
import { asApiError, BLOCK, everyRun, type Question } from './rows.svelte';

export interface GroupQuestion extends Question {
  by: readonly string[];
  order: readonly string[];
  figure: string;
}

/** Ids in one address: more would make it longer than servers read. */
const MOST_IDS = 200;
/** More than these are quicker found among all of them than by name. */
const MOST_NAMED = 1000;

export class Grouped implements Lines {
  data = $state.raw<RunGroups | null>(null);
  error = $state.raw<ApiError | null>(null);
  stale = $state(false);
  /** Whose runs stand below them, by key. */
  open = $state.raw<ReadonlySet<string>>(new Set());
  /** The question that what is in sight answers. */
  answered = $state.raw<GroupQuestion | null>(null);
  #starts = $derived(startsOf(this.data?.groups ?? [], this.open));
  #rows = $state.raw<ReadonlyMap<string, SaidRow>>(new Map());
  /** Rows that answer the latest question or are on their way; others are shown until they do. */
  #fresh = new Set<string>();
  #text = '';
  #asking = new AbortController();

  get total(): number | null {
    return this.data && (this.#starts.at(-1) ?? 0);
  }

  line(index: number): Line | null {
    const place = placeAt(this.#starts, index);
    const group = place && this.data?.groups[place.group];
    if (!place || !group) return null;
    if (place.run < 0) {
      const said = byKey(this.answered?.columns ?? [], group.cells);
      return { kind: 'group', group, said, open: this.open.has(group.key) };
    }
    return { kind: 'run', row: this.#rows.get(group.ids[place.run] ?? '') ?? null, group };
  }

  /** The line of a group. */
  lineOf(key: string): number {
    return this.#starts[this.data?.groups.findIndex((group) => group.key === key) ?? -1] ?? 0;
  }

  /** Asks a question, as JSON; asked again, what may have changed is looked up. */
  ask(text: string): void {
    this.#asking.abort();
    this.#asking = new AbortController();
    this.#fresh.clear();
    this.stale = this.data !== null && (this.stale || text !== this.#text);
    this.#text = text;
    void this.#load(JSON.parse(text) as GroupQuestion, this.#asking.signal);
  }

  see(first: number, last: number): void {
    if (this.stale || this.answered === null) return;
    const wanted = new Set<string>();
    for (let index = first; index < last; index++) {
      const place = placeAt(this.#starts, index);
      const ids = place && place.run >= 0 && this.data?.groups[place.group]?.ids;
      if (!place || !ids || this.#fresh.has(ids[place.run] ?? '')) continue;
      const begin = Math.floor(place.run / BLOCK) * BLOCK;
      for (const id of ids.slice(begin, begin + BLOCK)) if (!this.#fresh.has(id)) wanted.add(id);
    }
    const ids = [...wanted];
    for (let at = 0; at < ids.length; at += MOST_IDS)
      void this.#fetch(ids.slice(at, at + MOST_IDS), this.answered.columns, this.#asking.signal);
  }

  /** These runs, for something that is to be done with them, whether they have been in sight or not. */
  async runs(ids: readonly string[]): Promise<SaidRow[]> {
    const missing = ids.filter((id) => !this.#rows.has(id));
    const found = new Map(this.#rows);
    if (missing.length > MOST_NAMED && this.answered) {
      for (const row of await everyRun(this.answered.q)) if (!found.has(row.id)) found.set(row.id, row);
      return ids.flatMap((id) => found.get(id) ?? []);
    }
    for (let at = 0; at < missing.length; at += MOST_IDS)
      for (const row of await everyRun(idQuery(missing.slice(at, at + MOST_IDS)))) found.set(row.id, row);
    return ids.flatMap((id) => found.get(id) ?? []);
  }

  async #load(question: GroupQuestion, signal: AbortSignal): Promise<void> {
    try {
      const found = await api.runGroups(question, signal);
      if (signal.aborted) return;
      this.answered = question;
      this.data = found;
      this.error = null;
      this.stale = false;
    } catch (error) {
      if (!signal.aborted && !wasAborted(error)) this.error = asApiError(error);
    }
  }

  async #fetch(ids: string[], columns: readonly string[], signal: AbortSignal): Promise<void> {
    for (const id of ids) this.#fresh.add(id);
    try {
      const found = await api.runRows({ q: idQuery(ids), columns }, 0, ids.length, signal);
      if (signal.aborted) return;
      const rows = new Map(this.#rows);
      for (const row of found.rows) rows.set(row.id, { ...row, said: byKey(columns, row.cells) });
      this.#rows = rows;
    } catch (error) {
      if (signal.aborted || wasAborted(error)) return;
      for (const id of ids) this.#fresh.delete(id);
      this.error = asApiError(error);
    }
  }
}
