/** Notes while they are written: kept by themselves, and never over what somebody else has written meanwhile. */
import { ApiError, api } from '../lib/api';

export type NotesState = 'kept' | 'waiting' | 'keeping' | 'away' | 'changed';

const PAUSE_MS = 700;

export class NotesDraft {
  text = $state('');
  state: NotesState = $state('kept');
  /** What somebody else has written; only while `state` is `changed`. */
  theirs = $state('');
  why = $state('');
  /** What the project holds, as far as is known here. */
  #base: string;
  /** All that was the project's text in this session: an answer that comes late is no news. */
  #known: Set<string>;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly began: string;

  constructor(
    readonly run: string,
    stored: string,
  ) {
    const left = recall(run);
    this.began = stored;
    this.#base = left?.base ?? stored;
    this.#known = new Set([this.#base, stored]);
    this.text = left?.text ?? stored;
    if (left) this.#soon();
  }

  get kept(): string {
    return this.#base;
  }

  write(text: string): void {
    this.text = text;
    if (text === this.#base) {
      forget(this.run);
      clearTimeout(this.#timer);
      if (this.state !== 'changed') this.state = 'kept';
      return;
    }
    // Should the server be away, or the page be closed, the text is still here.
    remember(this.run, { text, base: this.#base });
    if (this.state !== 'changed') this.#soon();
  }

  /** The project's text has come anew. */
  heard(stored: string): void {
    if (this.#known.has(stored) || this.state === 'keeping') return;
    if (this.text === stored) this.#agree(stored);
    else if (this.text === this.#base) {
      this.#agree(stored);
      this.text = stored;
    } else this.#differ(stored);
  }

  /** Keeps the text now; false where it could not be kept. */
  async keep(leaving = false): Promise<boolean> {
    clearTimeout(this.#timer);
    if (this.state === 'changed') return false;
    const text = this.text;
    if (text === this.#base) return true;
    this.state = 'keeping';
    try {
      const said = await api.changeNotes(this.run, text, this.#base, leaving);
      if (!said.kept && said.text !== text) {
        this.#differ(said.text);
        return false;
      }
      this.#agree(text);
      if (this.text !== text) this.#soon();
      return true;
    } catch (error) {
      this.state = 'away';
      this.why = error instanceof ApiError ? error.message : String(error);
      if (!leaving) this.#soon(5000);
      return false;
    }
  }

  /** Ends a disagreement: with one's own text, with theirs, or with both. */
  async settle(text: string): Promise<boolean> {
    this.#base = this.theirs;
    this.#known.add(this.theirs);
    this.state = 'kept';
    this.write(text);
    return this.keep();
  }

  close(): void {
    clearTimeout(this.#timer);
    if (this.text !== this.#base && this.state !== 'changed') void this.keep(true);
  }

  #soon(after = PAUSE_MS): void {
    if (this.state !== 'away') this.state = 'waiting';
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.keep(), after);
  }

  #agree(text: string): void {
    this.#base = text;
    this.#known.add(text);
    this.state = 'kept';
    if (this.text === text) forget(this.run);
    else remember(this.run, { text: this.text, base: text });
  }

  #differ(theirs: string): void {
    clearTimeout(this.#timer);
    this.theirs = theirs;
    this.state = 'changed';
  }
}

interface Left {
  text: string;
  base: string;
}

const key = (run: string) => `voxloop.notes.${run}`;

/** A text that was written here and not kept by the project. */
export function recall(run: string): Left | null {
  try {
    const left: unknown = JSON.parse(localStorage.getItem(key(run)) ?? 'null');
    if (!left || typeof left !== 'object') return null;
    const { text, base } = left as Record<string, unknown>;
    return typeof text === 'string' && typeof base === 'string' && text !== base ? { text, base } : null;
  } catch {
    return null;
  }
}

function remember(run: string, left: Left): void {
  try {
    localStorage.setItem(key(run), JSON.stringify(left));
  } catch {
    // Storage can be forbidden or full; the text is then kept by the project alone.
  }
}

function forget(run: string): void {
  try {
    localStorage.removeItem(key(run));
  } catch {
    // As above.
  }
}
