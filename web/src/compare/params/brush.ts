/** What is chosen on axes: as what is drawn, as which runs it leaves, as a query and as a part of the address. */
import { tick } from '../../lib/format';
import { place, rounded, type Scale, valueAt } from './scale';
import { type Column, type Table, valueText } from './table';

/** An end that is null is open: it was drawn to the end of its axis, and takes what comes beyond. */
export type Brush =
  | { kind: 'range'; low: number | null; high: number | null }
  | { kind: 'levels'; levels: readonly string[] }
  | { kind: 'none' };
export type Brushes = ReadonlyMap<string, Brush>;

const SEPARATOR = '~';
/** What ends exactly between two levels takes neither of them by a rounding. */
const EDGE = 1e-6;

/** What a drag from one share to another means; null where it chooses everything. */
export function brushOf(column: Column, scale: Scale, from: number, to: number): Brush | null {
  const [low, high] = [Math.max(0, Math.min(from, to)), Math.min(1, Math.max(from, to))];
  if (scale.kind === 'levels') {
    const [first, last] = [valueAt(scale, low + EDGE), valueAt(scale, high - EDGE)];
    if (first === 0 && last === scale.high - 1) return null;
    return { kind: 'levels', levels: column.levels.slice(first, last + 1).map((level) => level.text) };
  }
  const end = (share: number, open: boolean) => (open ? null : rounded(scale, valueAt(scale, share)));
  const range = { kind: 'range' as const, low: end(low, low <= 0), high: end(high, high >= 1) };
  return range.low === null && range.high === null ? null : range;
}

/** The parts of an axis that a brush covers, as shares from low to high. */
export function segments(column: Column, scale: Scale, brush: Brush | undefined): [number, number][] {
  if (!brush || brush.kind === 'none') return [];
  if (brush.kind === 'range') {
    if (scale.kind === 'levels') return [];
    const share = (value: number | null, open: number) => {
      const at = value === null ? open : place(scale, value);
      return Number.isNaN(at) ? open : Math.min(1, Math.max(0, at));
    };
    return [[share(brush.low, 0), share(brush.high, 1)]];
  }
  const found: [number, number][] = [];
  column.levels.forEach((level, at) => {
    if (!brush.levels.includes(level.text)) return;
    const [low, high] = [at / scale.high, (at + 1) / scale.high];
    const before = found.at(-1);
    if (before && Math.abs(before[1] - low) < 1e-9) before[1] = high;
    else found.push([low, high]);
  });
  return found;
}

function passes(column: Column, brush: Brush): (run: number) => boolean {
  const { values } = column;
  if (brush.kind === 'none') return (run) => Number.isNaN(values[run] ?? Number.NaN);
  if (brush.kind === 'levels') {
    const chosen = column.levels.map((level) => brush.levels.includes(level.text));
    return (run) => chosen[values[run] ?? -1] ?? false;
  }
  const [low, high] = [brush.low ?? Number.NEGATIVE_INFINITY, brush.high ?? Number.POSITIVE_INFINITY];
  return (run) => (values[run] ?? Number.NaN) >= low && (values[run] ?? Number.NaN) <= high;
}

/** The runs that every brush leaves, as places in the table. */
export function chosenRuns(table: Table, brushes: Brushes): Int32Array {
  const tests: ((run: number) => boolean)[] = [];
  for (const [key, brush] of brushes) {
    const column = table.columns.get(key);
    if (column) tests.push(passes(column, brush));
  }
  const found = new Int32Array(table.ids.length);
  let count = 0;
  for (let run = 0; run < table.ids.length; run++) if (tests.every((test) => test(run))) found[count++] = run;
  return found.subarray(0, count);
}

/** The same choice as a query over the runs of another; null where the language cannot say it. */
export function queryOfBrushes(base: string, table: Table, brushes: Brushes): string | null {
  const said = base.trim() ? [`(${base.trim()})`] : [];
  for (const [key, brush] of brushes) {
    const column = table.columns.get(key);
    if (!column) continue;
    const one = conditions(column, brush);
    if (one === null) return null;
    said.push(...one);
  }
  return said.join(' and ');
}

function conditions(column: Column, brush: Brush): string[] | null {
  const { term } = column;
  // A query takes NaN for something that is there.
  if (brush.kind === 'none') return column.odd.size > 0 ? null : [`${term} is None`];
  if (brush.kind === 'range')
    return [
      ...(brush.low === null ? [] : [`${term} >= ${brush.low}`]),
      ...(brush.high === null ? [] : [`${term} <= ${brush.high}`]),
    ];
  const literals = column.levels
    .filter((level) => brush.levels.includes(level.text))
    .map((level) => level.literal);
  if (literals.length === 0 || literals.includes(null)) return null;
  if (literals.length === 1) return [`${term} == ${literals[0]}`];
  if (literals.every((literal) => !literal?.startsWith('['))) return [`${term} in [${literals.join(', ')}]`];
  return [`(${literals.map((literal) => `${term} == ${literal}`).join(' or ')})`];
}

/** A brush in words, for its chip: `1e−4 to 0.01`, `adam, sgd`, `none`. */
export function brushText(key: string, brush: Brush): string {
  if (brush.kind === 'none') return 'none';
  if (brush.kind === 'levels') return brush.levels.join(', ');
  const [low, high] = [brush.low, brush.high].map((end) => (end === null ? null : endText(key, end)));
  if (low === null) return `up to ${high}`;
  return high === null ? `from ${low}` : `${low} to ${high}`;
}

/** An end was rounded as it was chosen, so it is said as short as it is. */
function endText(key: string, end: number): string {
  return key === 'created' || key === 'duration_s' ? valueText(key, end) : tick(end);
}

/** `params.lr~1e-4..0.01~params.net~=unet|segresnet`. What separates is escaped in what is separated. */
export function writeBrushes(brushes: Brushes): string | null {
  const parts: string[] = [];
  for (const [key, brush] of brushes) {
    parts.push(quoted(key));
    if (brush.kind === 'none') parts.push('none');
    else if (brush.kind === 'levels') parts.push(`=${brush.levels.map(quoted).join('|')}`);
    else parts.push(`${brush.low ?? ''}..${brush.high ?? ''}`);
  }
  return parts.join(SEPARATOR) || null;
}

export function readBrushes(text: string | undefined): Map<string, Brush> {
  const found = new Map<string, Brush>();
  const parts = (text ?? '').split(SEPARATOR);
  for (let at = 0; at + 1 < parts.length; at += 2) {
    const brush = readBrush(parts[at + 1] ?? '');
    if (brush) found.set(unquoted(parts[at] ?? ''), brush);
  }
  return found;
}

function readBrush(text: string): Brush | null {
  if (text === 'none') return { kind: 'none' };
  if (text.startsWith('=')) return { kind: 'levels', levels: text.slice(1).split('|').map(unquoted) };
  const [low, high, ...rest] = text.split('..').map((end) => (end === '' ? null : Number(end)));
  if (low === undefined || high === undefined || rest.length > 0) return null;
  if (Number.isNaN(low ?? 0) || Number.isNaN(high ?? 0) || (low === null && high === null)) return null;
  return { kind: 'range', low, high };
}

/** Names can hold anything, so the signs that part them are written as percent and number. */
export function quoted(text: string): string {
  return text.replace(/[%~|]/g, (sign) => `%${sign.charCodeAt(0).toString(16)}`);
}

export function unquoted(text: string): string {
  return text.replace(/%(25|7e|7c)/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)));
}
