/** A chart as an SVG file: vectors, generic fonts, a light ground, with the title, the axes and who is who. */
import { number } from '../lib/format';
import { colourOf, STROKES, type Theme } from './colours';
import { type Frame, leaving, toX, toY } from './frame';
import { behind, lead, lookOf, outlines } from './paint';
import type { Line, Picture } from './picture';
import type { Tick } from './ticks';

export interface Sheet {
  title: string;
  xLabel: string;
  picture: Picture;
  frame: Omit<Frame, 'left' | 'top' | 'width' | 'height'>;
  xTicks: readonly Tick[];
  yTicks: readonly Tick[];
  theme: Theme;
  strong: readonly string[];
  /** What the lines and bands are, in words, and what is not in sight. */
  notes: readonly string[];
}

export const WIDTH = 800;
const PLOT = { left: 64, top: 40, width: WIDTH - 64 - 20, height: 360 };
const ROW = 16;
/** A file that names more is a list, not a legend. */
const MOST_NAMED = 40;
const FONT = 'font-family="Helvetica, Arial, sans-serif"';

export function toSvg(sheet: Sheet): string {
  const { picture, theme } = sheet;
  const frame: Frame = { ...sheet.frame, ...PLOT };
  const heavy = picture.lines.filter((line) => line.weight === 'heavy');
  const named = heavy.slice(0, MOST_NAMED);
  const columns = named.some((line) => line.label.length > 34) ? 2 : 3;
  const rows = Math.ceil(named.length / columns);
  const notes = [
    ...sheet.notes,
    ...(heavy.length > named.length ? [`and ${heavy.length - named.length} more lines`] : []),
  ];
  const below = PLOT.top + PLOT.height + 58;
  const height = below + rows * ROW + notes.length * ROW + 4;
  const text = (x: number, y: number, said: string, more = '') =>
    `<text x="${round(x)}" y="${round(y)}" ${more}>${escaped(said)}</text>`;
  const parts = [
    `<rect width="${WIDTH}" height="${height}" fill="${theme.ground}"/>`,
    text(PLOT.left, 24, sheet.title, `font-size="15" font-weight="600" fill="${theme.text}"`),
    '<g class="grid">',
    ...sheet.xTicks.map((one) => rule(frame, toX(frame, one.at), true, theme.grid)),
    ...sheet.yTicks.map((one) => rule(frame, toY(frame, one.at), false, theme.grid)),
    '</g>',
    `<g class="axes" font-size="11" fill="${theme.soft}">`,
    ...sheet.xTicks.map((one) =>
      text(toX(frame, one.at), PLOT.top + PLOT.height + 16, one.label, 'text-anchor="middle"'),
    ),
    ...sheet.yTicks.map((one) => text(PLOT.left - 8, toY(frame, one.at) + 4, one.label, 'text-anchor="end"')),
    text(PLOT.left + PLOT.width / 2, PLOT.top + PLOT.height + 34, sheet.xLabel, 'text-anchor="middle"'),
    '</g>',
    `<clipPath id="plot"><rect x="${PLOT.left}" y="${PLOT.top}" width="${PLOT.width}" height="${PLOT.height}"/></clipPath>`,
    '<g clip-path="url(#plot)" fill="none" stroke-linejoin="round">',
    ...picture.bands.flatMap((band) =>
      outlines(band, frame).map(
        (outline) =>
          `<path d="M${outline.map(([x, y]) => `${round(x)} ${round(y)}`).join('L')}Z" fill="${colourOf(theme, band.hue)}" fill-opacity="0.16"/>`,
      ),
    ),
    ...picture.lines.flatMap((line) =>
      line.raw ? curve(line, line.raw, frame, theme, 1, behind(picture.lines.length)) : [],
    ),
    ...picture.lines.flatMap((line) => {
      const look = lookOf(line, picture.lines.length, sheet.strong.includes(line.key));
      return curve(line, line.values, frame, theme, look.width, look.alpha);
    }),
    ...picture.lines.flatMap((line) =>
      line.marks
        .filter(({ x }) => x >= frame.x[0] && x <= frame.x[1])
        .map(({ x, kind }) =>
          cross(
            toX(frame, x),
            kind === 'Infinity' ? PLOT.top + 5 : PLOT.top + PLOT.height - 5,
            colourOf(theme, line.hue),
          ),
        ),
    ),
    '</g>',
    ...leaving(picture.lines, frame).marks.map(({ px, up }) => {
      const [edge, inward] = up ? [PLOT.top, 5] : [PLOT.top + PLOT.height, -5];
      return `<path d="M${round(px)} ${edge}l-3.5 ${inward}h7z" fill="${theme.warn}"/>`;
    }),
    `<rect x="${PLOT.left}" y="${PLOT.top}" width="${PLOT.width}" height="${PLOT.height}" fill="none" stroke="${theme.strong}"/>`,
    `<g class="legend" font-size="11" fill="${theme.text}">`,
    ...named.flatMap((line, i) => {
      const x = PLOT.left + (i % columns) * (PLOT.width / columns);
      const y = below + Math.floor(i / columns) * ROW;
      return [
        `<path d="M${round(x)} ${y - 4}h22" stroke="${colourOf(theme, line.hue)}" stroke-width="2"${dashed(line)}/>`,
        text(x + 28, y, cut(`${line.label}${last(line)}`, columns === 3 ? 40 : 62)),
      ];
    }),
    ...notes.map((note, i) => text(PLOT.left, below + (rows + i) * ROW, note, `fill="${theme.soft}"`)),
    '</g>',
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" ${FONT}>\n${parts.join('\n')}\n</svg>\n`;
}

function curve(
  line: Line,
  values: Line['values'],
  frame: Frame,
  theme: Theme,
  width: number,
  alpha: number,
): string[] {
  let d = '';
  const dots: string[] = [];
  const colour = colourOf(theme, line.hue);
  lead(
    {
      moveTo: (x, y) => (d += `M${round(x)} ${round(y)}`),
      lineTo: (x, y) => (d += `L${round(x)} ${round(y)}`),
      dot: (x, y) => dots.push(`<circle cx="${round(x)}" cy="${round(y)}" r="2.5" fill="${colour}"/>`),
    },
    line.x,
    values,
    frame,
  );
  const opacity = alpha < 1 ? ` stroke-opacity="${alpha}"` : '';
  return [
    ...(d.includes('L')
      ? [`<path d="${d}" stroke="${colour}" stroke-width="${width}"${opacity}${dashed(line)}/>`]
      : []),
    ...dots,
  ];
}

function dashed(line: Line): string {
  const dash = STROKES[line.stroke % STROKES.length] ?? [];
  return dash.length ? ` stroke-dasharray="${dash.join(' ')}"` : '';
}

function rule(frame: Frame, at: number, upright: boolean, colour: string): string {
  const d = upright
    ? `M${round(at)} ${frame.top}v${frame.height}`
    : `M${frame.left} ${round(at)}h${frame.width}`;
  return `<path d="${d}" stroke="${colour}"/>`;
}

function cross(x: number, y: number, colour: string): string {
  return `<path d="M${round(x - 3)} ${y - 3}l6 6m0 -6l-6 6" stroke="${colour}" stroke-width="1.5"/>`;
}

function last(line: Line): string {
  const value = line.values.findLast((v) => v !== null);
  return value === undefined || value === null ? '' : `  ${number(value)}`;
}

function cut(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}

/** A name may hold anything; XML may not hold control characters at all. */
function escaped(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, (one) => ('\t\n'.includes(one) ? ' ' : '�'))
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}
