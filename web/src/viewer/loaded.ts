/** A case at a step, ready to be drawn: its scan, and the label maps that lie on its grid. */
import { api } from '../lib/api';
import type { CaseVolume } from '../lib/api/types';
import {
  type Affine,
  type Grid,
  type Mm,
  mmOf,
  nearestVoxel,
  sameGrid,
  stackAxis,
  type Triple,
} from './grid';
import type { DrawnLayer, LayerLook } from './painter';
import { colourClasses, type LabelClass } from './palette';
import type { VolumeShelf } from './shelf';
import { gridOf, type LabelMap, labelAt, placed, type Scan, valueAt, worstPlace } from './volume';

export interface Shown {
  volume: CaseVolume;
  grid: Grid;
  scan: Scan;
  layers: { name: string; map: LabelMap; classes: LabelClass[] }[];
  /** What could not be drawn, in words. */
  warnings: string[];
}

export interface Source {
  run: string;
  case: string;
  /** Null for the newest. */
  step: number | null;
  /** What it was logged as; null for what was logged last. */
  name: string | null;
}

/** Fetches what is not there yet. A scan of the same content is the same from epoch to epoch, so that only small maps travel. */
export async function fetchShown(source: Source, shelf: VolumeShelf, signal: AbortSignal): Promise<Shown> {
  const volume = await api.volume(source.run, source.case, source.step, source.name, signal);
  const [scan, ...maps] = await Promise.all([
    shelf.scan(volume.image.url),
    ...volume.layers.map((layer) =>
      shelf
        .labels(layer.url)
        .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error)))),
    ),
  ]);
  const grid: Grid = {
    shape: volume.geometry.shape as unknown as Triple,
    affine: volume.geometry.affine as Affine,
  };
  const warnings: string[] = [];
  if (grid.shape.some((side, axis) => side !== scan.shape[axis as 0 | 1 | 2]))
    throw new Error(
      `The scan has ${scan.shape.join(' × ')} voxels, and ${grid.shape.join(' × ')} were logged; it was changed since.`,
    );
  const layers = volume.layers.flatMap((layer, i) => {
    const came = maps[i];
    if (!came || came instanceof Error) {
      warnings.push(`The layer “${layer.name}” cannot be shown. ${came?.message ?? ''}`);
      return [];
    }
    const map = layer.start ? placed(came, layer.start as unknown as Triple, grid.shape) : came;
    if (!map || !sameGrid(grid, gridOf(map))) {
      warnings.push(
        `The layer “${layer.name}” lies on another grid than the scan and is not drawn; log it on the scan's grid.`,
      );
      return [];
    }
    return [{ name: layer.name, map, classes: colourClasses(layer.name, layer.classes) }];
  });
  return { volume, grid, scan, layers, warnings };
}

/** What a channel is called; its number where nobody has named it. */
export function channelName(names: readonly string[], channel: number): string {
  return names[channel] ?? `channel ${channel + 1}`;
}

/** The layers as they are to be drawn, with the difference of truth and prediction above them. */
export function drawnLayers(
  shown: Shown,
  looks: Readonly<Record<string, LayerLook>>,
  flicker: 'truth' | 'prediction' | null,
): DrawnLayer[] {
  const drawn: DrawnLayer[] = shown.layers.flatMap((layer) => {
    const look = looks[layer.name];
    if (!look) return [];
    // Flickering shows one of the two at a time, both in the same way, so that only what differs moves.
    const seen = flicker === null ? look.visible : layer.name === flicker;
    return [{ ...layer, look: { ...look, visible: seen } }];
  });
  const look = looks.difference;
  if (hasBoth(shown) && look) drawn.push({ name: 'difference', map: null, classes: DIFFERENCES, look });
  return drawn;
}

const DIFFERENCES = colourClasses('difference', []);

export function hasBoth({ layers }: Shown): boolean {
  return ['truth', 'prediction'].every((name) => layers.some((layer) => layer.name === name));
}

/** What lies under the crosshair. */
export interface Reading {
  mm: Mm;
  voxel: Triple;
  values: number[];
  labels: { layer: string; value: number; name: string; colour: LabelClass['colour'] | null }[];
}

export function readAt(shown: Shown, mm: Mm): Reading {
  const voxel = nearestVoxel(shown.grid, mm);
  return {
    mm: mmOf(shown.grid, voxel),
    voxel,
    values: Array.from({ length: shown.scan.channels }, (_, channel) => valueAt(shown.scan, voxel, channel)),
    labels: shown.layers.map(({ name, map, classes }) => {
      const value = labelAt(map, voxel);
      const found = classes.find((one) => one.value === value);
      return {
        layer: name,
        value,
        name: found?.name ?? (value ? `label ${value}` : ''),
        colour: found?.colour ?? null,
      };
    }),
  };
}

/** The place in which truth and prediction differ most; null where they agree, or one of them is missing. */
export function worstOf(shown: Shown, className: string | null): Mm | null {
  const of = (name: string) => shown.layers.find((layer) => layer.name === name);
  const [truth, prediction] = [of('truth'), of('prediction')];
  if (!truth || !prediction) return null;
  const value = truth.classes.find((one) => one.name === className)?.value ?? null;
  const voxel = worstPlace(truth.map, prediction.map, stackAxis(shown.grid), value);
  return voxel && mmOf(shown.grid, voxel);
}

/** The middle of the box; between voxels where a side is even. */
export function middleOf(grid: Grid): Mm {
  const [x, y, z] = grid.shape;
  return mmOf(grid, [(x - 1) / 2, (y - 1) / 2, (z - 1) / 2]);
}
