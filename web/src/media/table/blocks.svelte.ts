/** The rows of a logged table, fetched in blocks as they come into sight and kept while the question stays the same. */
import { ApiError, api, wasAborted } from '../../lib/api';
import type { TableQuestion, TableRows } from '../../lib/api/media';

const CELLS = 6000;

export class Blocks {
  total = $state<number | null>(null);
  columns = $state.raw<TableRows['columns']>([]);
  error = $state.raw<ApiError | null>(null);
  /** Whether what is in sight answers an earlier question. */
  stale = $state(false);
  #blocks = $state.raw(new Map<number, TableRows>());
  #asked = new Map<number, AbortController>();
  #url = '';
  #question: TableQuestion = { sort: null, where: {} };
  #size = 100;
  #sight: readonly [number, number] = [0, 0];

  row(index: number): { cells: unknown[]; number: number } | null {
    const block = this.#blocks.get(Math.floor(index / this.#size));
    const cells = block?.rows[index % this.#size];
    return cells ? { cells, number: block?.numbers[index % this.#size] ?? index } : null;
  }

  /** Asks a question of a table; a wide one in smaller blocks. */
  ask(url: string, width: number, question: TableQuestion): void {
    for (const controller of this.#asked.values()) controller.abort();
    this.#asked.clear();
    this.stale = this.total !== null;
    this.#url = url;
    this.#question = question;
    const size = Math.min(200, Math.max(20, Math.floor(CELLS / Math.max(1, width))));
    void this.#fetch(this.stale ? 0 : Math.floor(this.#sight[0] / size), size);
  }

  /** Says which rows are in sight. */
  see(first: number, last: number): void {
    this.#sight = [first, last];
    if (this.stale || this.total === null) return;
    const end = Math.floor(Math.max(first, Math.min(last, this.total) - 1) / this.#size);
    for (let block = Math.floor(first / this.#size); block <= end; block++)
      if (!this.#blocks.has(block) && !this.#asked.has(block)) void this.#fetch(block, null);
  }

  async #fetch(block: number, afresh: number | null): Promise<void> {
    const question = this.#question;
    const size = afresh ?? this.#size;
    const controller = new AbortController();
    this.#asked.set(block, controller);
    try {
      const found = await api.tableRows(this.#url, question, block * size, size, controller.signal);
      if (this.#question !== question) return;
      this.#size = size;
      this.#blocks = new Map(afresh === null ? this.#blocks : []).set(block, found);
      this.total = found.total;
      this.columns = found.columns;
      this.error = null;
      this.stale = false;
      this.#asked.delete(block);
      this.see(...this.#sight);
    } catch (error) {
      if (this.#question !== question || wasAborted(error)) return;
      this.#asked.delete(block);
      this.error = error instanceof ApiError ? error : new ApiError('broken', 'Unexpected', String(error));
    }
  }
}
