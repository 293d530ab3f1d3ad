/** The Scene, drawn by NiiVue 1.0 over WebGL2. Loaded only when a volume is shown. */
import NiiVue, { DRAG_MODE, type NiiVueLocation, type NVImage } from '@niivue/niivue/webgl2';
import { colourClasses, type LabelClass, labelTable } from './palette';
import type { LayerLook, LayerSource, LayoutName, Location, Mm, Scene } from './scene';
import { difference, type Labels, largest, outline, stackAxis, without, worst } from './voxels';
import type { Window } from './windows';

const SLICE = { axial: 0, coronal: 1, sagittal: 2, planes: 3, render: 4 } as const;
const HIDDEN: LayerLook = { visible: false, opacity: 0.6, outline: false, hidden: new Set() };

interface Layer {
  name: string;
  image: NVImage;
  classes: LabelClass[];
  fill: Labels;
  rim: Labels | null;
  top: number;
  look: LayerLook;
}

export async function createScene(canvas: HTMLCanvasElement): Promise<Scene> {
  const nv = new NiiVue({
    backend: 'webgl2',
    isDragDropEnabled: false,
    isColorbarVisible: false,
    isLegendVisible: false,
    // As radiologists look: the patient's right is on the left of the picture.
    isRadiological: true,
    isOrientCubeVisible: false,
    is3DCrosshairVisible: true,
    isSnapToVoxelCenters: true,
    // A label's edge is a voxel's edge; blending between labels would invent colours.
    volumeIsNearestInterpolation: true,
    multiplanarType: 2,
    showRender: 1,
    secondaryDragMode: DRAG_MODE.windowing,
    crosshairColor: [0.35, 0.85, 0.6, 0.7],
    crosshairWidth: 0.3,
    crosshairGap: 8,
    fontMinSize: 11,
    logLevel: 'error',
  });
  await nv.attachToCanvas(canvas);
  // In 3D the scan's surface would hide what is inside it: a plane cuts all of it away. It never cuts a layer.
  nv.clipPlaneColor = [0, 0, 0, 0];
  nv.setClipPlane([-0.9, 0, 0]);
  return new NiiVueScene(nv, canvas);
}

class NiiVueScene implements Scene {
  #layers: Layer[] = [];
  #warnings: string[] = [];
  #listener: (location: Location) => void = () => {};
  #windowListener: (window: Window) => void = () => {};
  /** Looks and a window asked for but not yet drawn; of many asked for in a drag only the last is drawn. */
  #wantedLooks = new Map<string, LayerLook>();
  #wantedWindow: Window | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #disposed = false;

  constructor(
    private readonly nv: NiiVue,
    private readonly canvas: HTMLCanvasElement,
  ) {
    // The library listens to the whole window for single letters, which are ours (e.g. `c`, `v`, `h`).
    const keys = nv._eventListeners.keydown;
    if (keys) removeEventListener('keydown', keys);
    nv.addEventListener('locationChange', (event) => this.#tell(event.detail));
    nv.addEventListener('pointerUp', () => {
      const base = nv.volumes[0];
      if (base && nv.secondaryDragMode === DRAG_MODE.windowing)
        this.#windowListener({ low: base.calMin, high: base.calMax });
    });
  }

  load(
    scan: File,
    sources: LayerSource[],
    looks: Record<string, LayerLook>,
    window: Window | null,
  ): Promise<void> {
    return this.#inTurn(async () => {
      const image = await prepare(this.nv, scan);
      const layers = await this.#prepareLayers(sources, image, looks);
      await this.nv.removeAllVolumes();
      await this.nv.model.addVolume(image);
      Object.assign(image, windowOptions(window ?? { low: image.robustMin, high: image.robustMax }));
      this.#show(layers);
      await this.nv.updateGLVolume();
      // The middle, moved onto the nearest voxel: what is read out is always one voxel's own value.
      const [x = 0, y = 0, z = 0] = this.nv.model.scene2mm([0.5, 0.5, 0.5]);
      this.nv.setCrosshairPos([x, y, z]);
    });
  }

  swapLayers(sources: LayerSource[], looks: Record<string, LayerLook>): Promise<void> {
    return this.#inTurn(async () => {
      const base = this.nv.volumes[0];
      if (!base) return;
      this.#show(await this.#prepareLayers(sources, base, looks));
      await this.nv.updateGLVolume();
      this.nv.createOnLocationChange();
    });
  }

  setLayer(name: string, look: LayerLook): Promise<void> {
    this.#wantedLooks.set(name, look);
    return this.#inTurn(async () => {
      if (this.#wantedLooks.size === 0) return;
      for (const layer of this.#layers) {
        const wanted = this.#wantedLooks.get(layer.name);
        if (wanted) this.#dress(layer, wanted);
      }
      this.#wantedLooks.clear();
      this.#compose(this.#layers);
      await this.nv.updateGLVolume();
    });
  }

  setWindow(window: Window): Promise<void> {
    this.#wantedWindow = window;
    return this.#inTurn(async () => {
      const wanted = this.#wantedWindow;
      this.#wantedWindow = null;
      if (wanted && this.nv.volumes[0]) await this.nv.setVolume(0, windowOptions(wanted));
    });
  }

  setLayout(layout: LayoutName): void {
    this.nv.sliceType = SLICE[layout];
  }

  setCrosshairMm([x, y, z]: Mm): void {
    if (this.nv.volumes[0]) this.nv.setCrosshairPos([x, y, z]);
  }

  worst(className: string | null): Mm | null {
    const truth = this.#layers.find((layer) => layer.name === 'truth');
    const prediction = this.#layers.find((layer) => layer.name === 'prediction');
    if (!truth || !prediction || !sameGrid(truth.image, prediction.image)) return null;
    const known = truth.classes.find((one) => one.name === className)?.value ?? null;
    const stack = stackAxis(truth.image.hdr.pixDims.slice(1, 4));
    const voxel = worst(truth.fill, prediction.fill, shapeOf(truth.image), stack, known);
    return voxel && mmOf(truth.image, voxel);
  }

  setBackground([r, g, b]: readonly [number, number, number]): void {
    this.nv.backgroundColor = [r, g, b, 1];
  }

  onLocation(listener: (location: Location) => void): void {
    this.#listener = listener;
  }

  onWindow(listener: (window: Window) => void): void {
    this.#windowListener = listener;
  }

  range(): Window {
    const base = this.nv.volumes[0];
    return base ? { low: base.globalMin, high: base.globalMax } : { low: 0, high: 1 };
  }

  warnings(): string[] {
    return this.#warnings;
  }

  snapshot(): Promise<Blob> {
    // The picture must be taken in the same turn as it is drawn: the buffer is not kept.
    this.nv.view?.render();
    return new Promise((done, fail) => {
      this.canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error('The picture could not be made.'))));
    });
  }

  dispose(): void {
    this.#disposed = true;
    this.#listener = () => {};
    this.nv.destroy();
    // Browsers keep only some sixteen contexts: hand this one back now rather than at the next collection.
    this.canvas.getContext('webgl2')?.getExtension('WEBGL_lose_context')?.loseContext();
  }

  /** One change after the other: the library drops an update that comes while another is under way. */
  #inTurn(change: () => Promise<void>): Promise<void> {
    const turn = this.#queue.then(async () => {
      if (this.#disposed) return;
      await change();
      await drawn();
    });
    this.#queue = turn.catch(() => {});
    return turn;
  }

  async #prepareLayers(
    sources: LayerSource[],
    scan: NVImage,
    looks: Record<string, LayerLook>,
  ): Promise<Layer[]> {
    this.#warnings = [];
    const layers: Layer[] = [];
    for (const source of sources) {
      const image = await prepare(this.nv, source.file);
      if (!sameGrid(image, scan))
        this.#warnings.push(
          `The layer "${source.name}" lies on another grid than the scan; what is shown is resampled.`,
        );
      layers.push(layerOf(source.name, image, source.classes));
    }
    const truth = layers.find((l) => l.name === 'truth');
    const prediction = layers.find((l) => l.name === 'prediction');
    if (truth && prediction && sameGrid(truth.image, prediction.image)) {
      const fill = difference(truth.fill, prediction.fill);
      const image: NVImage = { ...truth.image, name: 'difference', id: 'difference', img: fill };
      image.hdr = { ...truth.image.hdr, datatypeCode: 2, numBitsPerVoxel: 8, scl_slope: 1, scl_inter: 0 };
      layers.push(layerOf('difference', image, colourClasses('difference', [])));
    }
    for (const layer of layers) this.#dress(layer, looks[layer.name] ?? HIDDEN);
    return layers;
  }

  #dress(layer: Layer, look: LayerLook): void {
    layer.look = look;
    if (look.outline)
      layer.rim ??= outline(layer.fill, shapeOf(layer.image), stackAxis(layer.image.hdr.pixDims.slice(1, 4)));
    layer.image.opacity = look.visible ? look.opacity : 0;
    layer.image.colormapLabel = compile(labelTable(layer.classes, look.hidden, layer.top));
  }

  /** Gives each layer the voxels to draw. The screen adds layers up, so that an outline over a fill would turn white
   *  and a difference would take a colour of no class: fills step aside for both. */
  #compose(layers: Layer[]): void {
    const over = layers.flatMap(({ name, look, rim, fill }) => {
      const drawn = look.outline ? rim : name === 'difference' ? fill : null;
      return look.visible && drawn ? [{ name, rim: drawn, hidden: look.hidden }] : [];
    });
    for (const { name, look, rim, fill, image } of layers) {
      const above = over.filter((o) => o.name !== name && o.rim.length === fill.length);
      const drawn = look.outline && rim ? rim : fill;
      image.img = !look.outline && look.visible && above.length ? without(fill, above) : drawn;
      image.isDirty = true;
    }
  }

  #show(layers: Layer[]): void {
    this.#layers = layers;
    this.#compose(layers);
    this.nv.volumes.splice(1, this.nv.volumes.length - 1, ...layers.map((l) => l.image));
  }

  #tell(at: NiiVueLocation): void {
    const [x = 0, y = 0, z = 0] = at.mm;
    const base = at.values[0];
    const labels = this.#layers.map((layer) => {
      const value = valueAt(layer, at.values[1 + this.#layers.indexOf(layer)]?.vox ?? []);
      return {
        layer: layer.name,
        value,
        name: layer.classes.find((c) => c.value === value)?.name ?? (value ? `label ${value}` : ''),
      };
    });
    this.#listener({ mm: [x, y, z], value: base ? base.value : null, labels });
  }
}

function layerOf(name: string, image: NVImage, classes: LabelClass[]): Layer {
  const fill = image.img as Labels | null;
  if (!fill) throw new Error(`The layer "${name}" has no voxels.`);
  return { name, image, classes, fill, rim: null, top: largest(fill), look: HIDDEN };
}

/** Reads a file into the library's own volume, without drawing it. */
async function prepare(nv: NiiVue, file: File): Promise<NVImage> {
  const model = nv.model
    .constructor as typeof import('@niivue/niivue/webgl2').default.prototype.model.constructor & {
    prepareVolume(options: { url: File; name: string }): Promise<NVImage>;
  };
  return model.prepareVolume({ url: file, name: file.name });
}

/** The value of the filled label map, although the screen may show its rim only. */
function valueAt({ image, fill }: Layer, [x = -1, y = -1, z = -1]: number[]): number {
  const { dimsRAS: dims, img2RASstart: start, img2RASstep: step } = image;
  if (!dims || !start || !step) return 0;
  if (x < 0 || y < 0 || z < 0 || x >= (dims[1] ?? 0) || y >= (dims[2] ?? 0) || z >= (dims[3] ?? 0)) return 0;
  const at = (axis: number, index: number) => (start[axis] ?? 0) + index * (step[axis] ?? 0);
  return fill[at(0, x) + at(1, y) + at(2, z)] ?? 0;
}

function compile(table: ReturnType<typeof labelTable>): NonNullable<NVImage['colormapLabel']> {
  const lut = new Uint8ClampedArray(table.I.length * 4);
  table.I.forEach((value, i) => {
    lut.set([table.R[i] ?? 0, table.G[i] ?? 0, table.B[i] ?? 0, table.A[i] ?? 0], value * 4);
  });
  return { lut, min: 0, max: table.I.length - 1, labels: table.labels };
}

function windowOptions({ low, high }: Window): {
  calMin: number;
  calMax: number;
  isTransparentBelowCalMin: boolean;
} {
  return { calMin: low, calMax: high, isTransparentBelowCalMin: false };
}

/** Where a voxel of the file is in the patient. */
function mmOf({ hdr }: NVImage, voxel: readonly [number, number, number]): Mm {
  const [x = 0, y = 0, z = 0] = hdr.affine.map((row) =>
    row.reduce((sum, weight, axis) => sum + weight * (voxel[axis] ?? 1), 0),
  );
  return [x, y, z];
}

function shapeOf({ hdr }: NVImage): [number, number, number] {
  return [hdr.dims[1] ?? 1, hdr.dims[2] ?? 1, hdr.dims[3] ?? 1];
}

function sameGrid(a: NVImage, b: NVImage): boolean {
  const near = (x: number | undefined, y: number | undefined) => Math.abs((x ?? 0) - (y ?? 0)) < 1e-3;
  return (
    shapeOf(a).every((n, i) => n === shapeOf(b)[i]) &&
    a.hdr.affine.flat().every((v, i) => near(v, b.hdr.affine.flat()[i]))
  );
}

/** Two frames: the first is asked for, the second says that it was drawn. A hidden tab draws none. */
function drawn(): Promise<void> {
  if (document.hidden) return Promise.resolve();
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())));
}
