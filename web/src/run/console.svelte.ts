/** What a run printed, as far as it is looked at: the end first, other parts when they come into sight, and what is new. */
import { ApiError, api, wasAborted } from '../lib/api';
import type { ConsoleLines } from '../lib/api/run';
import { BLOCK, type Block, isWhole, missing, put, sizeOf } from './lines';

const MOST_BLOCKS = 150;
const TAIL = 300;
const NEWS = 500;

export class ConsoleLog {
  total = $state(0);
  blocks: ReadonlyMap<number, Block> = $state.raw(new Map());
  error: ApiError | null = $state.raw(null);
  opened = $state(false);
  #mark = '';
  #asking = false;
  /** Which blocks are in sight: they are fetched, and stay. */
  #from = 0;
  #to = -1;
  readonly #gone = new AbortController();

  constructor(readonly run: string) {}

  /** Looks for what is new; the first time, for the end. */
  follow(): Promise<boolean> {
    return this.#ask((signal) =>
      this.#mark
        ? api.consoleSince(this.run, this.#mark, NEWS, signal)
        : api.consoleTail(this.run, TAIL, signal),
    );
  }

  /** These blocks are in sight now. */
  show(from: number, to: number): void {
    [this.#from, this.#to] = [from, to];
    void this.#fetch();
  }

  whole(block: number): boolean {
    return isWhole(this.blocks.get(block), sizeOf(block, this.total));
  }

  line(number: number): { text: string | undefined; time: number | undefined } {
    const block = this.blocks.get(Math.floor(number / BLOCK));
    return { text: block?.texts[number % BLOCK], time: block?.times[number % BLOCK] };
  }

  close(): void {
    this.#gone.abort();
  }

  async #fetch(): Promise<void> {
    // One question at a time: who scrolls past a thousand blocks wants the last of them.
    if (this.#asking) return;
    this.#asking = true;
    try {
      for (;;) {
        const part = missing(this.blocks, this.#from, this.#to, this.total);
        if (!part || this.#gone.signal.aborted) return;
        const before = this.blocks;
        if (!(await this.#ask((signal) => api.consoleRange(this.run, part.first, part.count, signal), true)))
          return;
        if (
          missing(this.blocks, this.#from, this.#to, this.total)?.first === part.first &&
          before === this.blocks
        )
          return;
      }
    } finally {
      this.#asking = false;
    }
  }

  async #ask(how: (signal: AbortSignal) => Promise<ConsoleLines>, range = false): Promise<boolean> {
    try {
      const said = await how(this.#gone.signal);
      // A range may come after newer news, which know better how much there is.
      if (!range || !this.#mark) this.#mark = said.mark;
      this.total = Math.max(said.total, range ? this.total : 0);
      this.blocks = this.#pruned(put(this.blocks, said.first, said.texts, said.times));
      this.error = null;
      this.opened = true;
      return said.texts.length > 0;
    } catch (error) {
      if (wasAborted(error)) return false;
      this.error = error instanceof ApiError ? error : new ApiError('broken', 'Unexpected', String(error));
      return false;
    }
  }

  /** Without the blocks that are farthest from sight, when there are many. */
  #pruned(blocks: Map<number, Block>): Map<number, Block> {
    if (blocks.size <= MOST_BLOCKS) return blocks;
    const middle = (this.#from + this.#to) / 2;
    const last = Math.floor(this.total / BLOCK);
    const far = [...blocks.keys()]
      .filter((n) => n < last - 1)
      .sort((a, b) => Math.abs(b - middle) - Math.abs(a - middle));
    for (const n of far.slice(0, blocks.size - MOST_BLOCKS)) blocks.delete(n);
    return blocks;
  }
}
