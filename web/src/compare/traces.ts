/** Curves of several runs, each with what tells it from others: colour, stroke, and the chart that it is in. */
import { contextLabel } from '../charts/curves';
import type { Trace } from '../charts/picture';
import type { Curve, Curves, RunRow } from '../lib/api/types';
import { type Colours, say } from './groups';

const CONTEXT = 'context.';

/** What a key such as `run`, `params.lr` or `context.case` says of a curve; null where the curve has no such context. */
export function toldBy(
  key: string,
  curve: Curve,
  run: RunRow,
  cell: (run: RunRow, key: string) => unknown,
): string | null {
  if (key === 'run') return run.name;
  if (!key.startsWith(CONTEXT)) return say(cell(run, key));
  const value = curve.context[key.slice(CONTEXT.length)];
  return value === undefined ? null : String(value);
}

export interface Told {
  curve: Curve;
  run: RunRow;
  colour: string;
  stroke: string | null;
  facet: string | null;
}

/** The curves that are shown. One that stands for its run hides those of single cases, unless these are what is asked about. */
export function told(
  curves: readonly Curve[],
  keys: { colour: string; stroke: string | null; facet: string | null },
  plain: boolean,
  runs: ReadonlyMap<string, RunRow>,
  cell: (run: RunRow, key: string) => unknown,
): Told[] {
  const contexts = [keys.colour, keys.stroke, keys.facet].some((key) => key?.startsWith(CONTEXT));
  return curves.flatMap((curve) => {
    const run = runs.get(curve.run_id);
    if (!run || (plain && !contexts && Object.keys(curve.context).length > 0)) return [];
    const said = (key: string | null) => (key === null ? '' : toldBy(key, curve, run, cell));
    const [colour, stroke, facet] = [said(keys.colour), said(keys.stroke), said(keys.facet)];
    if (colour === null || stroke === null || facet === null) return [];
    return [
      {
        curve,
        run,
        colour,
        stroke: keys.stroke === null ? null : stroke,
        facet: keys.facet === null ? null : facet,
      },
    ];
  });
}

export function traces(
  all: readonly Told[],
  detail: Curves | null,
  colours: Colours,
  strokes: ReadonlyMap<string, number>,
  byRun: boolean,
): Trace[] {
  const fine = new Map((detail?.curves ?? []).map((curve) => [curve.id, curve]));
  return all.map(({ curve, run, colour, stroke }) => {
    const context = contextLabel(curve.context);
    const own = [run.name, context].filter(Boolean).join(' · ');
    const group = [colour, stroke].filter((one) => one !== null && one !== '').join(' · ');
    return {
      curve,
      detail: fine.get(curve.id) ?? null,
      key: `${run.id.slice(0, 8)}${context && ` ${context}`}`,
      label: byRun || group === own ? own : [group, own].filter(Boolean).join(' · '),
      // Two runs of one name are still two, unless they are asked to be one.
      group: byRun && stroke === null ? (context ? run.name : own) : group,
      hue: colours.hues.get(colour) ?? null,
      stroke: stroke === null ? (colours.strokes.get(colour) ?? 0) : (strokes.get(stroke) ?? 0),
    };
  });
}
