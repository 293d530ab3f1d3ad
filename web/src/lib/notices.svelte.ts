/** What was just done, told at the foot of the page, with a way back where there is one. */

export interface Notice {
  id: number;
  text: string;
  bad: boolean;
  undo: (() => void | Promise<void>) | null;
}

const STAYS_MS = 8000;

class Notices {
  all: Notice[] = $state.raw([]);
  #next = 1;

  /** Tells what was done; `undo` takes it back, `onend` is called when nobody did. */
  tell(text: string, undo: Notice['undo'] = null, onend?: () => void): void {
    const id = this.#next++;
    const timer = setTimeout(() => {
      this.drop(id);
      onend?.();
    }, STAYS_MS);
    const back =
      undo &&
      (() => {
        clearTimeout(timer);
        this.drop(id);
        return undo();
      });
    this.all = [...this.all, { id, text, bad: false, undo: back }];
  }

  /** Tells what could not be done. It stays until it is read. */
  fail(text: string): void {
    this.all = [...this.all, { id: this.#next++, text, bad: true, undo: null }];
  }

  drop(id: number): void {
    this.all = this.all.filter((notice) => notice.id !== id);
  }
}

export const notices = new Notices();

/** Whether it could be done; what speaks against it is told. */
export async function tried(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    notices.fail(error instanceof Error ? error.message : String(error));
    return false;
  }
}
