/** The colours and strokes of lines. Colours are read from the theme, since a canvas and a file know no roles. */
import type { Hue } from './picture';

export const COLOURS = 8;
/** In pixels: drawn, left out, drawn … */
export const STROKES: readonly (readonly number[])[] = [[], [7, 4], [1.5, 3.5], [9, 3, 1.5, 3], [14, 5]];

export interface Theme {
  series: readonly string[];
  faint: string;
  text: string;
  soft: string;
  label: string;
  grid: string;
  ground: string;
  strong: string;
  warn: string;
}

/** The theme in force, or the light one for paper. */
export function readTheme(paper = false): Theme {
  const root = document.documentElement;
  const before = root.dataset.theme;
  // Nothing is painted in between: both changes happen before the browser has its turn.
  if (paper) root.dataset.theme = 'light';
  const style = getComputedStyle(root);
  const of = (name: string) => style.getPropertyValue(name).trim();
  const theme = {
    series: Array.from({ length: COLOURS }, (_, i) => of(`--series-${i + 1}`)),
    faint: of('--curve-case'),
    text: of('--text'),
    soft: of('--text-soft'),
    label: of('--text-faint'),
    grid: of('--grid'),
    ground: of('--bg-raised'),
    strong: of('--line-strong'),
    warn: of('--warn'),
  };
  if (paper && before !== undefined) root.dataset.theme = before;
  return theme;
}

export function colourOf(theme: Theme, hue: Hue): string {
  if (hue === null) return theme.faint;
  if (typeof hue === 'number') return theme.series[hue % COLOURS] ?? theme.faint;
  // Cool is low and warm is high; both ends are told apart with any colour vision and on either ground.
  return mixed(theme.series[0] ?? theme.faint, theme.series[5] ?? theme.faint, hue.share);
}

/** The same for what CSS paints. */
export function cssOf(hue: Hue): string {
  if (hue === null) return 'var(--curve-case)';
  if (typeof hue === 'number') return `var(--series-${(hue % COLOURS) + 1})`;
  return `color-mix(in srgb, var(--series-6) ${(hue.share * 100).toFixed(1)}%, var(--series-1))`;
}

/** Between two colours written as #rrggbb. */
export function mixed(a: string, b: string, share: number): string {
  const channel = (colour: string, k: number) => Number.parseInt(colour.slice(1 + 2 * k, 3 + 2 * k), 16);
  const parts = [0, 1, 2].map((k) => Math.round(channel(a, k) + (channel(b, k) - channel(a, k)) * share));
  return `#${parts.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}
