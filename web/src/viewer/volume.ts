/** Scans and label maps as arrays, read from NIfTI files. Nothing here touches the browser, so that a worker can do it. */
import { NIFTI1, readHeader } from 'nifti-reader-js';
import type { Affine, Grid, Triple } from './grid';

export type Numbers =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

export interface Range {
  low: number;
  high: number;
}

/** A scan. A value is `data[i] * slope + intercept`; channels lie one after the other. */
export interface Scan {
  shape: Triple;
  channels: number;
  /** Three bytes a voxel are a colour, not a value. */
  colour: boolean;
  data: Numbers;
  slope: number;
  intercept: number;
  /** Of each channel: all of it, and without the rarest values at both ends. */
  ranges: { full: Range; usual: Range }[];
}

/** A label map on its scan's grid, cropped to the box in which anything is marked: `data` is the box. */
export interface LabelMap {
  shape: Triple;
  affine: Affine;
  from: Triple;
  size: Triple;
  data: Uint8Array | Uint16Array;
  largest: number;
}

/** What is wrong with a file, in words. */
export class VolumeError extends Error {}

const MOST_BYTES = 8e9;

interface Read {
  header: ReturnType<typeof readHeader>;
  shape: Triple;
  channels: number;
  data: Numbers;
  colour: boolean;
}

export function readScan(content: ArrayBuffer, name: string): Scan {
  const { header, shape, channels, data, colour } = read(content, name);
  const scaled = header.scl_slope !== 0 && Number.isFinite(header.scl_slope);
  const slope = scaled && !colour ? header.scl_slope : 1;
  const intercept = scaled && !colour && Number.isFinite(header.scl_inter) ? header.scl_inter : 0;
  const count = shape[0] * shape[1] * shape[2];
  const ranges = Array.from({ length: channels }, (_, c) =>
    colour
      ? { full: { low: 0, high: 255 }, usual: { low: 0, high: 255 } }
      : rangesOf(data.subarray(c * count, (c + 1) * count), slope, intercept),
  );
  return { shape, channels, colour, data, slope, intercept, ranges };
}

export function readLabels(content: ArrayBuffer, name: string): LabelMap {
  const { header, shape, channels, data, colour } = read(content, name);
  if (channels > 1 || colour)
    throw new VolumeError(`${name} has several channels; a label map has one number for each voxel.`);
  return { affine: affineOf(header, content), ...cropped(data, shape, name) };
}

function read(content: ArrayBuffer, name: string): Read {
  let header: ReturnType<typeof readHeader> | null = null;
  try {
    header = readHeader(content);
  } catch {
    // Said below.
  }
  if (!header) throw new VolumeError(`${name} is no NIfTI file, or its beginning is damaged.`);
  const [dimensions = 0, ...sides] = header.dims;
  const shape: Triple = [
    sides[0] ?? 0,
    dimensions > 1 ? (sides[1] ?? 0) : 1,
    dimensions > 2 ? (sides[2] ?? 0) : 1,
  ];
  const channels = sides.slice(3, dimensions).reduce((product, side) => product * Math.max(1, side), 1);
  const count = shape[0] * shape[1] * shape[2];
  if (!(count > 0)) throw new VolumeError(`${name} is empty: its sides are ${shape.join(' × ')}.`);
  const colour = header.datatypeCode === NIFTI1.TYPE_RGB24;
  const kind = KINDS[header.datatypeCode];
  if (!kind)
    throw new VolumeError(
      `${name} holds numbers of a kind that is not shown (NIfTI type ${header.datatypeCode}).`,
    );
  const length = count * channels * (colour ? 3 : 1);
  const bytes = length * kind.BYTES_PER_ELEMENT;
  if (bytes > MOST_BYTES)
    throw new VolumeError(`${name} takes ${(bytes / 1e9).toFixed(1)} GB, more than a browser holds.`);
  if (content.byteLength < header.vox_offset + bytes)
    throw new VolumeError(
      `${name} ends too early: ${content.byteLength} of ${header.vox_offset + bytes} bytes are there.`,
    );
  return {
    header,
    shape,
    channels,
    data: numbers(content, header.vox_offset, length, kind, header.littleEndian),
    colour,
  };
}

type Kind = { BYTES_PER_ELEMENT: number; new (buffer: ArrayBuffer, offset: number, length: number): Numbers };
const KINDS: Record<number, Kind> = {
  [NIFTI1.TYPE_UINT8]: Uint8Array,
  [NIFTI1.TYPE_RGB24]: Uint8Array,
  [NIFTI1.TYPE_INT8]: Int8Array,
  [NIFTI1.TYPE_UINT16]: Uint16Array,
  [NIFTI1.TYPE_INT16]: Int16Array,
  [NIFTI1.TYPE_UINT32]: Uint32Array,
  [NIFTI1.TYPE_INT32]: Int32Array,
  [NIFTI1.TYPE_FLOAT32]: Float32Array,
  [NIFTI1.TYPE_FLOAT64]: Float64Array,
};
const LITTLE = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;

function numbers(content: ArrayBuffer, offset: number, length: number, kind: Kind, little: boolean): Numbers {
  const size = kind.BYTES_PER_ELEMENT;
  const own = little === LITTLE || size === 1;
  if (own && offset % size === 0) return new kind(content, offset, length);
  const bytes = new Uint8Array(content.slice(offset, offset + length * size));
  if (!own) for (let i = 0; i < bytes.length; i += size) bytes.subarray(i, i + size).reverse();
  return new kind(bytes.buffer as ArrayBuffer, 0, length);
}

/** As nibabel reads it: the sform where there is one, then the qform, else the voxels' sides around the middle, the first
 *  axis to the left. The library's own answer differs in which of the first two comes first, and without both. */
function affineOf(header: Read['header'], content: ArrayBuffer): Affine {
  const view = new DataView(content);
  const little = header.littleEndian;
  const [codes, at, step] = header instanceof NIFTI1 ? [252, 280, 4] : [344, 400, 8];
  const code = (place: number) =>
    step === 4 ? view.getInt16(codes + 2 * place, little) : view.getInt32(codes + 4 * place, little);
  if (code(1) > 0) {
    const value = (i: number) =>
      step === 4 ? view.getFloat32(at + 4 * i, little) : view.getFloat64(at + 8 * i, little);
    return [0, 1, 2].map((row) => [0, 1, 2, 3].map((column) => value(4 * row + column)));
  }
  if (code(0) > 0) return header.affine;
  return [0, 1, 2].map((row) => {
    const side = (header.pixDims[row + 1] ?? 1) * (row === 0 ? -1 : 1);
    const middle = ((header.dims[row + 1] ?? 1) - 1) / 2;
    return [0, 1, 2, 3].map((column) => (column === 3 ? -side * middle : column === row ? side : 0));
  });
}

/** A value that so many voxels have is what surrounds the body, and nothing that one looks at. */
const BACKGROUND = 0.2;

/** The extremes of all values, and the window between the 0.5th and the 99.5th of a hundred of a sample without its background. */
function rangesOf(data: Numbers, slope: number, intercept: number): { full: Range; usual: Range } {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < data.length; i++) {
    const value = data[i] as number;
    if (value < low && value !== Number.NEGATIVE_INFINITY) low = value;
    if (value > high && value !== Number.POSITIVE_INFINITY) high = value;
  }
  if (low > high) return { full: { low: 0, high: 1 }, usual: { low: 0, high: 1 } };
  // A step that shares no factor with the usual sides, or the sample would see one column only.
  const step = Math.max(1, Math.floor(data.length / 100_003));
  const sample: number[] = [];
  for (let i = 0; i < data.length; i += step)
    if (Number.isFinite(data[i] as number)) sample.push(data[i] as number);
  sample.sort((a, b) => a - b);
  const body = withoutBackground(sample);
  const at = (share: number) => body[Math.round(share * (body.length - 1))] ?? 0;
  const said = (a: number, b: number): Range => {
    const [x, y] = [a * slope + intercept, b * slope + intercept];
    return { low: Math.min(x, y), high: Math.max(x, y) };
  };
  const full = said(low, high);
  const usual = said(at(0.005), at(0.995));
  return {
    full,
    usual:
      usual.high > usual.low
        ? usual
        : full.high > full.low
          ? full
          : { low: full.low - 0.5, high: full.low + 0.5 },
  };
}

function withoutBackground(sorted: readonly number[]): readonly number[] {
  let [from, most] = [0, 0];
  for (let i = 0, start = 0; i < sorted.length; i++) {
    if (sorted[i] !== sorted[start]) start = i;
    if (i - start + 1 > most) [from, most] = [start, i - start + 1];
  }
  return most < BACKGROUND * sorted.length
    ? sorted
    : [...sorted.slice(0, from), ...sorted.slice(from + most)];
}

function cropped(data: Numbers, shape: Triple, name: string): Omit<LabelMap, 'affine'> {
  const [nx, ny, nz] = shape;
  const low = [nx, ny, nz];
  const high = [-1, -1, -1];
  let largest = 0;
  let i = 0;
  for (let z = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, i++) {
        const value = data[i] as number;
        if (value === 0) continue;
        if (value < 0 || value > 65_535 || value !== Math.floor(value))
          throw new VolumeError(
            `${name} is no label map: it holds ${value}; labels are whole numbers from 0 to 65535.`,
          );
        if (value > largest) largest = value;
        if (x < (low[0] as number)) low[0] = x;
        if (x > (high[0] as number)) high[0] = x;
        if (y < (low[1] as number)) low[1] = y;
        if (y > (high[1] as number)) high[1] = y;
        if (z < (low[2] as number)) low[2] = z;
        high[2] = z;
      }
  const kind = largest > 255 ? Uint16Array : Uint8Array;
  if (largest === 0) return { shape, from: [0, 0, 0], size: [0, 0, 0], data: new kind(0), largest };
  const [fx = 0, fy = 0, fz = 0] = low;
  const [tx = 0, ty = 0, tz = 0] = high;
  const size: Triple = [tx - fx + 1, ty - fy + 1, tz - fz + 1];
  const box = new kind(size[0] * size[1] * size[2]);
  let to = 0;
  for (let z = fz; z <= tz; z++)
    for (let y = fy; y <= ty; y++, to += size[0]) {
      const at = fx + nx * (y + ny * z);
      for (let x = 0; x < size[0]; x++) box[to + x] = data[at + x] as number;
    }
  return { shape, from: [fx, fy, fz], size, data: box, largest };
}

/** A map that came as a box of its scan, which begins at the voxel `start`; null where it does not fit into the scan. */
export function placed(map: LabelMap, start: Triple, shape: Triple): LabelMap | null {
  if (start.some((first, axis) => first < 0 || first + at(map.shape, axis) > at(shape, axis))) return null;
  const affine = map.affine.map((row) => {
    const [a = 0, b = 0, c = 0, d = 0] = row;
    return [a, b, c, d - a * start[0] - b * start[1] - c * start[2]];
  });
  const from = map.from.map((first, axis) => first + at(start, axis)) as unknown as Triple;
  return { ...map, shape, affine, from };
}

function at(triple: Triple, axis: number): number {
  return triple[axis as 0 | 1 | 2];
}

/** The label of a voxel; 0 outside the box. */
export function labelAt({ from, size, data }: LabelMap, [i, j, k]: Triple): number {
  const [x, y, z] = [i - from[0], j - from[1], k - from[2]];
  if (x < 0 || y < 0 || z < 0 || x >= size[0] || y >= size[1] || z >= size[2]) return 0;
  return data[x + size[0] * (y + size[1] * z)] ?? 0;
}

/** The value of a voxel in the scan's own units; of a coloured one, how bright it is. */
export function valueAt(scan: Scan, [i, j, k]: Triple, channel = 0): number {
  const [nx, ny, nz] = scan.shape;
  const at = i + nx * (j + ny * k);
  if (scan.colour) {
    const [r = 0, g = 0, b = 0] = scan.data.subarray(3 * at, 3 * at + 3);
    return Math.round(0.299 * r + 0.587 * g + 0.114 * b);
  }
  return (scan.data[at + channel * nx * ny * nz] ?? Number.NaN) * scan.slope + scan.intercept;
}

/** Where two label maps differ most: the slice across `stack` with the most differing voxels, and in it the differing voxel
 *  nearest to their middle. `value` is the one class that counts; null for all. */
export function worstPlace(
  truth: LabelMap,
  prediction: LabelMap,
  stack: 0 | 1 | 2,
  value: number | null,
): Triple | null {
  const [low, high] = union(truth, prediction);
  const counts = new Map<number, number>();
  const differs = (at: Triple) => {
    const [t, p] = [labelAt(truth, at), labelAt(prediction, at)];
    return value === null ? t !== p : (t === value) !== (p === value);
  };
  const each = (visit: (at: Triple) => void, slice: number | null = null) => {
    const [from, to] = [[...low], [...high]];
    if (slice !== null) from[stack] = to[stack] = slice;
    for (let z = from[2] ?? 0; z <= (to[2] ?? -1); z++)
      for (let y = from[1] ?? 0; y <= (to[1] ?? -1); y++)
        for (let x = from[0] ?? 0; x <= (to[0] ?? -1); x++) {
          const at: Triple = [x, y, z];
          if (differs(at)) visit(at);
        }
  };
  each((at) => counts.set(at[stack], (counts.get(at[stack]) ?? 0) + 1));
  const most = [...counts].reduce<[number, number] | null>((a, b) => (a && a[1] >= b[1] ? a : b), null);
  if (!most) return null;
  const [slice, count] = most;
  const middle = [0, 0, 0];
  each((at) => {
    for (const axis of [0, 1, 2] as const) middle[axis] = (middle[axis] ?? 0) + at[axis] / count;
  }, slice);
  let best: Triple | null = null;
  let distance = Number.POSITIVE_INFINITY;
  each((at) => {
    const d = at.reduce((sum, v, axis) => sum + (v - (middle[axis] ?? 0)) ** 2, 0);
    if (d < distance) [best, distance] = [at, d];
  }, slice);
  return best;
}

/** The first and the last voxel of the box around both. */
function union(a: LabelMap, b: LabelMap): [Triple, Triple] {
  const boxes = [a, b].filter((one) => one.data.length > 0);
  const low = (axis: 0 | 1 | 2) => Math.min(...boxes.map((one) => one.from[axis]));
  const high = (axis: 0 | 1 | 2) => Math.max(...boxes.map((one) => one.from[axis] + one.size[axis] - 1));
  return boxes.length === 0
    ? [
        [0, 0, 0],
        [-1, -1, -1],
      ]
    : [
        [low(0), low(1), low(2)],
        [high(0), high(1), high(2)],
      ];
}

export function gridOf(map: LabelMap): Grid {
  return { shape: map.shape, affine: map.affine };
}
