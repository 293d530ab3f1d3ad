/** Slices of scans and label maps as they lie on the screen, windowed, coloured and outlined. */
import type { Plane, Side, Triple } from './grid';
import type { Rgb } from './palette';
import type { LabelMap, Range, Scan } from './volume';

export interface Section<T> {
  width: number;
  height: number;
  data: T;
}

/** How far a step along a side of the picture leads in the file, and where the picture begins. */
interface Walk {
  start: number;
  across: number;
  down: number;
}

function walk(shape: Triple, { across, down, through }: Plane, slice: number): Walk {
  const strides = [1, shape[0], shape[0] * shape[1]];
  const step = ({ axis, back }: Side) => (back ? -1 : 1) * (strides[axis] ?? 1);
  const begin = ({ axis, back }: Side) => (back ? (shape[axis] - 1) * (strides[axis] ?? 1) : 0);
  return {
    start: slice * (strides[through] ?? 1) + begin(across) + begin(down),
    across: step(across),
    down: step(down),
  };
}

export function sectionSize(shape: Triple, { across, down }: Plane): [number, number] {
  return [shape[across.axis], shape[down.axis]];
}

/** Grey values of a slice as pixels: what the window holds from black to white. What is no number is black. */
export function paintScan(
  scan: Scan,
  plane: Plane,
  slice: number,
  channel: number,
  window: Range,
  inverted = false,
): Section<Uint8ClampedArray<ArrayBuffer>> {
  const [width, height] = sectionSize(scan.shape, plane);
  const pixels = new Uint8ClampedArray(width * height * 4);
  const words = new Uint32Array(pixels.buffer);
  const { start, across, down } = walk(scan.shape, plane, slice);
  const { data } = scan;
  let out = 0;
  if (scan.colour) {
    for (let v = 0; v < height; v++) {
      let at = start + v * down;
      for (let u = 0; u < width; u++, at += across, out += 4) {
        pixels[out] = data[3 * at] ?? 0;
        pixels[out + 1] = data[3 * at + 1] ?? 0;
        pixels[out + 2] = data[3 * at + 2] ?? 0;
        pixels[out + 3] = 255;
      }
    }
    return { width, height, data: pixels };
  }
  const base = start + channel * scan.shape[0] * scan.shape[1] * scan.shape[2];
  const gain = (scan.slope * 255) / (window.high - window.low || 1);
  const offset = ((scan.intercept - window.low) * 255) / (window.high - window.low || 1);
  for (let v = 0; v < height; v++) {
    let at = base + v * down;
    for (let u = 0; u < width; u++, at += across, out++) {
      const grey = (data[at] as number) * gain + offset;
      // The comparison is false for what is no number.
      let shade = grey > 0 ? (grey < 255 ? (grey + 0.5) | 0 : 255) : 0;
      if (inverted) shade = 255 - shade;
      words[out] = 0xff000000 | (shade << 16) | (shade << 8) | shade;
    }
  }
  return { width, height, data: pixels };
}

/** The labels of a slice, or null where the map marks nothing in it. */
export function cutLabels(map: LabelMap, plane: Plane, slice: number): Section<Uint16Array> | null {
  const { across, down, through } = plane;
  const inside = slice - map.from[through];
  if (inside < 0 || inside >= map.size[through]) return null;
  const [width, height] = sectionSize(map.shape, plane);
  const out = new Uint16Array(width * height);
  const steps = walk(map.size, plane, inside);
  // Where the box begins in the picture: counted from its other end where the picture runs against the file.
  const corner = ({ axis, back }: Side) =>
    back ? map.shape[axis] - map.from[axis] - map.size[axis] : map.from[axis];
  const [left, top] = [corner(across), corner(down)];
  for (let v = 0; v < map.size[down.axis]; v++) {
    let at = steps.start + v * steps.down;
    let to = (top + v) * width + left;
    for (let u = 0; u < map.size[across.axis]; u++, at += steps.across, to++) out[to] = map.data[at] ?? 0;
  }
  return { width, height, data: out };
}

/** Where truth and prediction differ: 1 missed, 2 extra, 3 another class. What is `hidden` counts as background. */
export function differ(
  truth: Section<Uint16Array> | null,
  prediction: Section<Uint16Array> | null,
  hidden: ReadonlySet<number> = new Set(),
): Section<Uint16Array> | null {
  const some = truth ?? prediction;
  if (!some) return null;
  const data = new Uint16Array(some.data.length);
  const seen = (label: number) => (hidden.size && hidden.has(label) ? 0 : label);
  for (let i = 0; i < data.length; i++) {
    const [t, p] = [seen(truth?.data[i] ?? 0), seen(prediction?.data[i] ?? 0)];
    if (t !== p) data[i] = p === 0 ? 1 : t === 0 ? 2 : 3;
  }
  return { width: some.width, height: some.height, data };
}

/** The colour of each label, dense from 0, as a pixel; 0 is what is not drawn. A label that nobody named is grey. */
export function pixelTable(
  classes: readonly { value: number; colour: Rgb }[],
  hidden: ReadonlySet<number>,
  largest: number,
  opacity: number,
): Uint32Array {
  const table = new Uint32Array(largest + 1);
  const known = new Map(classes.map((one) => [one.value, one.colour]));
  const alpha = Math.round(opacity * 255);
  for (let value = 1; value <= largest; value++) {
    if (hidden.has(value)) continue;
    const [r, g, b] = known.get(value) ?? [170, 170, 170];
    table[value] = ((alpha << 24) | (b << 16) | (g << 8) | r) >>> 0;
  }
  return table;
}

/** Labels as pixels to lay over the scan. */
export function paintLabels(
  { width, height, data }: Section<Uint16Array>,
  table: Uint32Array,
): Section<Uint8ClampedArray<ArrayBuffer>> {
  const words = new Uint32Array(width * height);
  for (let i = 0; i < data.length; i++) {
    const value = data[i] ?? 0;
    if (value) words[i] = table[value] ?? 0;
  }
  return { width, height, data: new Uint8ClampedArray(words.buffer) };
}

/** A straight piece of an outline along pixel edges, and which way is out of the label. */
export interface Edge {
  x: number;
  y: number;
  length: number;
  /** Along x, or along y. */
  level: boolean;
  out: -1 | 1;
}

/** The edges of each label, by label; pieces that go on are one. Hidden labels have none. */
export function outlines(
  { width, height, data }: Section<Uint16Array>,
  hidden: ReadonlySet<number>,
): Map<number, Edge[]> {
  const found = new Map<number, Edge[]>();
  const add = (value: number, edge: Edge) => {
    const all = found.get(value);
    if (all) all.push(edge);
    else found.set(value, [edge]);
  };
  const at = (x: number, y: number) =>
    x < 0 || y < 0 || x >= width || y >= height ? 0 : (data[y * width + x] ?? 0);
  const trace = (lines: number, places: number, level: boolean) => {
    for (let line = 0; line < lines; line++)
      for (const out of [-1, 1] as const) {
        let [value, from] = [0, 0];
        for (let place = 0; place <= places; place++) {
          const here = place < places ? (level ? at(place, line) : at(line, place)) : 0;
          const beyond = place < places ? (level ? at(place, line + out) : at(line + out, place)) : 0;
          const next = here !== beyond && !hidden.has(here) ? here : 0;
          if (next === value) continue;
          if (value) {
            const side = line + (out > 0 ? 1 : 0);
            add(
              value,
              level
                ? { x: from, y: side, length: place - from, level, out }
                : { x: side, y: from, length: place - from, level, out },
            );
          }
          [value, from] = [next, place];
        }
      }
  };
  trace(height, width, true);
  trace(width, height, false);
  return found;
}
