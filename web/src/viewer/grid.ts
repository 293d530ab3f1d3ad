/** Where voxels are in the patient, and how a plane through them lies on the screen. Millimetres are RAS: to the right, the front,
 *  the head. Voxel indices are the file's own, x fastest. Plain functions over plain data. */

export type Triple = readonly [number, number, number];
export type Mm = Triple;
export type Axis = 0 | 1 | 2;
/** Three rows of four, from voxel index to millimetres. */
export type Affine = readonly (readonly number[])[];

export interface Grid {
  shape: Triple;
  affine: Affine;
}

export type PlaneName = 'axial' | 'coronal' | 'sagittal';
export const PLANES: readonly PlaneName[] = ['axial', 'coronal', 'sagittal'];
/** Radiologists look from the feet: the patient's right is on the left of the picture. Surgeons look from the head. */
export type Convention = 'radiological' | 'neurological';

/** An axis of the file along a side of the picture; `back` where the picture runs against the file. */
export interface Side {
  axis: Axis;
  back: boolean;
}

/** A plane on the screen: across to the right, down, and through from slice to slice. */
export interface Plane {
  name: PlaneName;
  across: Side;
  down: Side;
  through: Axis;
  /** Whether slices towards the head, the front or the patient's right have a higher index. */
  rising: boolean;
  /** What is at the left, right, top and bottom edge. */
  letters: { left: string; right: string; top: string; bottom: string };
}

const ORDERS: readonly (readonly [Axis, Axis, Axis])[] = [
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
];

export function mmOf({ affine }: { affine: Affine }, [i, j, k]: Triple): Mm {
  const row = (r: readonly number[] = []) =>
    (r[0] ?? 0) * i + (r[1] ?? 0) * j + (r[2] ?? 0) * k + (r[3] ?? 0);
  return [row(affine[0]), row(affine[1]), row(affine[2])];
}

/** The inverse of `mmOf`; indices need not be whole. */
export function voxelOf({ affine }: { affine: Affine }, mm: Mm): Triple {
  const at = (r: number, c: number) => affine[r]?.[c] ?? 0;
  const [x, y, z] = [mm[0] - at(0, 3), mm[1] - at(1, 3), mm[2] - at(2, 3)];
  const minor = (r: number, c: number) => {
    const [r1, r2] = [(r + 1) % 3, (r + 2) % 3];
    const [c1, c2] = [(c + 1) % 3, (c + 2) % 3];
    return at(r1, c1) * at(r2, c2) - at(r1, c2) * at(r2, c1);
  };
  const determinant = at(0, 0) * minor(0, 0) + at(0, 1) * minor(0, 1) + at(0, 2) * minor(0, 2);
  const index = (c: number) => (minor(0, c) * x + minor(1, c) * y + minor(2, c) * z) / determinant;
  return [index(0), index(1), index(2)];
}

/** The voxel that a place falls into; the nearest one where it is outside. */
export function nearestVoxel(grid: Grid, mm: Mm): Triple {
  const [i, j, k] = voxelOf(grid, mm);
  const inside = (value: number, size: number) => Math.min(size - 1, Math.max(0, Math.round(value)));
  return [inside(i, grid.shape[0]), inside(j, grid.shape[1]), inside(k, grid.shape[2])];
}

export function isInside(grid: Grid, mm: Mm): boolean {
  return voxelOf(grid, mm).every((v, axis) => v > -0.5 && v < (grid.shape[axis as Axis] ?? 0) - 0.5);
}

export function spacing({ affine }: { affine: Affine }): Triple {
  const side = (c: number) => Math.hypot(affine[0]?.[c] ?? 0, affine[1]?.[c] ?? 0, affine[2]?.[c] ?? 0);
  return [side(0), side(1), side(2)];
}

/** For right, front and head: the file's axis that runs that way, and whether it runs against it. */
export function directions(grid: { affine: Affine }): readonly [Side, Side, Side] {
  const sides = spacing(grid);
  const share = (r: number, c: Axis) => (grid.affine[r]?.[c] ?? 0) / (sides[c] || 1);
  const along = (order: readonly [Axis, Axis, Axis]) =>
    order.reduce<number>((sum, c, r) => sum + Math.abs(share(r, c)), 0);
  const best = ORDERS.reduce((a, b) => (along(b) > along(a) + 1e-9 ? b : a));
  const side = (r: 0 | 1 | 2): Side => ({ axis: best[r], back: share(r, best[r]) < 0 });
  return [side(0), side(1), side(2)];
}

/** By how many degrees the grid is turned away from the patient's axes. */
export function tilt(grid: { affine: Affine }): number {
  const sides = spacing(grid);
  const cosines = directions(grid).map(({ axis }, r) =>
    Math.abs((grid.affine[r]?.[axis] ?? 0) / (sides[axis] || 1)),
  );
  return (Math.acos(Math.min(1, Math.min(...cosines))) * 180) / Math.PI;
}

export function planeOf(grid: { affine: Affine }, name: PlaneName, convention: Convention): Plane {
  const [right, front, head] = directions(grid);
  // Towards the patient's left where radiologists look.
  const across = convention === 'radiological' ? turned(right) : right;
  const [left, rightLetter] = convention === 'radiological' ? ['R', 'L'] : ['L', 'R'];
  if (name === 'axial')
    return {
      name,
      across,
      down: turned(front),
      through: head.axis,
      rising: !head.back,
      letters: { left, right: rightLetter, top: 'A', bottom: 'P' },
    };
  if (name === 'coronal')
    return {
      name,
      across,
      down: turned(head),
      through: front.axis,
      rising: !front.back,
      letters: { left, right: rightLetter, top: 'S', bottom: 'I' },
    };
  return {
    name,
    across: turned(front),
    down: turned(head),
    through: right.axis,
    rising: !right.back,
    letters: { left: 'A', right: 'P', top: 'S', bottom: 'I' },
  };
}

function turned({ axis, back }: Side): Side {
  return { axis, back: !back };
}

/** A pixel of a slice for a voxel, and back. */
export function pixelOf(shape: Triple, { across, down }: Plane, voxel: Triple): [number, number] {
  const along = ({ axis, back }: Side) => (back ? shape[axis] - 1 - voxel[axis] : voxel[axis]);
  return [along(across), along(down)];
}

export function voxelAt(
  shape: Triple,
  { across, down, through }: Plane,
  [u, v]: readonly [number, number],
  slice: number,
): Triple {
  const voxel: [number, number, number] = [0, 0, 0];
  voxel[across.axis] = across.back ? shape[across.axis] - 1 - u : u;
  voxel[down.axis] = down.back ? shape[down.axis] - 1 - v : v;
  voxel[through] = slice;
  return voxel;
}

/** The axis with the widest spacing, across which slices were taken; the last one where all are alike. */
export function stackAxis(grid: { affine: Affine }): Axis {
  const [a, b, c] = spacing(grid);
  if (a > b * 1.01 && a > c * 1.01) return 0;
  if (b > a * 1.01 && b > c * 1.01) return 1;
  return 2;
}

/** Whether two grids are one: equal sides, and no corner further away than a hundredth of a voxel. */
export function sameGrid(a: Grid, b: Grid): boolean {
  if (a.shape.some((side, axis) => side !== b.shape[axis as Axis])) return false;
  const near = Math.min(...spacing(a)) / 100;
  const [x, y, z] = a.shape;
  const corners: Triple[] = [
    [0, 0, 0],
    [x, 0, 0],
    [0, y, 0],
    [0, 0, z],
  ];
  return corners.every((corner) => {
    const [p, q] = [mmOf(a, corner), mmOf(b, corner)];
    return Math.hypot(p[0] - q[0], p[1] - q[1], p[2] - q[2]) < near;
  });
}
