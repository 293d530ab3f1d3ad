/** Both plots as drawings of their own, written without a page: vectors that a journal takes. */
import type { Colours, Ground } from './colours';
import { type Axis, type Frame, heightAt, opacity } from './parallel';
import { place, type Scale, ticks } from './scale';
import { type Box, type Points, xAt, yAt } from './scatter';
import { type Column, tickText, valueText } from './table';

const LEGEND = 34;
const HEADS = 40;

/** What the colours of a drawing mean. */
export interface Key {
  column: Column;
  scale: Scale;
  colours: Colours;
}

export function parallelSvg(
  axes: readonly Axis[],
  frame: Frame,
  runs: { every: ArrayLike<number>; chosen: ArrayLike<number> },
  colours: Colours,
  key: Key | null,
  parts: ReadonlyMap<string, readonly [number, number][]>,
  ground: Ground,
): string {
  const line = (run: number, colour: string, opaque: number) =>
    `<path d="${axes.map((axis, at) => `${at ? 'L' : 'M'}${short(axis.x)} ${short(axis.y[run] ?? 0)}`).join('')}" stroke="${colour}" stroke-opacity="${opaque.toFixed(2)}"/>`;
  const narrowed = runs.chosen.length < runs.every.length;
  const faint = Array.from(narrowed ? runs.every : [], (run) =>
    line(run, ground.faint, opacity(runs.every.length) * 0.35),
  );
  const plain = Array.from(runs.chosen, (run) =>
    line(run, colours.palette[colours.of[run] ?? 0] ?? '', opacity(runs.chosen.length)),
  );
  const marks = axes.flatMap((axis) => [
    `<path d="M${short(axis.x)} ${frame.top}V${frame.bottom}" stroke="${ground.line}"/>`,
    text(axis.x, -8, axis.column.title, 'middle', ground.text, 'font-weight="600"'),
    ...ticks(axis.scale, axis.scale.kind === 'levels' ? 16 : 6).map((value) => {
      const y = heightAt(frame, axis.flipped, place(axis.scale, value));
      return `<path d="M${short(axis.x - 4)} ${short(y)}h4" stroke="${ground.line}"/>${halo(axis.x - 7, y + 4, cut(tickText(axis.column, value), 24), 'end', ground)}`;
    }),
    ...(axis.column.missing > 0 ? [halo(axis.x, frame.none + 4, 'none', 'middle', ground)] : []),
    ...(parts.get(axis.column.key) ?? []).map(([low, high]) => {
      const [a, b] = [heightAt(frame, axis.flipped, low), heightAt(frame, axis.flipped, high)];
      return `<rect x="${short(axis.x - 8)}" y="${short(Math.min(a, b))}" width="16" height="${short(Math.abs(a - b))}" fill="${ground.accent}" fill-opacity="0.22" stroke="${ground.accent}"/>`;
    }),
  ]);
  const body = `<g transform="translate(0 ${HEADS})"><g fill="none" stroke-width="1.25" stroke-linejoin="round">${faint.join('')}${plain.join('')}</g>${marks.join('')}</g>`;
  return drawing(
    frame.width,
    frame.height + HEADS + LEGEND,
    body + legend(key, frame.height + HEADS, ground),
    ground,
  );
}

export function scatterSvg(
  box: Box,
  points: Points,
  [x, y]: readonly [Column, Column],
  [scaleX, scaleY]: readonly [Scale, Scale],
  runs: { every: ArrayLike<number>; chosen: ArrayLike<number> },
  colours: Colours,
  key: Key | null,
  ground: Ground,
): string {
  const dot = (run: number, colour: string, opaque: number) => {
    const [cx, cy] = [points.x[run] ?? Number.NaN, points.y[run] ?? Number.NaN];
    if (Number.isNaN(cx) || Number.isNaN(cy)) return '';
    return `<circle cx="${short(cx)}" cy="${short(cy)}" r="${short(points.radius[run] ?? 3)}" fill="${colour}" fill-opacity="${opaque}"/>`;
  };
  const narrowed = runs.chosen.length < runs.every.length;
  const faint = Array.from(narrowed ? runs.every : [], (run) => dot(run, ground.faint, 0.22));
  const plain = Array.from(runs.chosen, (run) => dot(run, colours.palette[colours.of[run] ?? 0] ?? '', 0.75));
  const across = ticks(scaleX, scaleX.kind === 'levels' ? 16 : Math.max(2, Math.floor(box.width / 90)));
  const marks = [
    ...across.map((value) => {
      const at = xAt(box, place(scaleX, value));
      return `<path d="M${short(at)} ${box.top}V${box.bottom}" stroke="${ground.line}" stroke-opacity="0.5"/>${text(at, box.bottom + 16, cut(tickText(x, value), 16), 'middle', ground.soft)}`;
    }),
    ...ticks(scaleY, 6).map((value) => {
      const at = yAt(box, place(scaleY, value));
      return `<path d="M${box.left} ${short(at)}H${box.right}" stroke="${ground.line}" stroke-opacity="0.5"/>${text(box.left - 8, at + 4, tickText(y, value), 'end', ground.soft)}`;
    }),
    text((box.left + box.right) / 2, box.height - 8, x.title, 'middle', ground.text),
    `<g transform="translate(13 ${(box.top + box.bottom) / 2}) rotate(-90)">${text(0, 0, y.title, 'middle', ground.text)}</g>`,
  ];
  const body = marks.join('') + faint.join('') + plain.join('');
  return drawing(box.width, box.height + LEGEND, body + legend(key, box.height, ground), ground);
}

function legend(key: Key | null, top: number, ground: Ground): string {
  if (key === null) return '';
  const { column, scale, colours } = key;
  const start = text(16, top + 20, `Colour: ${cut(column.title, 40)}`, 'start', ground.soft);
  let at = 40 + 6.4 * (8 + Math.min(40, column.title.length));
  if (!colours.ordered) {
    const names = column.levels.map((level, place) => {
      const name = cut(level.text, 18);
      const mark = `<circle cx="${short(at)}" cy="${top + 16}" r="5" fill="${colours.palette[place]}"/>${text(at + 9, top + 20, name, 'start', ground.soft)}`;
      at += 28 + 6.4 * name.length;
      return mark;
    });
    return start + names.join('');
  }
  const [low, high] =
    column.kind === 'level'
      ? [column.levels[0]?.text ?? '', column.levels.at(-1)?.text ?? '']
      : [valueText(column.key, scale.low), valueText(column.key, scale.high)];
  const steps = colours.palette.slice(0, -1);
  const before = cut(low, 18);
  const left = at + 8 + 6.4 * before.length;
  const blocks = steps.map(
    (colour, i) =>
      `<rect x="${short(left + i * 4)}" y="${top + 12}" width="4.5" height="8" fill="${colour}"/>`,
  );
  return `${start}${text(at, top + 20, before, 'start', ground.soft)}${blocks.join('')}${text(left + steps.length * 4 + 8, top + 20, cut(high, 18), 'start', ground.soft)}`;
}

function drawing(width: number, height: number, body: string, ground: Ground): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="${escaped(ground.font)}" font-size="11"><rect width="100%" height="100%" fill="${ground.raised}"/>${body}</svg>`;
}

function text(x: number, y: number, said: string, anchor: string, fill: string, more = ''): string {
  return `<text x="${short(x)}" y="${short(y)}" text-anchor="${anchor}" fill="${fill}" ${more}>${escaped(said)}</text>`;
}

function halo(x: number, y: number, said: string, anchor: string, ground: Ground): string {
  const around = `stroke="${ground.raised}" stroke-width="4" stroke-linejoin="round" paint-order="stroke"`;
  return text(x, y, said, anchor, ground.soft, around);
}

/** Texts come from anybody's params, so none of their signs may become one of the drawing's. XML knows no control characters. */
export function escaped(said: string): string {
  return said
    .replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd');
}

const short = (value: number) => String(Math.round(value * 10) / 10);
const cut = (said: string, most: number) => (said.length > most ? `${said.slice(0, most - 1)}…` : said);
