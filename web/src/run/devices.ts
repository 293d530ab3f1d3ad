/** A machine's series, as charts grouped by device, each with its unit and a scale that means something. */
import type { Curve } from '../lib/api/types';
import { bytes, minus } from '../lib/format';

export type Unit = '%' | 'B' | 'B/s' | '°C' | 'W' | 'share' | '';

export interface Gauge {
  title: string;
  unit: Unit;
  lines: { label: string; curve: Curve }[];
}

export interface Device {
  name: string;
  gauges: Gauge[];
}

type Place = [device: string, chart: string, line: string, unit: Unit];

/** More GPUs than these are drawn together. */
const FEW_GPUS = 2;
/** Names under `system/`, in the order in which a person asks: which device, which chart, which line, in which unit. */
const KNOWN: [RegExp, (part: string) => Place][] = [
  [/^gpu\.(\d+)\.utilisation$/, (n) => [`GPU ${n}`, 'Busy', '', '%']],
  [/^gpu\.(\d+)\.memory$/, (n) => [`GPU ${n}`, 'Memory', '', '%']],
  [/^gpu\.(\d+)\.memory\.used$/, (n) => [`GPU ${n}`, 'Memory used', '', 'B']],
  [/^gpu\.(\d+)\.temperature$/, (n) => [`GPU ${n}`, 'Temperature', '', '°C']],
  [/^gpu\.(\d+)\.power$/, (n) => [`GPU ${n}`, 'Power', '', 'W']],
  [/^loader_wait(.*)$/, () => ['Data loader', 'Waiting for data', '', 'share']],
  [/^cpu$/, () => ['Processor', 'Busy', '', '%']],
  [/^process\.cpu$/, () => ['Processor', 'Busy, this process', '', '%']],
  [/^memory$/, () => ['Memory', 'Used', '', '%']],
  [/^memory\.used$/, () => ['Memory', 'In bytes', 'machine', 'B']],
  [/^process\.memory$/, () => ['Memory', 'In bytes', 'this process', 'B']],
  [/^disk\.(read)$/, () => ['Disk', 'Speed', 'read', 'B/s']],
  [/^disk\.(write)$/, () => ['Disk', 'Speed', 'written', 'B/s']],
  [/^disk\.free$/, () => ['Disk', 'Free', '', 'B']],
  [/^network\.received$/, () => ['Network', 'Speed', 'received', 'B/s']],
  [/^network\.sent$/, () => ['Network', 'Speed', 'sent', 'B/s']],
];

/** Curves by device: GPUs first, since one asks about them first; what is not known here comes last. */
export function devices(curves: readonly Curve[]): Device[] {
  const gpus = new Set(curves.flatMap(({ name }) => /^system\/gpu\.(\d+)\./.exec(name)?.[1] ?? []));
  const found = new Map<string, { rank: number; gauges: Map<string, Gauge & { rank: number }> }>();
  for (const curve of curves) {
    const [place, rank] = placeOf(curve);
    // Many GPUs are held against each other: a chart of each would be a wall of charts.
    const [device, title, line, unit]: Place =
      gpus.size > FEW_GPUS && place[0].startsWith('GPU ') ? ['GPUs', place[1], place[0], place[3]] : place;
    const there = found.get(device) ?? { rank, gauges: new Map() };
    found.set(device, { ...there, rank: Math.min(there.rank, rank) });
    const gauge = there.gauges.get(title) ?? { title, unit, lines: [], rank };
    there.gauges.set(title, gauge);
    gauge.rank = Math.min(gauge.rank, rank);
    const context = Object.entries(curve.context).map(([key, value]) => `${key} ${value}`);
    gauge.lines.push({ label: [line, ...context].filter(Boolean).join(' · '), curve });
  }
  const words = new Intl.Collator('en', { numeric: true });
  return [...found]
    .sort(([a, one], [b, two]) => kindRank(one.rank) - kindRank(two.rank) || words.compare(a, b))
    .map(([name, { gauges }]) => ({
      name,
      gauges: [...gauges.values()]
        .sort((a, b) => a.rank - b.rank || words.compare(a.title, b.title))
        .map(({ rank: _, ...gauge }) => ({
          ...gauge,
          lines: gauge.lines.sort((a, b) => words.compare(a.label, b.label)),
        })),
    }));
}

/** All charts of GPUs rank alike among devices, so that GPU 10 comes after GPU 9 and not after GPU 1. */
function kindRank(rank: number): number {
  return rank < 5 ? 0 : rank;
}

function placeOf(curve: Curve): [Place, number] {
  const name = curve.name.replace(/^system\//, '');
  for (const [rank, [pattern, place]] of KNOWN.entries()) {
    const match = pattern.exec(name);
    if (match) return [place(match[1] ?? ''), rank];
  }
  return [['Other', name, '', ''], KNOWN.length];
}

/** A value with its unit: `62 %`, `3.1 GB`, `81 °C`. */
export function said(value: number | null | undefined, unit: Unit): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return '–';
  if (unit === 'B') return bytes(value);
  if (unit === 'B/s') return `${bytes(value)}/s`;
  if (unit === 'share') return `${round(value * 100)} %`;
  return unit ? `${round(value)} ${unit}` : round(value);
}

function round(value: number): string {
  return minus(Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3))));
}

/** From where to where a chart reaches: shares over all that is possible, everything else from nothing up. */
export function scaleOf(unit: Unit, low: number | null, high: number | null): [number, number] {
  const top = high ?? 1;
  // 400 % are four processors.
  if (unit === '%') return [0, top <= 100 ? 100 : Math.ceil(top / 100) * 100];
  if (unit === 'share') return [0, 1];
  const bottom = Math.min(0, low ?? 0);
  return [bottom, top > bottom ? top + (top - bottom) * 0.08 : bottom + 1];
}

/** The same on an axis, as short as it can be: `2 GB`. */
export function mark(value: number, unit: Unit): string {
  return said(value, unit).replace('.0 ', ' ');
}

/** Round marks on an axis of bytes lie at powers of ten, as people read `2 GB`; others as the chart likes. */
export const STEPS = [1, 2, 5]
  .flatMap((n) => Array.from({ length: 15 }, (_, power) => n * 10 ** power))
  .sort((a, b) => a - b);
