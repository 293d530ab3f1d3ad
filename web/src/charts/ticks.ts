/** Where the marks of an axis stand and what they say; the canvas and the exported file share them. */
import { minus, tick } from '../lib/format';
import type { By } from './view';

export interface Tick {
  at: number;
  label: string;
}

const DURATIONS = [
  0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600,
  43_200, 86_400, 172_800, 432_000, 864_000, 2_592_000, 7_776_000, 31_536_000,
];

/** About `count` marks between two ends. */
export function ticks(low: number, high: number, count: number, kind: By | 'value', log: boolean): Tick[] {
  if (!(high > low)) return [{ at: low, label: tick(low) }];
  if (log && low > 0 && high / low >= 4) return decades(low, high, count);
  if (kind === 'relative') return spaced(low, high, duration(high - low, count), shortTime);
  if (kind === 'time') return clock(low, high, count);
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const whole = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw * 0.75) ?? raw;
  // Steps are whole.
  const step = kind === 'step' ? Math.max(1, Math.round(whole)) : whole;
  return distinct(spaced(low, high, step, tick));
}

/** Large numbers close together need more digits than a label usually has. */
function distinct(found: Tick[]): Tick[] {
  for (let digits = 4; digits < 14; digits++) {
    if (new Set(found.map((one) => one.label)).size === found.length) break;
    for (const one of found) {
      const rounded = Number(one.at.toPrecision(digits));
      one.label = minus(
        Math.abs(rounded) >= 1e7
          ? rounded.toExponential().replace('e+', 'e')
          : rounded.toLocaleString('en-US', { maximumFractionDigits: 12 }),
      );
    }
  }
  return found;
}

function spaced(low: number, high: number, step: number, say: (value: number) => string, shift = 0): Tick[] {
  const found: Tick[] = [];
  for (let k = Math.ceil((low + shift) / step - 1e-9); k * step - shift <= high + step * 1e-9; k++) {
    const at = Number((k * step - shift).toPrecision(14));
    found.push({ at, label: say(at) });
  }
  return found;
}

function decades(low: number, high: number, count: number): Tick[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const every = Math.max(1, Math.ceil((last - first) / Math.max(2, count)));
  const within = last - first <= 3 ? [1, 2, 5] : [1];
  const found: Tick[] = [];
  for (let power = first; power <= last; power += every)
    for (const n of within) {
      const at = Number((n * 10 ** power).toPrecision(6));
      if (at >= low * 0.9999 && at <= high * 1.0001) found.push({ at, label: tick(at) });
    }
  return found;
}

function duration(span: number, count: number): number {
  return DURATIONS.find((one) => span / one <= count) ?? span / count;
}

function clock(low: number, high: number, count: number): Tick[] {
  const step = duration(high - low, count);
  // Midnight is where the reader is.
  const shift = -new Date(low * 1000).getTimezoneOffset() * 60;
  return spaced(
    low,
    high,
    step,
    (s) => {
      const d = new Date(s * 1000);
      const two = (n: number) => String(n).padStart(2, '0');
      const day = `${two(d.getMonth() + 1)}-${two(d.getDate())}`;
      const time = `${two(d.getHours())}:${two(d.getMinutes())}`;
      if (step >= 86_400) return day;
      if (step < 60) return `${time}:${two(d.getSeconds())}`;
      return time === '00:00' ? day : time;
    },
    shift,
  );
}

function shortTime(s: number): string {
  if (s === 0) return '0';
  if (s < 120) return `${tick(s)} s`;
  if (s < 7200) return `${tick(Math.round((s / 60) * 10) / 10)} min`;
  return s < 172_800
    ? `${tick(Math.round((s / 3600) * 10) / 10)} h`
    : `${tick(Math.round((s / 86_400) * 10) / 10)} d`;
}
