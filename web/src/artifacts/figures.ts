/** A figure of the metadata over the versions: which one is looked at first, and where its points stand. */

export interface FigurePoint {
  version: number;
  value: number;
  x: number;
  y: number;
}

/** What a person asks for first: how good it is, not how long it took. */
const FIRST = [/dice/i, /score|iou|nsd|auc|acc|f1|sens|prec|recall/i, /hd95|assd|loss|err/i];

export function chiefFigure(names: readonly string[]): string | null {
  for (const wanted of FIRST) {
    const found = names.find((name) => wanted.test(name));
    if (found) return found;
  }
  return names[0] ?? null;
}

/** The points of a chart of width × height, oldest first; versions without the figure are left out. */
export function figurePoints(
  values: readonly { version: number; value: number | null }[],
  width: number,
  height: number,
  margin: number,
): FigurePoint[] {
  const known = values
    .filter((one): one is { version: number; value: number } => one.value !== null)
    .sort((a, b) => a.version - b.version);
  const [low, high] = extent(known.map((one) => one.value));
  const first = known[0]?.version ?? 0;
  const span = (known.at(-1)?.version ?? 0) - first;
  return known.map(({ version, value }) => ({
    version,
    value,
    x: span ? margin + ((version - first) / span) * (width - 2 * margin) : width / 2,
    y: high > low ? height - margin - ((value - low) / (high - low)) * (height - 2 * margin) : height / 2,
  }));
}

export function extent(values: readonly number[]): [number, number] {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

/** The point nearest to a place from left to right. */
export function nearestPoint(points: readonly FigurePoint[], x: number): FigurePoint | null {
  let best: FigurePoint | null = null;
  for (const point of points) if (best === null || Math.abs(point.x - x) < Math.abs(best.x - x)) best = point;
  return best;
}
