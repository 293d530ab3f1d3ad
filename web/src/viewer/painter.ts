/** Draws one plane of a volume onto a canvas: scan, labels, outlines, crosshair and what lies at the edges. */
import { type Grid, type Plane, pixelOf, spacing, type Triple, voxelAt } from './grid';
import { css, type LabelClass } from './palette';
import {
  cutLabels,
  differ,
  type Edge,
  outlines,
  paintLabels,
  paintScan,
  pixelTable,
  type Section,
  sectionSize,
} from './slice';
import type { LabelMap, Range, Scan } from './volume';

export interface LayerLook {
  visible: boolean;
  opacity: number;
  outline: boolean;
  hidden: ReadonlySet<number>;
}

export interface DrawnLayer {
  name: string;
  /** The difference has none of its own: it follows from truth and prediction. */
  map: LabelMap | null;
  classes: readonly LabelClass[];
  look: LayerLook;
}

/** Everything that decides how a plane looks. */
export interface Picture {
  scan: Scan;
  grid: Grid;
  plane: Plane;
  slice: number;
  channel: number;
  window: Range;
  inverted: boolean;
  smooth: boolean;
  layers: readonly DrawnLayer[];
  crosshair: Triple | null;
  zoom: number;
  /** The voxel, not necessarily whole, that is in the middle of the picture. */
  centre: Triple;
  rulers: readonly Ruler[];
}

/** A measured distance, in voxels of one slice. */
export interface Ruler {
  from: Triple;
  to: Triple;
  said: string;
}

/** Where the picture lies on the canvas, in its own pixels: a voxel is `across` × `down` large. */
export interface Frame {
  x: number;
  y: number;
  across: number;
  down: number;
}

export function frameOf(
  picture: Pick<Picture, 'grid' | 'plane' | 'zoom' | 'centre'>,
  width: number,
  height: number,
): Frame {
  const { grid, plane, zoom, centre } = picture;
  const sides = spacing(grid);
  const [columns, rows] = sectionSize(grid.shape, plane);
  const [mmAcross, mmDown] = [sides[plane.across.axis], sides[plane.down.axis]];
  const fit = Math.min(width / (columns * mmAcross), height / (rows * mmDown));
  const [across, down] = [fit * zoom * mmAcross, fit * zoom * mmDown];
  const [u, v] = pixelOf(grid.shape, plane, centre);
  return { x: width / 2 - (u + 0.5) * across, y: height / 2 - (v + 0.5) * down, across, down };
}

/** The voxel under a place of the canvas, not whole: `.5` is an edge. */
export function voxelUnder(picture: Picture, frame: Frame, x: number, y: number): Triple {
  const at: [number, number] = [(x - frame.x) / frame.across - 0.5, (y - frame.y) / frame.down - 0.5];
  return voxelAt(picture.grid.shape, picture.plane, at, picture.slice);
}

export interface Inks {
  crosshair: string;
  letters: string;
  ruler: string;
}

/** Keeps what it has painted while only the crosshair moves: most of what a person does moves nothing else. */
export class Painter {
  #scan = new Kept<HTMLCanvasElement>();
  #cuts = new Map<string, Kept<Section<Uint16Array> | null>>();
  #fills = new Map<string, Kept<HTMLCanvasElement | null>>();
  #edges = new Map<string, Kept<Map<number, Edge[]>>>();

  draw(context: CanvasRenderingContext2D, picture: Picture, width: number, height: number, inks: Inks): void {
    const frame = frameOf(picture, width, height);
    const { plane, slice, grid } = picture;
    const [columns, rows] = sectionSize(grid.shape, plane);
    const place = [frame.x, frame.y, columns * frame.across, rows * frame.down] as const;
    context.clearRect(0, 0, width, height);
    const { scan, channel, window, inverted } = picture;
    const scanned = this.#scan.get([scan, plane, slice, channel, window.low, window.high, inverted], () =>
      sheet(paintScan(scan, plane, slice, channel, window, inverted)),
    );
    context.imageSmoothingEnabled = picture.smooth;
    context.drawImage(scanned, ...place);
    // A label's edge is a voxel's edge; blending between labels would invent colours.
    context.imageSmoothingEnabled = false;
    for (const layer of picture.layers) {
      if (!layer.look.visible || layer.look.outline) continue;
      const painted = this.#fill(layer, picture);
      if (painted) context.drawImage(painted, ...place);
    }
    for (const layer of picture.layers)
      if (layer.look.visible && layer.look.outline) this.#outline(context, layer, picture, frame);
    for (const ruler of picture.rulers) drawRuler(context, ruler, picture, frame, inks.ruler);
    if (picture.crosshair) drawCrosshair(context, picture, frame, width, height, inks.crosshair);
    drawLetters(context, plane, width, height, inks.letters);
    drawScale(context, frame, spacing(grid)[plane.across.axis], width, height, inks.letters);
  }

  #cut(name: string, map: LabelMap, { plane, slice }: Picture): Section<Uint16Array> | null {
    return kept(this.#cuts, name).get([map, plane, slice], () => cutLabels(map, plane, slice));
  }

  #section(layer: DrawnLayer, picture: Picture): Section<Uint16Array> | null {
    if (layer.map) return this.#cut(layer.name, layer.map, picture);
    const of = (name: string) => picture.layers.find((one) => one.name === name);
    const [one, other] = [of('truth'), of('prediction')];
    const [truth, prediction] = [one?.map, other?.map];
    if (!truth || !prediction) return null;
    // What is hidden in both is not what one looks at.
    const hidden = [...(one?.look.hidden ?? [])].filter((value) => other?.look.hidden.has(value));
    return kept(this.#cuts, layer.name).get(
      [truth, prediction, picture.plane, picture.slice, hidden.join()],
      () =>
        differ(
          this.#cut('truth', truth, picture),
          this.#cut('prediction', prediction, picture),
          new Set(hidden),
        ),
    );
  }

  #fill(layer: DrawnLayer, picture: Picture): HTMLCanvasElement | null {
    const section = this.#section(layer, picture);
    const { hidden, opacity } = layer.look;
    return kept(this.#fills, layer.name).get([section, layer.classes, [...hidden].join(), opacity], () => {
      if (!section) return null;
      const largest = layer.map?.largest ?? 3;
      return sheet(paintLabels(section, pixelTable(layer.classes, hidden, largest, opacity)));
    });
  }

  #outline(context: CanvasRenderingContext2D, layer: DrawnLayer, picture: Picture, frame: Frame): void {
    const section = this.#section(layer, picture);
    if (!section) return;
    const { hidden, opacity } = layer.look;
    const edges = kept(this.#edges, layer.name).get([section, [...hidden].join()], () =>
      outlines(section, hidden),
    );
    context.save();
    context.lineWidth = 1.5;
    context.globalAlpha = opacity;
    for (const [value, all] of edges) {
      context.strokeStyle = css(layer.classes.find((one) => one.value === value)?.colour ?? [170, 170, 170]);
      context.beginPath();
      // Just inside its own voxels, so that neighbours do not cover each other's outline.
      for (const { x, y, length, level, out } of all) {
        const [fromX, fromY] = [frame.x + x * frame.across, frame.y + y * frame.down];
        if (level) {
          context.moveTo(fromX, fromY - out * 0.75);
          context.lineTo(fromX + length * frame.across, fromY - out * 0.75);
        } else {
          context.moveTo(fromX - out * 0.75, fromY);
          context.lineTo(fromX - out * 0.75, fromY + length * frame.down);
        }
      }
      context.stroke();
    }
    context.restore();
  }
}

/** The last answer, until what it depends on has changed. */
class Kept<T> {
  #of: readonly unknown[] | null = null;
  #value!: T;

  get(of: readonly unknown[], make: () => T): T {
    if (!this.#of || of.some((one, i) => one !== this.#of?.[i])) {
      this.#value = make();
      this.#of = of;
    }
    return this.#value;
  }
}

function kept<T>(all: Map<string, Kept<T>>, name: string): Kept<T> {
  const found = all.get(name) ?? new Kept<T>();
  all.set(name, found);
  return found;
}

function sheet({ width, height, data }: Section<Uint8ClampedArray<ArrayBuffer>>): HTMLCanvasElement {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')?.putImageData(new ImageData(data, width, height), 0, 0);
  return canvas;
}

function drawCrosshair(
  context: CanvasRenderingContext2D,
  { grid, plane, crosshair }: Picture,
  frame: Frame,
  width: number,
  height: number,
  ink: string,
): void {
  if (!crosshair) return;
  const [u, v] = pixelOf(grid.shape, plane, crosshair);
  // On the middle of a pixel, or the line would be two pixels wide and faint.
  const [x, y] = [
    Math.floor(frame.x + (u + 0.5) * frame.across) + 0.5,
    Math.floor(frame.y + (v + 0.5) * frame.down) + 0.5,
  ];
  // What is looked at stays free.
  const gap = Math.max(8, frame.across);
  context.strokeStyle = ink;
  context.lineWidth = 1;
  context.beginPath();
  const lines: [number, number, number, number][] = [
    [0, y, x - gap, y],
    [x + gap, y, width, y],
    [x, 0, x, y - gap],
    [x, y + gap, x, height],
  ];
  for (const [fromX, fromY, toX, toY] of lines) {
    context.moveTo(fromX, fromY);
    context.lineTo(toX, toY);
  }
  context.stroke();
}

function drawLetters(
  context: CanvasRenderingContext2D,
  { letters }: Plane,
  width: number,
  height: number,
  ink: string,
): void {
  context.fillStyle = ink;
  context.font = '600 12px system-ui, sans-serif';
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  const places: [string, number, number][] = [
    [letters.left, 12, height / 2],
    [letters.right, width - 12, height / 2],
    [letters.top, width / 2, 14],
    [letters.bottom, width / 2, height - 14],
  ];
  for (const [letter, x, y] of places) {
    // A letter is read on bone as well as on air, and the crosshair does not run through it.
    context.fillStyle = 'rgb(0 0 0 / 70%)';
    context.fillRect(x - 8, y - 8, 16, 16);
    context.fillStyle = ink;
    context.fillText(letter, x, y);
  }
}

/** A bar of a round length, as long as a fifth of the picture at most. */
function drawScale(
  context: CanvasRenderingContext2D,
  frame: Frame,
  mm: number,
  width: number,
  height: number,
  ink: string,
): void {
  const perMm = frame.across / mm;
  const long = [200, 100, 50, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1].find((one) => one * perMm <= width / 5);
  if (!long || width < 160) return;
  const [x, y] = [width - 10, height - 12];
  context.strokeStyle = ink;
  context.fillStyle = ink;
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(x - long * perMm, y - 4);
  context.lineTo(x - long * perMm, y);
  context.lineTo(x, y);
  context.lineTo(x, y - 4);
  context.stroke();
  context.font = '11px system-ui, sans-serif';
  context.textAlign = 'right';
  context.textBaseline = 'bottom';
  context.fillText(long >= 10 ? `${long / 10} cm` : `${long} mm`, x, y - 6);
}

function drawRuler(
  context: CanvasRenderingContext2D,
  ruler: Ruler,
  { grid, plane, slice }: Picture,
  frame: Frame,
  ink: string,
): void {
  // A distance belongs to the slice in which it was drawn.
  if (Math.round(ruler.from[plane.through]) !== slice || Math.round(ruler.to[plane.through]) !== slice)
    return;
  const place = (voxel: Triple) => {
    const [u, v] = pixelOf(grid.shape, plane, voxel);
    return [frame.x + (u + 0.5) * frame.across, frame.y + (v + 0.5) * frame.down] as const;
  };
  const [from, to] = [place(ruler.from), place(ruler.to)];
  context.strokeStyle = ink;
  context.fillStyle = ink;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
  for (const [x, y] of [from, to]) {
    context.beginPath();
    context.arc(x, y, 3, 0, 2 * Math.PI);
    context.fill();
  }
  context.font = '600 12px system-ui, sans-serif';
  context.textAlign = 'left';
  context.textBaseline = 'bottom';
  context.fillText(ruler.said, Math.max(from[0], to[0]) + 6, (from[1] + to[1]) / 2);
}
