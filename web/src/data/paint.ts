/** Drawing strips of marks on a canvas, in the colours of the page. */
import { tick } from '../lib/format';
import type { Range } from './cases';
import { type Mark, type Scale, type Strip, ticksOf } from './strips';

export interface Picture {
  width: number;
  height: number;
  strips: readonly Strip[];
  /** The height of a strip. */
  strip: number;
  scale: Scale;
  x: (value: number) => number;
  place: (strip: number) => (mark: Mark) => readonly [number, number];
  /** The cases that are meant; null where all are. */
  chosen: ReadonlySet<string> | null;
  open: string | null;
  at: Mark | null;
  brushed: ReadonlyMap<number, Range | undefined>;
}

const MANY = 400;

export function paint(canvas: HTMLCanvasElement, picture: Picture): void {
  const { width, height, strips, strip, x } = picture;
  const dense = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * dense);
  canvas.height = Math.round(height * dense);
  const context = canvas.getContext('2d');
  if (!context) return;
  const style = getComputedStyle(canvas);
  const colour = (role: string) => style.getPropertyValue(`--${role}`).trim();
  context.scale(dense, dense);
  const foot = strips.length * strip;
  context.font = `${colour('text-xs')} ${colour('sans')}`;
  context.textBaseline = 'top';
  let free = -1e9;
  for (const value of ticksOf(picture.scale, Math.max(2, width / 70))) {
    const px = Math.round(x(value)) + 0.5;
    context.strokeStyle = colour('grid');
    context.beginPath();
    context.moveTo(px, 0);
    context.lineTo(px, foot);
    context.stroke();
    const said = tick(value);
    const half = context.measureText(said).width / 2;
    const middle = Math.min(width - half, Math.max(half, px));
    if (middle - half < free) continue;
    free = middle + half + 6;
    context.textAlign = 'center';
    context.fillStyle = colour('text-faint');
    context.fillText(said, middle, foot + 5);
  }
  strips.forEach((one, n) => {
    const top = n * strip;
    const range = picture.brushed.get(n);
    if (range) {
      context.fillStyle = colour('bg-selected');
      context.fillRect(x(range[0]), top + 2, Math.max(2, x(range[1]) - x(range[0])), strip - 4);
      context.fillStyle = colour('accent');
      for (const end of range) context.fillRect(x(end) - 0.75, top + 2, 1.5, strip - 4);
    }
    if (one.quartiles) {
      const { low, median, high } = one.quartiles;
      context.fillStyle = colour('bg-hover');
      if (!range) context.fillRect(x(low), top + 6, Math.max(2, x(high) - x(low)), strip - 12);
      context.fillStyle = colour('text-faint');
      context.fillRect(x(median) - 0.5, top + 6, 1, strip - 12);
    }
    const size = one.marks.length > MANY ? 1.7 : 2.7;
    for (const mark of one.marks) {
      const meant = picture.chosen === null || picture.chosen.has(`${mark.row.test} ${mark.row.id}`);
      context.globalAlpha = meant ? (mark.outlier ? 1 : 0.75) : 0.16;
      context.fillStyle = colour(mark.outlier ? 'warn' : meant && picture.chosen ? 'accent' : 'curve-case');
      dot(context, picture.place(n)(mark), mark.outlier ? size + 0.8 : size);
    }
    context.globalAlpha = 1;
    for (const mark of one.marks) {
      const pointed = picture.at?.row.id === mark.row.id && picture.at.row.test === mark.row.test;
      if (!pointed && mark.row.id !== picture.open) continue;
      context.strokeStyle = colour(pointed ? 'text' : 'accent');
      context.fillStyle = colour(mark.outlier ? 'warn' : 'accent');
      context.lineWidth = 1.5;
      dot(context, picture.place(n)(mark), 4);
      context.stroke();
      context.lineWidth = 1;
    }
  });
}

function dot(context: CanvasRenderingContext2D, [px, py]: readonly [number, number], size: number): void {
  context.beginPath();
  context.arc(px, py, size, 0, 2 * Math.PI);
  context.fill();
}
