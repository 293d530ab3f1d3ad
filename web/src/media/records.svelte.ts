/** What logged objects hold, asked for by those in sight, many in one question, and kept: an object never changes. */
import { ApiError, api } from '../lib/api';
import type { MediaRecord } from '../lib/api/media';

const MOST_ASKED = 100;
const MOST_KEPT = 4000;
const PAUSE_MS = 12;

export class Records {
  #found = $state.raw(new Map<number, MediaRecord>());
  /** The layers that were met so far, with the names of their labels. */
  layers = $state.raw<ReadonlyMap<string, ReadonlyMap<number, string>>>(new Map());
  error = $state.raw<ApiError | null>(null);
  #wanted = new Set<number>();
  #asked = new Set<number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  get(id: number): MediaRecord | undefined {
    return this.#found.get(id);
  }

  /** Asks for some, soon and together with what others want. */
  want(ids: readonly number[]): void {
    for (const id of ids) if (!this.#found.has(id) && !this.#asked.has(id)) this.#wanted.add(id);
    if (this.#wanted.size) this.#timer ??= setTimeout(() => this.#ask(), PAUSE_MS);
  }

  /** Tries again what did not come. */
  again(): void {
    this.error = null;
    this.want([...this.#asked]);
  }

  #ask(): void {
    this.#timer = undefined;
    const ids = [...this.#wanted];
    this.#wanted.clear();
    for (let at = 0; at < ids.length; at += MOST_ASKED) void this.#fetch(ids.slice(at, at + MOST_ASKED));
  }

  async #fetch(ids: readonly number[]): Promise<void> {
    for (const id of ids) this.#asked.add(id);
    try {
      const told = await api.mediaRecords(ids);
      const next = new Map(this.#found);
      for (const record of told) next.set(record.id, record);
      for (const id of next.keys()) {
        if (next.size <= MOST_KEPT) break;
        next.delete(id);
      }
      this.#found = next;
      this.#note(told);
      this.error = null;
    } catch (error) {
      this.error = error instanceof ApiError ? error : new ApiError('broken', 'Unexpected', String(error));
    } finally {
      for (const id of ids) this.#asked.delete(id);
    }
  }

  #note(told: readonly MediaRecord[]): void {
    const next = new Map([...this.layers].map(([name, classes]) => [name, new Map(classes)]));
    const size = () => [...next.values()].reduce((sum, classes) => sum + classes.size + 1, 0);
    const before = size();
    for (const { picture, volume } of told)
      for (const name of picture?.layers.map((layer) => layer.name) ?? volume?.layers ?? []) {
        const classes = next.get(name) ?? new Map<number, string>();
        for (const one of (picture ?? volume)?.classes ?? []) classes.set(one.value, one.name);
        next.set(name, classes);
      }
    if (size() !== before) this.layers = next;
  }
}
