/** The numbers of an image: through a window, a channel alone, and at a point. */
import type { Values } from '../../lib/api/media';

export type Channel = 'all' | number;

export interface Window {
  low: number;
  high: number;
}

/** Which channels one may look at alone. */
export function channelNames(count: number): string[] {
  return count === 3 ? ['red', 'green', 'blue'] : count === 4 ? ['red', 'green', 'blue', 'opacity'] : [];
}

/** The numbers as RGBA through a window; what is no number is black. */
export function windowed(values: Values, window: Window, channel: Channel): Uint8ClampedArray<ArrayBuffer> {
  const { width, height, channels, data } = values;
  const out = new Uint8ClampedArray(width * height * 4);
  const range = window.high - window.low || 1;
  const grey = channels < 3 || channel !== 'all';
  const from = channel === 'all' ? 0 : Math.min(channel, channels - 1);
  const scale = (value: number | undefined) => {
    if (value === undefined || Number.isNaN(value)) return 0;
    return ((value - window.low) / range) * 255;
  };
  for (let at = 0; at < width * height; at++) {
    const place = at * channels;
    for (let colour = 0; colour < 3; colour++)
      out[at * 4 + colour] = scale(data[place + (grey ? from : colour)]);
    const opacity = channels === 4 && channel === 'all' ? (data[place + 3] ?? 0) : Infinity;
    out[at * 4 + 3] = data instanceof Uint8Array ? Math.min(opacity, 255) : Math.min(opacity, 1) * 255;
  }
  return out;
}

/** The numbers at a pixel; empty outside. */
export function valuesAt(values: Values, x: number, y: number): number[] {
  if (x < 0 || y < 0 || x >= values.width || y >= values.height) return [];
  const at = (y * values.width + x) * values.channels;
  return [...values.data.subarray(at, at + values.channels)];
}

/** The least and the largest number that there is. */
export function rangeOf(values: Values): Window {
  let [low, high] = [Infinity, -Infinity];
  const colours = Math.min(3, values.channels);
  for (let at = 0; at < values.data.length; at++) {
    const value = values.data[at] ?? Number.NaN;
    if (at % values.channels >= colours || !Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? { low, high } : { low: 0, high: 1 };
}
