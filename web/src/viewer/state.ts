/** The viewer's settings as words in the address, both ways. */
import { readNumbers } from '../lib/route';
import { LAYOUTS, type LayerLook, type LayoutName, type Mm } from './scene';
import { PRESETS, type Window } from './windows';

export interface LayerChoice {
  visible: boolean;
  opacity: number;
  outline: boolean;
  hidden: number[];
}

/** The truth is drawn as a rim so that the prediction under it can be judged; the difference waits to be asked for. */
export function usualChoice(layer: string): LayerChoice {
  if (layer === 'truth') return { visible: true, opacity: 1, outline: true, hidden: [] };
  if (layer === 'difference') return { visible: false, opacity: 0.8, outline: false, hidden: [] };
  return { visible: true, opacity: 0.5, outline: false, hidden: [] };
}

/** `on.50.fill` with hidden class values after it, e.g. `off.80.rim.2.3`. */
export function writeLayer(choice: LayerChoice): string {
  const words = [
    choice.visible ? 'on' : 'off',
    Math.round(choice.opacity * 100),
    choice.outline ? 'rim' : 'fill',
  ];
  return [...words, ...choice.hidden].join('.');
}

export function readLayer(layer: string, text: string | undefined): LayerChoice {
  const usual = usualChoice(layer);
  if (!text) return usual;
  const [seen, opacity, style, ...hidden] = text.split('.');
  const share = Number(opacity) / 100;
  return {
    visible: seen === 'on',
    opacity: opacity && share >= 0 && share <= 1 ? share : usual.opacity,
    outline: style === 'rim',
    hidden: hidden.map(Number).filter((v) => Number.isInteger(v) && v > 0),
  };
}

export function lookOf(choice: LayerChoice): LayerLook {
  return { ...choice, hidden: new Set(choice.hidden) };
}

export function readLayout(text: string | undefined): LayoutName {
  return LAYOUTS.find((l) => l.id === text)?.id ?? 'planes';
}

/** A preset's name, `full`, or `low,high`; null where the address says nothing. */
export function readWindow(text: string | undefined, full: Window | null): Window | null {
  if (text === 'full') return full;
  const preset = PRESETS.find((p) => p.id === text);
  if (preset) return { low: preset.low, high: preset.high };
  const pair = readNumbers(text, 2);
  return pair && (pair[0] ?? 0) < (pair[1] ?? 0) ? { low: pair[0] ?? 0, high: pair[1] ?? 1 } : null;
}

export function readMm(text: string | undefined): Mm | null {
  const mm = readNumbers(text, 3);
  return mm ? [mm[0] ?? 0, mm[1] ?? 0, mm[2] ?? 0] : null;
}

export function writeMm(mm: Mm): string {
  return mm.map((v) => String(Number(v.toFixed(2)))).join(',');
}

/** The epoch before or after the current one, or null at the end. */
export function neighbour<T>(items: readonly T[], current: T, by: -1 | 1): T | null {
  const i = items.indexOf(current);
  return i < 0 ? null : (items[i + by] ?? null);
}
