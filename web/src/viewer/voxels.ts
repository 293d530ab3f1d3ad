/** Arithmetic on label maps: differences and outlines. Arrays are in file order, x fastest. */

export type Labels =
  | Uint8Array
  | Int8Array
  | Uint16Array
  | Int16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;
type Shape = readonly [number, number, number];

/** 1 where the truth was missed, 2 where the prediction is extra, 3 where both name different classes. */
export function difference(truth: Labels, prediction: Labels): Uint8Array {
  const out = new Uint8Array(truth.length);
  for (let i = 0; i < out.length; i++) {
    const t = truth[i] ?? 0;
    const p = prediction[i] ?? 0;
    if (t !== p) out[i] = p === 0 ? 1 : t === 0 ? 2 : 3;
  }
  return out;
}

/** Keeps the rim of each class, in the planes across `stack` (the axis in which slices were taken). */
export function outline<L extends Labels>(labels: L, [nx, ny, nz]: Shape, stack: 0 | 1 | 2): L {
  const out = labels.slice() as L;
  const strides = [1, nx, nx * ny];
  const sizes = [nx, ny, nz];
  const across = [0, 1, 2].filter((axis) => axis !== stack);
  let i = 0;
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, i++) {
        const value = labels[i];
        if (!value) continue;
        const at = [x, y, z];
        const inside = across.every((axis) => {
          const step = strides[axis] ?? 1;
          const place = at[axis] ?? 0;
          return (
            place > 0 &&
            place < (sizes[axis] ?? 1) - 1 &&
            labels[i - step] === value &&
            labels[i + step] === value
          );
        });
        if (inside) out[i] = 0;
      }
    }
  }
  return out;
}

/** The labels where none of the outlines runs; an outline's hidden classes count as not there. */
export function without<L extends Labels>(
  labels: L,
  outlines: readonly { rim: Labels; hidden: ReadonlySet<number> }[],
): L {
  const out = labels.slice() as L;
  for (const { rim, hidden } of outlines) {
    for (let i = 0; i < out.length; i++) {
      const value = rim[i] ?? 0;
      if (value && !hidden.has(value)) out[i] = 0;
    }
  }
  return out;
}

/** The axis with the widest spacing; the last one where all are alike. */
export function stackAxis(spacing: readonly number[]): 0 | 1 | 2 {
  const [a = 1, b = 1, c = 1] = spacing.map(Math.abs);
  if (a > b * 1.01 && a > c * 1.01) return 0;
  if (b > a * 1.01 && b > c * 1.01) return 1;
  return 2;
}

export function largest(labels: Labels): number {
  let top = 0;
  for (let i = 0; i < labels.length; i++) if ((labels[i] ?? 0) > top) top = labels[i] ?? 0;
  return top;
}

/** Where two label maps differ most: the slice across `stack` with the most differing voxels, and in it the differing voxel
 *  nearest to their middle. `value` is the one class that counts; null for all. */
export function worst(
  truth: Labels,
  prediction: Labels,
  [nx, ny, nz]: Shape,
  stack: 0 | 1 | 2,
  value: number | null,
): [number, number, number] | null {
  const sizes = [nx, ny, nz];
  const counts = new Float64Array(sizes[stack] ?? 1);
  const differs = (i: number) => {
    const [t, p] = [truth[i] ?? 0, prediction[i] ?? 0];
    return value === null ? t !== p : (t === value) !== (p === value);
  };
  const each = (visit: (at: [number, number, number]) => void) => {
    let i = 0;
    for (let z = 0; z < nz; z++)
      for (let y = 0; y < ny; y++) for (let x = 0; x < nx; x++, i++) if (differs(i)) visit([x, y, z]);
  };
  each((at) => {
    counts[at[stack]] = (counts[at[stack]] ?? 0) + 1;
  });
  const slice = counts.indexOf(Math.max(...counts));
  const count = counts[slice] ?? 0;
  if (count === 0) return null;
  const middle = [0, 0, 0];
  each((at) => {
    if (at[stack] !== slice) return;
    for (const axis of [0, 1, 2]) middle[axis] = (middle[axis] ?? 0) + (at[axis] ?? 0) / count;
  });
  let best: [number, number, number] | null = null;
  let distance = Number.POSITIVE_INFINITY;
  each((at) => {
    if (at[stack] !== slice) return;
    const d = at.reduce((sum, v, axis) => sum + (v - (middle[axis] ?? 0)) ** 2, 0);
    if (d < distance) [best, distance] = [at, d];
  });
  return best;
}
