/** Windows: which scan values are drawn from black to white. */
import type { Range, Scan } from './volume';

export interface WindowPreset extends Range {
  id: string;
  name: string;
}

/** Hounsfield units. `full` and `usual` have no values of their own: they are the range of the scan, with and without its rarest values. */
export const PRESETS: readonly WindowPreset[] = [
  { id: 'abdomen', name: 'Abdomen', low: -160, high: 240 },
  { id: 'lung', name: 'Lung', low: -1350, high: 150 },
  { id: 'bone', name: 'Bone', low: -450, high: 1050 },
  { id: 'brain', name: 'Brain', low: 0, high: 80 },
];

export const FULL = 'full';
export const USUAL = 'usual';

/** Only CT has Hounsfield units; a scan without air-like values is shown over its own range. */
export function looksLikeCt(range: Range): boolean {
  return range.low <= -200 && range.high >= 100 && range.low >= -5000;
}

export function levelOf({ low, high }: Range): { level: number; width: number } {
  return { level: (low + high) / 2, width: high - low };
}

export function windowOf(level: number, width: number): Range {
  const half = Math.max(width, 1e-6) / 2;
  return { low: level - half, high: level + half };
}

type Ranges = Scan['ranges'][number];

/** A channel's window where nobody has chosen one: soft tissue for a CT, what is usual for anything else. */
export function firstWindow(ranges: Ranges): Range {
  return looksLikeCt(ranges.full) ? (PRESETS[0] ?? ranges.full) : ranges.usual;
}

/** A preset's name, `full`, `usual`, or `low,high`; null for anything else. */
export function readWindow(text: string | undefined, ranges: Ranges): Range | null {
  if (text === FULL) return ranges.full;
  if (text === USUAL) return ranges.usual;
  const preset = PRESETS.find((one) => one.id === text);
  if (preset) return { low: preset.low, high: preset.high };
  const [low, high, ...rest] = (text ?? '').split(',').map(Number);
  if (low === undefined || high === undefined || rest.length > 0) return null;
  return Number.isFinite(low) && Number.isFinite(high) && low < high ? { low, high } : null;
}

/** As few digits as tell it: whole numbers for Hounsfield units, fractions where the range is small. */
export function writeWindow({ low, high }: Range): string {
  const digits = Math.max(0, 2 - Math.floor(Math.log10(Math.max(1e-12, high - low))));
  return [low, high].map((v) => String(Number(v.toFixed(Math.min(12, digits))))).join(',');
}

/** The name of the preset that equals a window, or null for a window of one's own. */
export function presetOf(window: Range, ranges: Ranges | null): string | null {
  const same = (a: Range) => Math.abs(a.low - window.low) < 1e-6 && Math.abs(a.high - window.high) < 1e-6;
  const preset = PRESETS.find(same)?.id;
  if (preset || !ranges) return preset ?? null;
  return same(ranges.usual) ? USUAL : same(ranges.full) ? FULL : null;
}

/** The next preset after the current one, round and round. */
export function nextPreset(current: string | null, isCt: boolean): string {
  const ids = [...(isCt ? PRESETS.map((one) => one.id) : []), USUAL, FULL];
  return ids[(ids.indexOf(current ?? '') + 1) % ids.length] ?? FULL;
}
