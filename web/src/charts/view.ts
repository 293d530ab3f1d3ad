/** How charts are looked at, as the address tells it: all charts of a page share one view. */

export type By = 'step' | 'epoch' | 'relative' | 'time' | 'metric';
export type Range = readonly [number, number];

/** Which lines are in sight: all but the named ones, or the named ones alone. */
export interface Choice {
  only: boolean;
  keys: readonly string[];
}

export interface View {
  by: By;
  /** The series that is the axis, where it is a metric. */
  metric: string | null;
  logX: boolean;
  logY: boolean;
  smoothing: number;
  /** Whether y keeps to what all but the outermost hundredth of the values take. */
  clipped: boolean;
  zoom: Range | null;
  /** What y shows in charts where a person has chosen it. */
  tall: Readonly<Record<string, Range>>;
  /** At most two places on x whose values are read out. */
  pins: readonly number[];
  choice: Choice;
  /** Lines that stand out. */
  strong: readonly string[];
  /** The chart that fills the window. */
  full: string | null;
}

/** A view along the axis that what is drawn was asked along, while what was asked for last is on its way. */
export function drawnAlong(view: View, answered: { by: By; metric?: string | null } | null): View {
  if (!answered || (answered.by === view.by && (answered.metric ?? null) === view.metric)) return view;
  return { ...view, by: answered.by, metric: answered.metric ?? null, zoom: null, pins: [] };
}

export const MOST_PINS = 2;
const AXES: Record<string, By> = { epoch: 'epoch', time: 'relative', clock: 'time' };
const METRIC = 'm:';

export function readView(query: Readonly<Record<string, string>>): View {
  const x = query.x ?? '';
  const metric = x.startsWith(METRIC) ? x.slice(METRIC.length) : null;
  const only = query.only !== undefined;
  return {
    by: metric ? 'metric' : (AXES[x] ?? 'step'),
    metric: metric || null,
    logX: query.logx === '1',
    logY: query.log === '1',
    smoothing: Math.min(0.99, Math.max(0, Number(query.smooth ?? 0) || 0)),
    clipped: query.clip === '1',
    zoom: readRange(query.zoom),
    tall: Object.fromEntries(
      readList(query.tall).flatMap((said) => {
        const [low, high, ...name] = said.split(',');
        const range = readRange(`${low},${high}`);
        return range && name.length ? [[name.join(','), range]] : [];
      }),
    ),
    pins: readList(query.pin).map(Number).filter(Number.isFinite).slice(0, MOST_PINS),
    choice: { only, keys: readList(only ? query.only : query.hide) },
    strong: readList(query.strong),
    full: query.full || null,
  };
}

/** What becomes of the address; what means something else along another axis is forgotten with it. */
export function viewChanges(changes: Partial<View>): Record<string, string | null> {
  const said: Record<string, string | null> = {};
  if (changes.by !== undefined) {
    const name = Object.entries(AXES).find(([, by]) => by === changes.by)?.[0];
    said.x = changes.by === 'metric' ? METRIC + (changes.metric ?? '') : (name ?? null);
    said.zoom = null;
    said.pin = null;
  }
  if (changes.logX !== undefined) said.logx = changes.logX ? '1' : null;
  if (changes.logY !== undefined) said.log = changes.logY ? '1' : null;
  if (changes.smoothing !== undefined) said.smooth = changes.smoothing ? String(changes.smoothing) : null;
  if (changes.clipped !== undefined) said.clip = changes.clipped ? '1' : null;
  if (changes.zoom !== undefined) said.zoom = changes.zoom?.map(brief).join(',') ?? null;
  if (changes.tall !== undefined)
    said.tall = writeList(
      Object.entries(changes.tall).map(([name, [low, high]]) => `${brief(low)},${brief(high)},${name}`),
    );
  if (changes.pins !== undefined) said.pin = writeList(changes.pins.map(brief));
  if (changes.choice !== undefined) {
    const { only, keys } = changes.choice;
    said.only = only ? writeList(keys) : null;
    said.hide = only ? null : writeList(keys);
  }
  if (changes.strong !== undefined) said.strong = writeList(changes.strong);
  if (changes.full !== undefined) said.full = changes.full;
  return said;
}

export function isShown(choice: Choice, key: string): boolean {
  return choice.keys.includes(key) === choice.only;
}

/** Hides a line that is in sight, and shows one that is not; the last one left brings all back. */
export function toggled(choice: Choice, key: string): Choice {
  const keys = choice.keys.includes(key) ? choice.keys.filter((one) => one !== key) : [...choice.keys, key];
  return keys.length ? { only: choice.only, keys } : { only: false, keys };
}

/** Shows a line alone, or all again where it already is. */
export function alone(choice: Choice, key: string): Choice {
  const already = choice.only && choice.keys.length === 1 && choice.keys[0] === key;
  return already ? { only: false, keys: [] } : { only: true, keys: [key] };
}

/** A new pin; on one that is there it takes that away, and a third replaces the second. */
export function pinned(pins: readonly number[], at: number, near: number): number[] {
  const others = pins.filter((pin) => Math.abs(pin - at) > near);
  if (others.length < pins.length) return others;
  return [...pins.slice(0, MOST_PINS - 1), at];
}

/** Several texts as one; names may hold anything. */
export function writeList(texts: readonly string[]): string | null {
  return texts.map((text) => text.replaceAll('%', '%25').replaceAll('~', '%7E')).join('~') || null;
}

export function readList(text: string | undefined): string[] {
  if (!text) return [];
  return text
    .split('~')
    .filter(Boolean)
    .map((one) => one.replaceAll('%7E', '~').replaceAll('%25', '%'));
}

function readRange(text: string | undefined): Range | null {
  const [low, high, ...rest] = (text ?? '').split(',').map((one) => (one === '' ? Number.NaN : Number(one)));
  if (low === undefined || high === undefined || rest.length) return null;
  return Number.isFinite(low) && Number.isFinite(high) && low < high ? [low, high] : null;
}

function brief(value: number): string {
  return String(Number(value.toPrecision(13)));
}
