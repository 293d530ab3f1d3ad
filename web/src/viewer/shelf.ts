/** Volumes that were fetched and unpacked before, by address. Addresses carry the content's digest, so what is here never goes stale. */
import { ApiError, errorOf } from '../lib/api';
import type { Answer, Wanted } from './decoder.worker';
import type { LabelMap, Scan } from './volume';

interface Book {
  content: Promise<Scan | LabelMap>;
  bytes: number;
}

/** Asks a worker; one for each scan or map at a time is enough, and two let a map overtake a scan. */
export type Decode = (url: string, kind: Wanted['kind']) => Promise<Scan | LabelMap>;

export class VolumeShelf {
  #books = new Map<string, Book>();

  constructor(
    private readonly decode: Decode,
    /** What is not on the screen is dropped beyond this. */
    private readonly room = 700e6,
  ) {}

  scan(url: string): Promise<Scan> {
    return this.#get(url, 'scan') as Promise<Scan>;
  }

  labels(url: string): Promise<LabelMap> {
    return this.#get(url, 'labels') as Promise<LabelMap>;
  }

  clear(): void {
    this.#books.clear();
  }

  #get(url: string, kind: Wanted['kind']): Promise<Scan | LabelMap> {
    const key = `${kind} ${url}`;
    const found = this.#books.get(key);
    if (found) {
      // Moves to the end: what was used last is dropped last.
      this.#books.delete(key);
      this.#books.set(key, found);
      return found.content;
    }
    const book: Book = { content: this.decode(url, kind), bytes: 0 };
    this.#books.set(key, book);
    book.content.then(
      (made) => {
        book.bytes = made.data.byteLength;
        this.#makeRoom(key);
      },
      () => this.#books.delete(key),
    );
    return book.content;
  }

  #makeRoom(keep: string): void {
    let total = [...this.#books.values()].reduce((sum, book) => sum + book.bytes, 0);
    for (const [key, { bytes }] of this.#books) {
      if (total <= this.room) return;
      if (key === keep) continue;
      this.#books.delete(key);
      total -= bytes;
    }
  }
}

/** Two workers, and how to end them. */
export function startDecoding(): { decode: Decode; stop: () => void } {
  const workers = [0, 1].map(
    () => new Worker(new URL('./decoder.worker.ts', import.meta.url), { type: 'module' }),
  );
  const waiting = new Map<
    number,
    { done: (made: Scan | LabelMap) => void; fail: (error: unknown) => void }
  >();
  const load = [0, 0];
  let next = 0;
  workers.forEach((worker, at) => {
    worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      load[at] = (load[at] ?? 1) - 1;
      const one = waiting.get(data.id);
      waiting.delete(data.id);
      if ('scan' in data) one?.done(data.scan);
      else if ('labels' in data) one?.done(data.labels);
      else if ('fault' in data) one?.fail(new ApiError('broken', 'The volume cannot be shown', data.fault));
      else if (data.status) one?.fail(errorOf(data.status, data.body));
      else
        one?.fail(
          new ApiError('unreachable', 'The server does not answer', 'Is `voxloop serve` still running?'),
        );
    };
  });
  return {
    decode: (url, kind) =>
      new Promise((done, fail) => {
        const id = next++;
        const at = (load[0] ?? 0) <= (load[1] ?? 0) ? 0 : 1;
        load[at] = (load[at] ?? 0) + 1;
        waiting.set(id, { done, fail });
        const wanted: Wanted = { id, url: new URL(url, location.origin).href, kind };
        workers[at]?.postMessage(wanted);
      }),
    stop: () => {
      for (const worker of workers) worker.terminate();
      waiting.clear();
    },
  };
}
