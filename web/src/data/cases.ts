/** The cases of a dataset as rows: what columns they have, and which of them are meant. */
import type { CaseNumbers, DatasetCase, DatasetCases } from '../lib/api/datasets';
import { bytes, number } from '../lib/format';
import { type Cell, type Direction, matches, sortRows } from '../lib/sort';

export interface Row extends DatasetCase {
  /** The part of the chosen split. */
  part: string;
  /** All findings, the worse ones weighing more: sorted by it, the worst case comes first. */
  weight: number;
}

export interface Column {
  key: string;
  title: string;
  number: boolean;
  width: number;
  first: Direction;
  cell: (row: Row) => Cell;
  text: (row: Row) => string;
}

/** A figure of a case that is plotted and may be filtered by. */
export interface Measure {
  key: string;
  /** The panel that it stands in, and its name there. */
  group: string;
  name: string;
  unit: string;
  log: boolean;
  of: (numbers: CaseNumbers) => number | null | undefined;
}

export type Range = readonly [number, number];

/** The axes of the patient, each by the letters of its two ends. */
const AXES = [
  ['R–L', 'RL'],
  ['A–P', 'AP'],
  ['S–I', 'SI'],
] as const;
const WEIGHTS: Record<string, number> = { error: 10_000, warning: 100, note: 1 };
/** Of so many classes each has a column and a strip of its own. */
const MOST_CLASSES = 24;

export function rowsOf(data: DatasetCases, split: string | null): Row[] {
  const parts = split === null ? undefined : data.splits[split];
  return data.cases.map((one, at) => ({
    ...one,
    part: one.test ? 'test set' : (data.parts[parts?.[at] ?? -1] ?? ''),
    weight: Object.entries(one.findings).reduce((sum, [how, n]) => sum + (WEIGHTS[how] ?? 1) * n, 0),
  }));
}

/** The split that is meant where none was chosen: the default one, or the first. */
export function usualSplit(names: readonly string[]): string | null {
  return names.includes('default') ? 'default' : (names[0] ?? null);
}

/** What a case has along an axis of the patient, whatever the order of its own axes. */
export function along(numbers: CaseNumbers, values: readonly number[], axis: number): number | undefined {
  const letters = AXES[axis]?.[1] ?? '';
  return values[[...numbers.orientation].findIndex((letter) => letters.includes(letter))];
}

export function classesOf(data: DatasetCases, labels: Record<string, string>): string[] {
  const named = Object.entries(labels)
    .filter(([value]) => Number(value) > 0)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, name]) => name);
  const others = new Set(data.cases.flatMap((one) => Object.keys(one.numbers?.classes ?? {})));
  return [...named, ...[...others].filter((name) => !named.includes(name)).sort()];
}

export function channelsOf(data: DatasetCases, modality: Record<string, string>): string[] {
  const most = data.cases.reduce((sum, one) => Math.max(sum, one.numbers?.intensity.length ?? 0), 0);
  return Array.from({ length: most }, (_, at) => modality[at] ?? `channel ${at}`);
}

export function measuresOf(classes: readonly string[], channels: readonly string[]): Measure[] {
  const axes = AXES.map(([name], axis) => ({ name, axis }));
  const few = classes.slice(0, MOST_CLASSES);
  return [
    ...axes.map(
      ({ name, axis }): Measure => ({
        key: `spacing.${axis}`,
        group: 'Spacing',
        name,
        unit: 'mm',
        log: false,
        of: (n) => along(n, n.spacing_mm, axis),
      }),
    ),
    ...axes.map(
      ({ name, axis }): Measure => ({
        key: `size.${axis}`,
        group: 'Size',
        name,
        unit: 'mm',
        log: false,
        of: (n) => along(n, n.size_mm, axis),
      }),
    ),
    ...channels.flatMap((channel, at): Measure[] => {
      const group = channels.length > 1 ? `Intensity, ${channel}` : 'Intensity';
      const measure = (key: string, name: string, of: Measure['of']): Measure => ({
        key: `intensity.${at}.${key}`,
        group,
        name,
        unit: /\bct\b/i.test(channel) ? 'HU' : '',
        log: false,
        of,
      });
      return [
        measure('low', 'All, 0.5 %', (n) => n.intensity[at]?.all?.low),
        measure('median', 'All, median', (n) => n.intensity[at]?.all?.median),
        measure('high', 'All, 99.5 %', (n) => n.intensity[at]?.all?.high),
        measure('front', 'Not background, median', (n) => n.intensity[at]?.foreground?.median),
        ...few.map((name) =>
          measure(`under.${name}`, `Under ${name}, median`, (n) => n.classes[name]?.under[at]),
        ),
      ];
    }),
    ...few.map(
      (name): Measure => ({
        key: `ml.${name}`,
        group: 'Volume of each class',
        name,
        unit: 'mL',
        log: true,
        of: (n) => n.classes[name]?.ml,
      }),
    ),
  ];
}

export function columnsOf(
  data: DatasetCases,
  classes: readonly string[],
  channels: readonly string[],
): Column[] {
  const text = (key: string, title: string, width: number, of: (row: Row) => string): Column => ({
    key,
    title,
    width,
    number: false,
    first: 'up',
    cell: (row) => of(row) || null,
    text: of,
  });
  const figure = (
    key: string,
    title: string,
    width: number,
    of: (row: Row) => number | null | undefined,
    told: (row: Row) => string = (row) => number(of(row)),
  ): Column => ({ key, title, width, number: true, first: 'down', cell: of, text: told });
  const each = (values: readonly number[] | undefined, digits: number) =>
    values ? values.map((value) => Number(value.toFixed(digits))).join(' × ') : '–';
  return [
    figure(
      'findings',
      'Findings',
      92,
      (row) => (row.weight === 0 ? null : row.weight),
      (row) => told(row),
    ),
    ...(Object.keys(data.splits).length ? [text('part', 'Split', 96, (row) => row.part)] : []),
    ...(data.cases.some((one) => one.patient)
      ? [text('patient', 'Patient', 110, (row) => row.patient ?? '')]
      : []),
    figure(
      'shape',
      'Voxels',
      140,
      (row) => row.numbers?.shape.reduce((a, b) => a * b, 1),
      (row) => each(row.numbers?.shape, 0),
    ),
    figure(
      'spacing',
      'Spacing, mm',
      156,
      (row) => (row.numbers ? Math.max(...row.numbers.spacing_mm) : null),
      (row) => each(row.numbers?.spacing_mm, 2),
    ),
    figure(
      'size',
      'Size, mm',
      166,
      (row) => row.numbers?.size_mm.reduce((a, b) => a * b, 1),
      (row) => each(row.numbers?.size_mm, 0),
    ),
    text('orientation', 'Axes', 76, (row) => row.numbers?.orientation ?? ''),
    ...channels
      .slice(0, 4)
      .map((channel, at) =>
        figure(
          `median.${at}`,
          channels.length > 1 ? `${channel}, median` : 'Median',
          channels.length > 1 ? 120 : 84,
          (row) => row.numbers?.intensity[at]?.all?.median,
        ),
      ),
    ...classes.slice(0, MOST_CLASSES).map((name) =>
      figure(
        `ml.${name}`,
        `${name}, mL`,
        Math.min(180, 76 + name.length * 7),
        (row) => row.numbers?.classes[name]?.ml,
        (row) => millilitres(row.numbers?.classes[name]?.ml),
      ),
    ),
    figure(
      'bytes',
      'On disk',
      102,
      (row) => row.bytes,
      (row) => bytes(row.bytes),
    ),
  ];

  function told(row: Row): string {
    const letters = { error: 'error', warning: 'warning', note: 'note' };
    return Object.keys(letters)
      .filter((how) => row.findings[how])
      .map((how) => `${row.findings[how]} ${how}${row.findings[how] === 1 ? '' : 's'}`)
      .join(', ');
  }
}

/** What of the cases is meant: words, a part of the split, an orientation, and ranges of measures. */
export interface Filter {
  words: string;
  part: string;
  axes: string;
  ranges: ReadonlyMap<string, Range>;
}

export function isPlain(filter: Filter): boolean {
  return !filter.words && !filter.part && !filter.axes && filter.ranges.size === 0;
}

export function fits(row: Row, filter: Filter, measures: readonly Measure[]): boolean {
  if (filter.part && row.part !== filter.part) return false;
  if (filter.axes && row.numbers?.orientation !== filter.axes) return false;
  for (const [key, [low, high]] of filter.ranges) {
    const value = row.numbers && measures.find((one) => one.key === key)?.of(row.numbers);
    if (value === null || value === undefined || value < low || value > high) return false;
  }
  return matches(filter.words, [row.id, row.patient ?? '', row.part]);
}

export function sorted(rows: readonly Row[], columns: readonly Column[], sort: string | undefined): Row[] {
  const down = sort?.startsWith('-') ?? false;
  const key = down ? sort?.slice(1) : sort;
  const column = columns.find((one) => one.key === key);
  return sortRows(rows, column?.cell ?? ((row) => row.id), down ? 'down' : 'up');
}

/** Pressed once a column is sorted its usual way, then the other way, then no more. */
export function nextSort(column: Pick<Column, 'key' | 'first'>, sort: string | undefined): string | null {
  const [usual, other] = column.first === 'up' ? ['', '-'] : ['-', ''];
  if (sort === `${usual}${column.key}`) return `${other}${column.key}`;
  return sort === `${other}${column.key}` ? null : `${usual}${column.key}`;
}

/** As many digits as a volume deserves: 13,487, 169.8, 0.045. */
export function millilitres(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–';
  return Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString('en-US')
    : String(Number(value.toPrecision(4)));
}

const RANGE = 'r.';

export function readRanges(query: Record<string, string>, measures: readonly Measure[]): Map<string, Range> {
  const found = new Map<string, Range>();
  for (const { key } of measures) {
    const said = query[RANGE + key]?.split(',').map(Number);
    const [low, high] = said ?? [];
    if (said?.length === 2 && Number.isFinite(low) && Number.isFinite(high))
      found.set(key, [low as number, high as number]);
  }
  return found;
}

export function rangeKey(measure: string): string {
  return RANGE + measure;
}

/** A range as an address holds it, without the digits that nobody sees. */
export function writeRange([low, high]: Range): string {
  return [low, high].map((value) => Number(value.toPrecision(5))).join(',');
}
