/** The viewer's settings as words in the address, both ways. */
import { readNumbers } from '../lib/route';
import type { Mm, PlaneName } from './grid';
import type { LayerLook } from './painter';

export const LAYOUTS = [
  { id: 'planes', name: 'Planes + 3D' },
  { id: 'axial', name: 'Axial' },
  { id: 'coronal', name: 'Coronal' },
  { id: 'sagittal', name: 'Sagittal' },
  { id: 'solid', name: '3D' },
] as const;
export type LayoutName = (typeof LAYOUTS)[number]['id'];

/** The planes of a layout; beside other panes one plane each is enough. */
export function planesOf(layout: LayoutName, panes: number): PlaneName[] {
  if (layout === 'solid') return [];
  if (layout !== 'planes') return [layout];
  return panes > 1 ? ['axial'] : ['axial', 'coronal', 'sagittal'];
}

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

export function readMm(text: string | undefined): Mm | null {
  const mm = readNumbers(text, 3);
  return mm ? [mm[0] ?? 0, mm[1] ?? 0, mm[2] ?? 0] : null;
}

export function writeMm(mm: Mm): string {
  return mm.map((v) => String(Number(v.toFixed(2)))).join(',');
}

/** Another pane beside the first: another run, another epoch, another channel. What it leaves out is the first pane's. */
export interface Beside {
  run: string | null;
  step: number | null;
  channel: number | null;
}

export const MOST_BESIDE = 3;

/** `ab12:3:` is run ab12 at step 3; panes are divided by `~`. */
export function readBeside(text: string | undefined): Beside[] {
  return (text ?? '')
    .split('~')
    .filter(Boolean)
    .slice(0, MOST_BESIDE)
    .map((one) => {
      const [run, step, channel] = one.split(':');
      return { run: run || null, step: whole(step), channel: whole(channel) };
    });
}

export function writeBeside(panes: readonly Beside[]): string | null {
  return (
    panes.map(({ run, step, channel }) => [run ?? '', step ?? '', channel ?? ''].join(':')).join('~') || null
  );
}

function whole(text: string | undefined): number | null {
  const value = Number(text);
  return text && Number.isInteger(value) ? value : null;
}

/** The step itself where something was kept at it, else the last one before, else the first. Any where nothing is known. */
export function keptAt(steps: readonly number[], asked: number): number {
  return steps.findLast((step) => step <= asked) ?? steps[0] ?? asked;
}

/** The epoch before or after the current one, or null at the end. */
export function neighbour<T>(items: readonly T[], current: T, by: -1 | 1): T | null {
  const i = items.indexOf(current);
  return i < 0 ? null : (items[i + by] ?? null);
}
