/** How wide columns and how high rows are. Kept in the browser and not in the address: it is taste, and hangs on the screen
 *  that somebody sits at; a link that shows a colleague the same runs should not bring my screen along. */
const KEY = 'voxloop.runs';
export const NARROWEST = 56;
export const WIDEST = 1200;
export const ROWS = { roomy: 34, compact: 26 } as const;

class Taste {
  widths = $state.raw<Readonly<Record<string, number>>>({});
  compact = $state(false);

  constructor() {
    try {
      const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
      if (!kept || typeof kept !== 'object') return;
      const { widths, compact } = kept as Record<string, unknown>;
      this.compact = compact === true;
      if (widths && typeof widths === 'object')
        this.widths = Object.fromEntries(
          Object.entries(widths)
            .filter((entry): entry is [string, number] => Number.isFinite(entry[1]))
            .map(([key, width]) => [key, bounded(width)]),
        );
    } catch {
      // A browser that keeps nothing, or something else under this name: everything is as usual.
    }
  }

  get row(): number {
    return this.compact ? ROWS.compact : ROWS.roomy;
  }

  setWidth(key: string, width: number | null): void {
    const { [key]: _, ...rest } = this.widths;
    this.widths = width === null ? rest : { ...rest, [key]: bounded(width) };
    this.#keep();
  }

  setCompact(compact: boolean): void {
    this.compact = compact;
    this.#keep();
  }

  #keep(): void {
    try {
      localStorage.setItem(KEY, JSON.stringify({ widths: this.widths, compact: this.compact }));
    } catch {
      // It holds until the page is left.
    }
  }
}

export function bounded(width: number): number {
  return Math.round(Math.min(WIDEST, Math.max(NARROWEST, width)));
}

export const taste = new Taste();
