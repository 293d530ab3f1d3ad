/** Pictures that were fetched stay for a while, so that scrolling back asks for none twice. */
import { api } from '../lib/api';
import { Queue } from './queue';

/** The server draws two at a time; a browser has six connections, and the rest of the page needs some. */
const AT_ONCE = 3;
const MOST = 600;

class Pictures {
  #kept = new Map<string, string>();
  #queue = new Queue(AT_ONCE);

  async get(url: string, signal: AbortSignal): Promise<string> {
    const known = this.#kept.get(url);
    if (known) return known;
    const made = await this.#queue.add(() => api.picture(url, signal), signal);
    this.#kept.set(url, made);
    for (const [old, picture] of this.#kept) {
      if (this.#kept.size <= MOST) break;
      this.#kept.delete(old);
      URL.revokeObjectURL(picture);
    }
    return made;
  }

  /** Forgets all: the scans may be others now. */
  clear(): void {
    for (const picture of this.#kept.values()) URL.revokeObjectURL(picture);
    this.#kept.clear();
  }
}

export const pictures = new Pictures();
