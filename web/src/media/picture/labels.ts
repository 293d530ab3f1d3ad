/** Label maps as colours over a picture. */
import { api } from '../../lib/api';
import { colourClasses, type LabelClass, type Rgb } from '../../viewer/palette';
import type { LayerChoice } from '../../viewer/state';

export interface Labels {
  width: number;
  height: number;
  data: Uint8Array;
  /** The labels that there are, without 0. */
  present: readonly number[];
}

export interface Painted {
  labels: Labels;
  classes: readonly LabelClass[];
  choice: LayerChoice;
}

const UNNAMED: Rgb = [170, 170, 170];
const MOST_KEPT = 80;
const kept = new Map<string, Promise<Labels>>();

/** A label map from a PNG whose grey is the label; the last ones are kept, for one goes back and forth between steps. */
export function loadLabels(url: string): Promise<Labels> {
  const known = kept.get(url);
  if (known) {
    kept.delete(url);
    kept.set(url, known);
    return known;
  }
  const found = decode(url);
  kept.set(url, found);
  found.catch(() => kept.delete(url));
  for (const old of kept.keys()) {
    if (kept.size <= MOST_KEPT) break;
    kept.delete(old);
  }
  return found;
}

async function decode(url: string): Promise<Labels> {
  // No colour management, or labels become their neighbours.
  const bitmap = await createImageBitmap(await api.bytes(url), {
    colorSpaceConversion: 'none',
    premultiplyAlpha: 'none',
  });
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true });
  if (!context) throw new Error('This browser draws no pictures.');
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const rgba = context.getImageData(0, 0, width, height).data;
  const data = new Uint8Array(width * height);
  for (let at = 0; at < data.length; at++) data[at] = rgba[at * 4] ?? 0;
  return { width, height, data, present: [...new Set(data)].filter((value) => value !== 0) };
}

/** The classes of a layer with their colours; labels that nobody has named are called by their number. */
export function classesOf(
  layer: string,
  named: readonly { value: number; name: string }[],
  labels: Labels | null,
): LabelClass[] {
  const known = new Set(named.map((one) => one.value));
  const others = (labels?.present ?? [])
    .filter((value) => !known.has(value))
    .map((value) => ({ value, name: `label ${value}` }));
  return colourClasses(layer, [...named.filter((one) => one.value !== 0), ...others]);
}

/** Layers one over the other as RGBA, rims above what is filled; all are on the grid of the first. */
export function paint(layers: readonly Painted[]): Uint8ClampedArray<ArrayBuffer> {
  const grid = layers[0]?.labels;
  const out = new Uint8ClampedArray((grid?.width ?? 0) * (grid?.height ?? 0) * 4);
  if (!grid) return out;
  const ordered = [...layers].sort((a, b) => Number(a.choice.outline) - Number(b.choice.outline));
  for (const { labels, classes, choice } of ordered) {
    if (!choice.visible || labels.width !== grid.width || labels.height !== grid.height) continue;
    const colours = new Map(classes.map((one) => [one.value, one.colour]));
    const hidden = new Set(choice.hidden);
    for (let at = 0; at < labels.data.length; at++) {
      const value = labels.data[at] ?? 0;
      if (value === 0 || hidden.has(value) || (choice.outline && !isRim(labels, at, value))) continue;
      over(out, at * 4, colours.get(value) ?? UNNAMED, choice.opacity);
    }
  }
  return out;
}

function isRim({ width, height, data }: Labels, at: number, value: number): boolean {
  const x = at % width;
  const y = (at - x) / width;
  return (
    x === 0 ||
    y === 0 ||
    x === width - 1 ||
    y === height - 1 ||
    data[at - 1] !== value ||
    data[at + 1] !== value ||
    data[at - width] !== value ||
    data[at + width] !== value
  );
}

function over(out: Uint8ClampedArray, at: number, colour: Rgb, opacity: number): void {
  const below = ((out[at + 3] ?? 0) / 255) * (1 - opacity);
  const alpha = opacity + below;
  for (let channel = 0; channel < 3; channel++)
    out[at + channel] = ((colour[channel] ?? 0) * opacity + (out[at + channel] ?? 0) * below) / (alpha || 1);
  out[at + 3] = alpha * 255;
}
