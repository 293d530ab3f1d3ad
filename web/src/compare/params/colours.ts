/** The colours of runs by one column: a ramp for what has an order, the series' colours for a few names. */
import { css, ramp } from '../../lib/scale';
import type { Theme } from '../../lib/theme.svelte';
import { place, type Scale } from './scale';
import type { Column } from './table';

const STEPS = 32;
/** So many names have colours of their own in the tokens. */
const NAMED = 8;

/** The page's own colours, as a canvas and a file need them: as they are now. */
export interface Ground {
  theme: Theme;
  text: string;
  soft: string;
  faint: string;
  line: string;
  raised: string;
  accent: string;
  names: readonly string[];
  font: string;
}

export function groundOf(element: Element, theme: Theme): Ground {
  const style = getComputedStyle(element);
  const token = (name: string) => style.getPropertyValue(name).trim();
  return {
    theme,
    text: token('--text'),
    soft: token('--text-soft'),
    faint: token('--text-faint'),
    line: token('--line-strong'),
    raised: token('--bg-raised'),
    accent: token('--accent'),
    names: Array.from({ length: NAMED }, (_, i) => token(`--series-${i + 1}`)),
    font: token('--sans').replace(/\s+/g, ' '),
  };
}

export interface Colours {
  palette: readonly string[];
  /** The place in the palette of each run. */
  of: Uint8Array;
  /** Whether the palette is a ramp, and not a list of names. */
  ordered: boolean;
}

export function coloursOf(column: Column | null, scale: Scale | null, runs: number, ground: Ground): Colours {
  if (column === null || scale === null)
    return { palette: [ground.accent], of: new Uint8Array(runs), ordered: false };
  const named = scale.kind === 'levels' && scale.high <= NAMED;
  const palette = named
    ? ground.names.slice(0, scale.high)
    : Array.from({ length: STEPS }, (_, i) => css(ramp(i / (STEPS - 1), ground.theme)));
  const none = palette.length;
  const of = new Uint8Array(runs);
  for (let run = 0; run < runs; run++) {
    const value = column.values[run] ?? Number.NaN;
    const share = place(scale, value);
    of[run] = Number.isNaN(share)
      ? none
      : named
        ? value
        : Math.round(Math.min(1, Math.max(0, share)) * (STEPS - 1));
  }
  return { palette: [...palette, ground.faint], of, ordered: !named };
}
