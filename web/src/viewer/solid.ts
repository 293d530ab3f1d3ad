/** Label maps in 3D, drawn by NiiVue over WebGL2. The only file that knows the library; loaded only when 3D is shown. */
import NiiVue, { type NVImage } from '@niivue/niivue/webgl2';
import { type Affine, mmOf, type Triple } from './grid';
import type { Shown } from './loaded';
import type { LayerLook } from './painter';
import { labelTable } from './palette';
import { type LabelMap, labelAt, valueAt } from './volume';

export interface Solid {
  show(shown: Shown, looks: Readonly<Record<string, LayerLook>>): Promise<void>;
  dispose(): void;
}

/** More voxels than this are thinned: in 3D nobody sees them, and a browser without a graphics card stands still. */
const MOST = 1.5e6;
/** A graphics card may take no side longer than this. */
const LONGEST = 2048;
const RENDER = 4;
const UINT16 = 512;
const MILLIMETRES = 2;

export async function createSolid(canvas: HTMLCanvasElement): Promise<Solid> {
  const nv = new NiiVue({
    backend: 'webgl2',
    isDragDropEnabled: false,
    isColorbarVisible: false,
    isLegendVisible: false,
    isOrientCubeVisible: true,
    is3DCrosshairVisible: false,
    volumeIsNearestInterpolation: true,
    logLevel: 'error',
  });
  // Asked for first, for the library would not have what is drawn kept, and a saved picture would be black.
  canvas.getContext('webgl2', { alpha: true, antialias: true, preserveDrawingBuffer: true });
  await nv.attachToCanvas(canvas);
  // The library listens to the whole window for single letters, which are ours.
  const keys = nv._eventListeners.keydown;
  if (keys) removeEventListener('keydown', keys);
  nv.sliceType = RENDER;
  nv.backgroundColor = [0, 0, 0, 1];
  // The scan's surface would hide what is inside it: a plane cuts all of it away. It never cuts a layer.
  nv.clipPlaneColor = [0, 0, 0, 0];
  nv.setClipPlane([-0.9, 0, 0]);
  let queue: Promise<unknown> = Promise.resolve();
  let disposed = false;
  let drawnScan: unknown = null;
  return {
    show(shown, looks) {
      // One change after the other: the library drops an update that comes while another is under way.
      const turn = queue.then(async () => {
        if (disposed) return;
        const thinning = thin(shown.grid.shape);
        if (drawnScan !== shown.scan) {
          await nv.removeAllVolumes();
          await nv.model.addVolume(await prepare(nv, scanFile(shown, thinning)));
          drawnScan = shown.scan;
        }
        const layers: NVImage[] = [];
        for (const { name, map, classes } of shown.layers) {
          const look = looks[name];
          if (!look?.visible || map.data.length === 0) continue;
          const image = await prepare(nv, mapFile(shown, name, map, thinning));
          image.opacity = look.opacity;
          image.colormapLabel = compile(labelTable(classes, look.hidden, map.largest));
          layers.push(image);
        }
        nv.volumes.splice(1, nv.volumes.length - 1, ...layers);
        await nv.updateGLVolume();
      });
      queue = turn.catch(() => {});
      return turn;
    },
    dispose() {
      disposed = true;
      nv.destroy();
      // Browsers keep only some sixteen contexts: hand this one back now rather than at the next collection.
      canvas.getContext('webgl2')?.getExtension('WEBGL_lose_context')?.loseContext();
    },
  };
}

/** Every how many voxels one is kept, along each axis: the longest is thinned first. */
export function thin(shape: Triple): Triple {
  const steps: [number, number, number] = [1, 1, 1];
  const left = (axis: number) => (shape[axis as 0 | 1 | 2] ?? 1) / (steps[axis] ?? 1);
  const longestOf = () => [0, 1, 2].reduce((a, b) => (left(b) > left(a) ? b : a));
  while (left(0) * left(1) * left(2) > MOST || left(longestOf()) > LONGEST) {
    const longest = longestOf();
    steps[longest] = (steps[longest] ?? 1) + 1;
  }
  return steps;
}

function scanFile({ scan, grid }: Shown, steps: Triple): File {
  // Cut away by the plane, so its values do not matter; its box does.
  const low = scan.ranges[0]?.usual.low ?? 0;
  return nifti('scan', grid.shape, grid.affine, steps, (voxel) => (valueAt(scan, voxel) > low ? 1 : 0));
}

function mapFile({ grid }: Shown, name: string, map: LabelMap, steps: Triple): File {
  return nifti(name, grid.shape, grid.affine, steps, (voxel) => labelAt(map, voxel));
}

/** A label map as the smallest file that says what and where. */
function nifti(
  name: string,
  shape: Triple,
  affine: Affine,
  steps: Triple,
  value: (voxel: Triple) => number,
): File {
  const sides = shape.map((side, axis) => Math.ceil(side / (steps[axis as 0 | 1 | 2] ?? 1)));
  const [nx = 1, ny = 1, nz = 1] = sides;
  const bytes = new ArrayBuffer(352 + 2 * nx * ny * nz);
  const view = new DataView(bytes);
  const write = (method: 'setInt16' | 'setFloat32', at: number, step: number, values: readonly number[]) => {
    for (const [i, value] of values.entries()) view[method](at + step * i, value, true);
  };
  const origin = mmOf({ affine }, [0, 0, 0]);
  const columns = ([0, 1, 2] as const).map((axis) => {
    const one: [number, number, number] = [0, 0, 0];
    one[axis] = steps[axis];
    return mmOf({ affine }, one).map((v, r) => v - (origin[r] ?? 0));
  });
  view.setInt32(0, 348, true);
  write('setInt16', 40, 2, [3, nx, ny, nz, 1, 1, 1, 1]);
  write('setInt16', 70, 2, [UINT16, 16]);
  write('setFloat32', 76, 4, [1, ...columns.map((column) => Math.hypot(...column)), 1, 1, 1, 1]);
  write('setFloat32', 108, 4, [352, 1]);
  view.setUint8(123, MILLIMETRES);
  view.setInt16(254, 1, true);
  for (const row of [0, 1, 2])
    write('setFloat32', 280 + 16 * row, 4, [...columns.map((column) => column[row] ?? 0), origin[row] ?? 0]);
  new Uint8Array(bytes, 344, 3).set([0x6e, 0x2b, 0x31]);
  const data = new Uint16Array(bytes, 352);
  let at = 0;
  for (let z = 0; z < nz; z++)
    for (let y = 0; y < ny; y++)
      for (let x = 0; x < nx; x++, at++) data[at] = value([x * steps[0], y * steps[1], z * steps[2]]);
  return new File([bytes], `${name}.nii`);
}

/** Reads a file into the library's own volume, without drawing it. */
async function prepare(nv: NiiVue, file: File): Promise<NVImage> {
  const model = nv.model.constructor as typeof nv.model.constructor & {
    prepareVolume(options: { url: File; name: string }): Promise<NVImage>;
  };
  return model.prepareVolume({ url: file, name: file.name });
}

function compile(table: ReturnType<typeof labelTable>): NonNullable<NVImage['colormapLabel']> {
  const lut = new Uint8ClampedArray(table.I.length * 4);
  table.I.forEach((value, i) => {
    lut.set([table.R[i] ?? 0, table.G[i] ?? 0, table.B[i] ?? 0, table.A[i] ?? 0], value * 4);
  });
  return { lut, min: 0, max: table.I.length - 1, labels: table.labels };
}
