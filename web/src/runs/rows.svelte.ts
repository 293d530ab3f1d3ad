/** The rows of a long table, fetched in blocks as they come into sight and kept while the question stays the same. */
import { ApiError, api, wasAborted } from '../lib/api';
import { byKey, type Line, type Lines, type SaidRow } from './lines';

export const BLOCK = 100;
/** As many as the server tells at once. */
const MOST = 1000;

export interface Question {
  q: string;
  sort: string | undefined;
  columns: readonly string[];
}

export class Rows implements Lines {
  total = $state<number | null>(null);
  error = $state.raw<ApiError | null>(null);
  stale = $state(false);
  #blocks = $state.raw(new Map<number, readonly SaidRow[]>());
  #question: Question | null = null;
  #text = '';
  #asked = new Map<number, AbortController>();
  #sight: readonly [number, number] = [0, 0];

  line(index: number): Line {
    const row = this.#blocks.get(Math.floor(index / BLOCK))?.[index % BLOCK] ?? null;
    return { kind: 'run', row, group: null };
  }

  /** Asks a question, as JSON; asked again, what may have changed is looked up. What answers another one stays in sight,
   *  marked as stale, until its successor is there. */
  ask(text: string): void {
    for (const controller of this.#asked.values()) controller.abort();
    this.#asked.clear();
    this.stale = this.total !== null && (this.stale || text !== this.#text);
    this.#text = text;
    this.#question = JSON.parse(text) as Question;
    void this.#fetch(Math.floor(this.#sight[0] / BLOCK), true);
  }

  see(first: number, last: number): void {
    this.#sight = [first, last];
    if (this.stale || this.total === null) return;
    for (
      let block = Math.floor(first / BLOCK);
      block <= Math.floor(Math.max(first, last - 1) / BLOCK);
      block++
    )
      if (!this.#blocks.has(block) && !this.#asked.has(block)) void this.#fetch(block, false);
  }

  async #fetch(block: number, afresh: boolean): Promise<void> {
    const question = this.#question;
    if (question === null) return;
    const controller = new AbortController();
    this.#asked.set(block, controller);
    try {
      const found = await api.runRows(question, block * BLOCK, BLOCK, controller.signal);
      if (this.#question !== question) return;
      const rows = found.rows.map((row) => ({ ...row, said: byKey(question.columns, row.cells) }));
      this.#blocks = new Map(afresh ? [] : this.#blocks).set(block, rows);
      this.total = found.total;
      this.error = null;
      this.stale = false;
      this.#asked.delete(block);
      // Fewer rows than before: what was in sight is no more.
      if (afresh && block > 0 && rows.length === 0) void this.#fetch(0, false);
      this.see(...this.#sight);
    } catch (error) {
      if (this.#question !== question || wasAborted(error)) return;
      this.#asked.delete(block);
      this.error = asApiError(error);
    }
  }
}

/** Every run that a query fits, by name and tags alone, as far as that is needed to do something with all of them. */
export async function everyRun(q: string): Promise<SaidRow[]> {
  const all: SaidRow[] = [];
  for (;;) {
    const { rows, total } = await api.runRows({ q, columns: [] }, all.length, MOST);
    all.push(...rows.map((row) => ({ ...row, said: new Map() })));
    if (rows.length === 0 || all.length >= total) return all;
  }
}

export function asApiError(error: unknown): ApiError {
  return error instanceof ApiError ? error : new ApiError('broken', 'Unexpected', String(error));
}
