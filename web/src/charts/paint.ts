/** Lines and bands onto a canvas. What is told of a line's shape here is told of it in an exported file, too. */
import { colourOf, STROKES, type Theme } from './colours';
import { firstFrom, nearest, type Values } from './curves';
import { across, type Frame, leaving, toX, toY, up } from './frame';
import type { Band, Line, Picture } from './picture';

/** What can be drawn with: a canvas, or the text of an SVG path. */
export interface Pen {
  moveTo(x: number, y: number): void;
  lineTo(x: number, y: number): void;
  /** A point without neighbours, of which no line could be seen. */
  dot(x: number, y: number): void;
}

/** Leads a pen along the part of a line that is in sight, and once beyond on each side. */
export function lead(pen: Pen, x: readonly number[], values: Values, frame: Frame, every = 1): void {
  const from = Math.max(0, firstFrom(x, frame.x[0]) - 1);
  const to = Math.min(x.length, firstFrom(x, frame.x[1]) + 1);
  const [toPx, toPy] = [across(frame), up(frame)];
  const { logX, logY } = frame;
  let run = 0;
  let px = 0;
  let py = 0;
  for (let i = from; i < to; i += every) {
    const at = x[i] ?? 0;
    const value = values[i];
    if (typeof value !== 'number' || (logY && value <= 0) || (logX && at <= 0)) {
      if (run === 1) pen.dot(px, py);
      run = 0;
      continue;
    }
    // What lies far outside is as good as just outside, and some canvases give up on it.
    px = Math.min(Math.max(toPx(at), -1e5), 1e5);
    py = Math.min(Math.max(toPy(value), -1e5), 1e5);
    if (run === 0) pen.moveTo(px, py);
    else pen.lineTo(px, py);
    run++;
  }
  if (run === 1) pen.dot(px, py);
}

/** The outline of a band, in pieces where it has gaps: along its upper edge and back along the lower one. */
export function outlines(band: Band, frame: Frame): [number, number][][] {
  const found: [number, number][][] = [];
  let upper: [number, number][] = [];
  let lower: [number, number][] = [];
  const close = () => {
    if (upper.length > 1) found.push([...upper, ...lower.reverse()]);
    [upper, lower] = [[], []];
  };
  band.x.forEach((at, i) => {
    const [low, high] = [band.low[i], band.high[i]];
    const missing = typeof low !== 'number' || typeof high !== 'number';
    if (missing || (frame.logY && high <= 0) || (frame.logX && at <= 0)) {
      close();
      return;
    }
    const px = toX(frame, at);
    upper.push([px, toY(frame, high)]);
    // On a logarithmic axis what reaches below zero reaches out of sight.
    lower.push([px, frame.logY && low <= 0 ? frame.top + frame.height : toY(frame, low)]);
  });
  close();
  return found;
}

/** So many lines are hairlines: they are told apart better, and drawn ten times as fast. */
const MANY = 12;

export interface Look {
  width: number;
  alpha: number;
}

/** How a line looks: many thin ones are fainter than few. */
export function lookOf(line: Line, lines: number, strong: boolean): Look {
  if (strong) return { width: 3, alpha: 1 };
  if (line.weight === 'thin')
    return { width: 1, alpha: Math.max(0.1, (line.hue === null ? 1 : 0.7) / Math.max(2, Math.sqrt(lines))) };
  return { width: lines > MANY ? 1 : 2, alpha: 1 };
}

/** How faint what was logged is behind smoothed lines: many of them together must not hide these. */
export function behind(lines: number): number {
  return Math.max(0.03, 0.25 / Math.sqrt(lines));
}

/** Draws all lines and bands; a draft leaves out what is behind smoothed lines, and is quick. */
export function paint(
  context: CanvasRenderingContext2D,
  picture: Picture,
  frame: Frame,
  theme: Theme,
  strong: readonly string[],
  draft = false,
): void {
  context.save();
  context.beginPath();
  context.rect(frame.left, frame.top, frame.width, frame.height);
  context.clip();
  context.lineJoin = 'bevel';
  for (const band of picture.bands) {
    context.globalAlpha = 0.16;
    context.fillStyle = colourOf(theme, band.hue);
    for (const outline of outlines(band, frame)) {
      context.beginPath();
      for (const [x, y] of outline) context.lineTo(x, y);
      context.fill();
    }
  }
  for (const line of picture.lines)
    if (line.raw && !draft)
      stroke(context, line, line.raw, frame, theme, { width: 1, alpha: behind(picture.lines.length) });
  const later = picture.lines.filter((line) => strong.includes(line.key));
  for (const line of [...picture.lines.filter((one) => !strong.includes(one.key)), ...later])
    stroke(
      context,
      line,
      line.values,
      frame,
      theme,
      draft ? { width: 1, alpha: 1 } : lookOf(line, picture.lines.length, strong.includes(line.key)),
      // A smoothed line is the same with half its points.
      draft && line.raw ? 2 : 1,
    );
  crosses(context, picture.lines, frame, theme);
  context.restore();
  arrows(context, picture.lines, frame, theme);
}

function stroke(
  context: CanvasRenderingContext2D,
  line: Line,
  values: Values,
  frame: Frame,
  theme: Theme,
  look: Look,
  every = 1,
): void {
  const dots: [number, number][] = [];
  const colour = colourOf(theme, line.hue);
  context.globalAlpha = look.alpha;
  context.strokeStyle = colour;
  context.lineWidth = look.width;
  context.setLineDash([...(STROKES[line.stroke % STROKES.length] ?? [])]);
  context.beginPath();
  lead(
    {
      moveTo: (x, y) => context.moveTo(x, y),
      lineTo: (x, y) => context.lineTo(x, y),
      dot: (x, y) => dots.push([x, y]),
    },
    line.x,
    values,
    frame,
    every,
  );
  context.stroke();
  context.setLineDash([]);
  context.fillStyle = colour;
  for (const [x, y] of dots) disc(context, x, y, 2.5);
}

/** A cross at the edge where a value was no number: below for NaN and −∞, above for ∞. */
function crosses(
  context: CanvasRenderingContext2D,
  lines: readonly Line[],
  frame: Frame,
  theme: Theme,
): void {
  context.globalAlpha = 1;
  context.lineWidth = 1.5;
  for (const line of lines) {
    context.strokeStyle = colourOf(theme, line.hue);
    context.beginPath();
    for (const { x, kind } of line.marks) {
      if (x < frame.x[0] || x > frame.x[1]) continue;
      const px = toX(frame, x);
      const py = kind === 'Infinity' ? frame.top + 5 : frame.top + frame.height - 5;
      context.moveTo(px - 3, py - 3);
      context.lineTo(px + 3, py + 3);
      context.moveTo(px + 3, py - 3);
      context.lineTo(px - 3, py + 3);
    }
    context.stroke();
  }
}

/** A triangle at the edge over which a line leaves what y shows. */
function arrows(context: CanvasRenderingContext2D, lines: readonly Line[], frame: Frame, theme: Theme): void {
  context.fillStyle = theme.warn;
  for (const { px, up: above } of leaving(lines, frame).marks) {
    const [edge, inward] = above ? [frame.top, 5] : [frame.top + frame.height, -5];
    context.beginPath();
    context.moveTo(px, edge);
    context.lineTo(px - 3.5, edge + inward);
    context.lineTo(px + 3.5, edge + inward);
    context.fill();
  }
}

/** What follows the pointer: the line that is meant above the others, the places, and a dot on each line there. */
export function paintOver(
  context: CanvasRenderingContext2D,
  picture: Picture,
  frame: Frame,
  theme: Theme,
  over: { x: number | null; pins: readonly number[]; line: string | null; dim: boolean },
): void {
  const meant = over.line === null ? undefined : picture.lines.find((line) => line.key === over.line);
  if (meant && picture.lines.length > 1) {
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top, frame.width, frame.height);
    context.clip();
    if (over.dim) {
      context.globalAlpha = 0.6;
      context.fillStyle = theme.ground;
      context.fillRect(frame.left, frame.top, frame.width, frame.height);
    }
    stroke(context, meant, meant.values, frame, theme, { width: 3, alpha: 1 });
    context.restore();
  }
  context.globalAlpha = 1;
  context.lineWidth = 1;
  over.pins.forEach((pin, i) => {
    if (pin < frame.x[0] || pin > frame.x[1]) return;
    const px = Math.round(toX(frame, pin)) + 0.5;
    context.strokeStyle = theme.soft;
    context.setLineDash([4, 3]);
    vertical(context, frame, px);
    context.setLineDash([]);
    context.fillStyle = theme.soft;
    context.fillRect(px - 7, frame.top, 14, 14);
    context.fillStyle = theme.ground;
    context.font = '600 10px sans-serif';
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    context.fillText('AB'[i] ?? '', px, frame.top + 7.5);
  });
  if (over.x === null || over.x < frame.x[0] || over.x > frame.x[1]) return;
  context.strokeStyle = theme.strong;
  vertical(context, frame, Math.round(toX(frame, over.x)) + 0.5);
  const few = picture.lines.filter((line) => line.weight === 'heavy').length <= MOST_DOTS;
  for (const line of picture.lines) {
    if (line !== meant && (!few || line.weight === 'thin')) continue;
    const i = nearest(line.x, over.x);
    const value = i === null ? null : line.values[i];
    if (i === null || typeof value !== 'number' || (frame.logY && value <= 0)) continue;
    const [px, py] = [toX(frame, line.x[i] ?? 0), toY(frame, value)];
    if (py < frame.top || py > frame.top + frame.height || px < frame.left - 1) continue;
    context.fillStyle = colourOf(theme, line.hue);
    disc(context, px, py, 3);
  }
}

const MOST_DOTS = 12;

function vertical(context: CanvasRenderingContext2D, frame: Frame, px: number): void {
  context.beginPath();
  context.moveTo(px, frame.top);
  context.lineTo(px, frame.top + frame.height);
  context.stroke();
}

function disc(context: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}
