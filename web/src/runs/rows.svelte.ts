/** The rows of a long table, fetched in blocks as they come into sight and kept while the question stays the same. */
import { ApiError, api, wasAborted } from '../lib/api';
import type { RunRow } from '../lib/api/types';

export const BLOCK = 100;

export interface Question {
  q: string;
  sort: string | undefined;
  columns: readonly string[];
}

export class Rows {
  total = $state<number | null>(null);
  error = $state.raw<ApiError | null>(null);
  /** Whether what is in sight answers an earlier question. */
  stale = $state(false);
  #blocks = $state.raw(new Map<number, readonly RunRow[]>());
  #question: Question | null = null;
  #text = '';
  #asked = new Map<number, AbortController>();
  #sight: readonly [number, number] = [0, 0];

  row(index: number): RunRow | null {
    return this.#blocks.get(Math.floor(index / BLOCK))?.[index % BLOCK] ?? null;
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

  /** Says which rows are in sight. */
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
      this.#blocks = new Map(afresh ? [] : this.#blocks).set(block, found.rows);
      this.total = found.total;
      this.error = null;
      this.stale = false;
      this.#asked.delete(block);
      // Fewer rows than before: what was in sight is no more.
      if (afresh && block > 0 && found.rows.length === 0) void this.#fetch(0, false);
      this.see(...this.#sight);
    } catch (error) {
      if (this.#question !== question || wasAborted(error)) return;
      this.#asked.delete(block);
      this.error = error instanceof ApiError ? error : new ApiError('broken', 'Unexpected', String(error));
    }
  }
}
