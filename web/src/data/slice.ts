/** Which slice of a case is looked at, and where a voxel lies in its picture. */
import type { CaseView, ViewPlane } from '../lib/api/datasets';
import { readNumbers } from '../lib/route';

export const PLANES = ['axial', 'coronal', 'sagittal'] as const;
export type PlaneName = (typeof PLANES)[number];
export const LOOKS = ['outline', 'fill', 'none'] as const;
export type Look = (typeof LOOKS)[number];
export type Voxel = readonly [number, number, number];

export function readPlane(text: string | undefined): PlaneName {
  return PLANES.find((one) => one === text) ?? 'axial';
}

export function readLook(text: string | undefined): Look {
  return LOOKS.find((one) => one === text) ?? 'outline';
}

/** A voxel out of an address: `12,40,7`. */
export function readVoxel(text: string | undefined): Voxel | null {
  const [i, j, k] = readNumbers(text, 3) ?? [];
  return i === undefined || j === undefined || k === undefined ? null : [i, j, k];
}

/** The slice to begin with: the voxel's, else the one with most label, else the middle. */
export function usualIndex(view: CaseView, plane: ViewPlane, at: Voxel | null): number {
  return clamp(
    view,
    plane,
    at?.[plane.axis] ?? view.most?.[plane.axis] ?? Math.floor((view.shape[plane.axis] ?? 1) / 2),
  );
}

export function clamp(view: CaseView, plane: ViewPlane, index: number): number {
  return Math.max(0, Math.min((view.shape[plane.axis] ?? 1) - 1, Math.round(index)));
}

/** Where a voxel's centre lies in a picture of its plane, from 0 to 1 to the right and down. */
export function placeOf(view: CaseView, plane: ViewPlane, at: Voxel): { x: number; y: number } {
  const share = (axis: number, turned: boolean) => {
    const from = ((at[axis as 0 | 1 | 2] ?? 0) + 0.5) / (view.shape[axis] ?? 1);
    return turned ? 1 - from : from;
  };
  return { x: share(plane.across, plane.across_turned), y: share(plane.down, plane.down_turned) };
}

/** The voxel under a place of a picture. */
export function voxelAt(view: CaseView, plane: ViewPlane, index: number, x: number, y: number): Voxel {
  const at: [number, number, number] = [0, 0, 0];
  const put = (axis: number, share: number, turned: boolean) => {
    const side = view.shape[axis] ?? 1;
    at[axis as 0 | 1 | 2] = Math.max(0, Math.min(side - 1, Math.floor((turned ? 1 - share : share) * side)));
  };
  put(plane.across, x, plane.across_turned);
  put(plane.down, y, plane.down_turned);
  at[plane.axis as 0 | 1 | 2] = index;
  return at;
}
