/** What the page asks of whatever draws volumes. `niivue.ts` is the one file that knows which library does. */
import type { LabelClass } from './palette';
import type { Window } from './windows';

export type Mm = readonly [number, number, number];
export type LayoutName = 'planes' | 'axial' | 'coronal' | 'sagittal' | 'render';
export const LAYOUTS: readonly { id: LayoutName; name: string }[] = [
  { id: 'planes', name: 'Planes + 3D' },
  { id: 'axial', name: 'Axial' },
  { id: 'coronal', name: 'Coronal' },
  { id: 'sagittal', name: 'Sagittal' },
  { id: 'render', name: '3D' },
];

export interface LayerSource {
  name: string;
  file: File;
  classes: LabelClass[];
}

export interface LayerLook {
  visible: boolean;
  opacity: number;
  outline: boolean;
  hidden: ReadonlySet<number>;
}

/** What is under the crosshair: RAS millimetres, the scan's own value, and each layer's label. */
export interface Location {
  mm: Mm;
  value: number | null;
  labels: { layer: string; value: number; name: string }[];
}

export interface Scene {
  /** Draws another scan; the crosshair goes to its middle. Resolves when it is on the screen. */
  load(
    scan: File,
    layers: LayerSource[],
    looks: Record<string, LayerLook>,
    window: Window | null,
  ): Promise<void>;
  /** Draws other label maps over the same scan; crosshair, zoom and window stay. */
  swapLayers(layers: LayerSource[], looks: Record<string, LayerLook>): Promise<void>;
  setLayer(name: string, look: LayerLook): Promise<void>;
  setWindow(window: Window): Promise<void>;
  setLayout(layout: LayoutName): void;
  setCrosshairMm(mm: Mm): void;
  /** The middle of the slice in which truth and prediction differ most, for one class or for all; null where they agree. */
  worst(className: string | null): Mm | null;
  setBackground(rgb: readonly [number, number, number]): void;
  onLocation(listener: (location: Location) => void): void;
  /** Calls back when the window was changed by dragging in the picture. */
  onWindow(listener: (window: Window) => void): void;
  /** The smallest and the largest value of the scan. */
  range(): Window;
  /** Layers that lie on another grid than the scan, in words. */
  warnings(): string[];
  snapshot(): Promise<Blob>;
  dispose(): void;
}
