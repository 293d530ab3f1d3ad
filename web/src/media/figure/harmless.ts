/** A plotly figure that somebody logged, without what would reach out of the page. */

export interface Plotly {
  data: Record<string, unknown>[];
  layout: Record<string, unknown>;
}

export interface Harmless {
  figure: Plotly;
  /** What was left out, in words. */
  without: string[];
}

/** Traces that fetch maps or outlines from other servers. */
const MAPS = /^(scattergeo|choropleth.*|scattermap.*|densitymap.*)$/;
/** Parts of a layout with addresses that plotly would load, or lead to. */
const PICTURES = 'images';
const INSIDE = /^data:image\/(png|jpe?g|gif|webp);base64,/i;
const DEEPEST = 40;

/** The figure with plain traces and a plain layout; null where it is none. */
export function harmless(given: unknown): Harmless | null {
  if (!isObject(given) || !Array.isArray(given.data)) return null;
  const without: string[] = [];
  const traces = given.data.filter(isObject);
  const kept = traces.filter((trace) => !MAPS.test(String(trace.type ?? '')));
  if (kept.length < traces.length) without.push('maps, which are drawn with what other servers hold');
  let pictures = 0;
  const clean = (value: unknown, deep: number): unknown => {
    if (deep > DEEPEST) return null;
    if (Array.isArray(value)) return plain(value) ? value : value.map((one) => clean(one, deep + 1));
    if (!isObject(value)) return value;
    const found: Record<string, unknown> = {};
    for (const [key, inner] of Object.entries(value)) {
      if (key === '__proto__' || key === 'constructor') continue;
      if (key === PICTURES && Array.isArray(inner)) {
        const inside = inner.filter((one) => isObject(one) && INSIDE.test(String(one.source ?? '')));
        pictures += inner.length - inside.length;
        found[key] = inside;
      } else if (key === 'source' && typeof inner === 'string' && !INSIDE.test(inner)) {
        pictures++;
      } else if (key !== 'uirevision') found[key] = clean(inner, deep + 1);
    }
    return found;
  };
  const data = kept.map((trace) => clean(trace, 0) as Record<string, unknown>);
  const layout = isObject(given.layout) ? (clean(given.layout, 0) as Record<string, unknown>) : {};
  for (const key of ['geo', 'mapbox', 'map']) delete layout[key];
  if (pictures) without.push(`${pictures} ${pictures === 1 ? 'picture' : 'pictures'} from elsewhere`);
  return { figure: { data, layout }, without };
}

export interface Look {
  ground: string;
  text: string;
  line: string;
  series: string[];
}

/** A layout in the page's colours, where it does not say its own. */
export function themed(layout: Record<string, unknown>, look: Look): Record<string, unknown> {
  const axis = { gridcolor: look.line, zerolinecolor: look.line, linecolor: look.line };
  return {
    ...layout,
    template: {
      layout: {
        paper_bgcolor: look.ground,
        plot_bgcolor: look.ground,
        font: { color: look.text },
        colorway: look.series,
        xaxis: { ...axis, automargin: true },
        yaxis: { ...axis, automargin: true },
        legend: { bgcolor: 'rgba(0,0,0,0)' },
      },
    },
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether a list holds nothing that could hold something: a million numbers are not walked through. */
function plain(list: readonly unknown[]): boolean {
  return typeof list[0] === 'number' && list.every((one) => typeof one !== 'object' || one === null);
}
