/** Windows: which scan values are drawn from black to white. */

export interface Window {
  low: number;
  high: number;
}

export interface WindowPreset extends Window {
  id: string;
  name: string;
}

/** Hounsfield units. `full` has no values of its own: it is the range of the scan. */
export const PRESETS: readonly WindowPreset[] = [
  { id: 'abdomen', name: 'Abdomen', low: -160, high: 240 },
  { id: 'lung', name: 'Lung', low: -1350, high: 150 },
  { id: 'bone', name: 'Bone', low: -450, high: 1050 },
  { id: 'brain', name: 'Brain', low: 0, high: 80 },
];

export const FULL = 'full';

/** Only CT has Hounsfield units; a scan without air-like values is shown over its own range. */
export function looksLikeCt(range: Window): boolean {
  return range.low <= -200 && range.high >= 100 && range.low >= -5000;
}

export function levelOf({ low, high }: Window): { level: number; width: number } {
  return { level: (low + high) / 2, width: high - low };
}

export function windowOf(level: number, width: number): Window {
  const half = Math.max(width, 1e-6) / 2;
  return { low: level - half, high: level + half };
}

/** The name of the preset that equals a window, or null for a window of one's own. */
export function presetOf(window: Window, full: Window | null): string | null {
  const same = (a: Window) => Math.abs(a.low - window.low) < 1e-6 && Math.abs(a.high - window.high) < 1e-6;
  if (full && same(full)) return FULL;
  return PRESETS.find(same)?.id ?? null;
}

/** The next preset after the current one, round and round. */
export function nextPreset(current: string | null): string {
  const ids = [...PRESETS.map((p) => p.id), FULL];
  return ids[(ids.indexOf(current ?? '') + 1) % ids.length] ?? FULL;
}
