import { describe, expect, test, vi } from 'vitest';
import { presentIn, withUnnamed } from '../src/viewer/classes';
import {
  type Affine,
  directions,
  type Grid,
  mmOf,
  nearestVoxel,
  pixelOf,
  planeOf,
  sameGrid,
  stackAxis,
  type Triple,
  tilt,
  voxelAt,
  voxelOf,
} from '../src/viewer/grid';
import type { Shown } from '../src/viewer/loaded';
import { frameOf } from '../src/viewer/painter';
import { apart, colourClasses, labelTable, unnamedClass } from '../src/viewer/palette';
import { VolumeShelf } from '../src/viewer/shelf';
import { cutLabels, differ, outlines, paintScan, pixelTable, sectionSize } from '../src/viewer/slice';
import { thin } from '../src/viewer/solid';
import {
  keptAt,
  neighbour,
  planesOf,
  readBeside,
  readLayer,
  readLayout,
  readMm,
  usualChoice,
  writeBeside,
  writeLayer,
  writeMm,
} from '../src/viewer/state';
import {
  type LabelMap,
  labelAt,
  placed,
  readLabels,
  readScan,
  type Scan,
  valueAt,
  worstPlace,
} from '../src/viewer/volume';
import {
  firstWindow,
  levelOf,
  looksLikeCt,
  nextPreset,
  PRESETS,
  presetOf,
  readWindow,
  windowOf,
  writeWindow,
} from '../src/viewer/windows';

const SHAPE: Triple = [4, 3, 5];

/** All 48 ways in which a file's axes can lie, with unequal spacing. */
function orientations(): Affine[] {
  const orders = [
    [0, 1, 2],
    [0, 2, 1],
    [1, 0, 2],
    [1, 2, 0],
    [2, 0, 1],
    [2, 1, 0],
  ];
  return orders.flatMap((order) =>
    [0, 1, 2, 3, 4, 5, 6, 7].map((signs) =>
      [0, 1, 2].map((row) => {
        const line = [0, 0, 0, 10 * row - 7];
        const axis = order[row] ?? 0;
        line[axis] = (signs >> row) & 1 ? -(axis + 1.5) : axis + 1.5;
        return line;
      }),
    ),
  );
}

function turned(degrees: number): Affine {
  const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
  return [
    [2 * c, -3 * s, 0, 5],
    [2 * s, 3 * c, 0, -8],
    [0, 0, 4, 1],
  ];
}

function everyVoxel(shape: Triple): Triple[] {
  const all: Triple[] = [];
  for (let k = 0; k < shape[2]; k++)
    for (let j = 0; j < shape[1]; j++) for (let i = 0; i < shape[0]; i++) all.push([i, j, k]);
  return all;
}

const GRIDS: Grid[] = [...orientations(), turned(20), turned(-35)].map((affine) => ({
  shape: SHAPE,
  affine,
}));

describe('grids', () => {
  test('lead from a voxel to the patient and back, in every orientation', () => {
    for (const grid of GRIDS)
      for (const voxel of everyVoxel(SHAPE)) expect(nearestVoxel(grid, mmOf(grid, voxel))).toEqual(voxel);
  });

  test('right, front and head run along the axes that lie nearest to them', () => {
    for (const grid of orientations().map((affine) => ({ affine })))
      directions(grid).forEach(({ axis, back }, row) => {
        expect(Math.sign(grid.affine[row]?.[axis] ?? 0)).toBe(back ? -1 : 1);
      });
    expect(tilt({ affine: turned(20) })).toBeCloseTo(20);
    expect(tilt({ affine: orientations()[13] ?? [] })).toBeCloseTo(0);
  });

  test('planes lie as radiologists look, or turned left to right, whatever the file', () => {
    for (const grid of GRIDS)
      for (const convention of ['radiological', 'neurological'] as const) {
        const right = convention === 'radiological' ? -1 : 1;
        const expected = {
          axial: [0, right, 1, -1],
          coronal: [0, right, 2, -1],
          sagittal: [1, -1, 2, -1],
        } as const;
        for (const name of ['axial', 'coronal', 'sagittal'] as const) {
          const plane = planeOf(grid, name, convention);
          const [x, y] = [mmAt(grid, plane, [1, 0]), mmAt(grid, plane, [0, 1])];
          const origin = mmAt(grid, plane, [0, 0]);
          const [across, rightwards, down, downwards] = expected[name];
          expect(Math.sign((x[across] ?? 0) - (origin[across] ?? 0))).toBe(rightwards);
          expect(Math.sign((y[down] ?? 0) - (origin[down] ?? 0))).toBe(downwards);
          for (const voxel of everyVoxel(SHAPE))
            expect(voxelAt(SHAPE, plane, pixelOf(SHAPE, plane, voxel), voxel[plane.through])).toEqual(voxel);
        }
      }
  });

  test('a place outside belongs to the nearest voxel', () => {
    const grid = { shape: SHAPE, affine: turned(0) };
    expect(nearestVoxel(grid, mmOf(grid, [-5, 1, 99]))).toEqual([0, 1, 4]);
    expect(voxelOf(grid, mmOf(grid, [0.25, 1.5, 2])).map((v) => Number(v.toFixed(6)))).toEqual([
      0.25, 1.5, 2,
    ]);
  });

  test('are one where no corner is off', () => {
    const grid = { shape: SHAPE, affine: turned(20) };
    const shifted = grid.affine.map((row, i) => (i === 0 ? [...row.slice(0, 3), (row[3] ?? 0) + 0.5] : row));
    expect(sameGrid(grid, { ...grid })).toBe(true);
    expect(sameGrid(grid, { ...grid, affine: shifted })).toBe(false);
    expect(sameGrid(grid, { ...grid, shape: [4, 3, 6] })).toBe(false);
    expect(sameGrid(grid, { ...grid, affine: turned(21) })).toBe(false);
  });

  test('the stack runs along the widest spacing', () => {
    const along = (a: number, b: number, c: number) =>
      stackAxis({
        affine: [
          [a, 0, 0, 0],
          [0, b, 0, 0],
          [0, 0, c, 0],
        ],
      });
    expect([along(0.8, 0.8, 5), along(3, 1, 1), along(1, -3, 1), along(1, 1, 1)]).toEqual([2, 0, 1, 2]);
  });

  test('the picture keeps the proportions of the patient', () => {
    const grid = { shape: SHAPE, affine: turned(0) };
    const plane = planeOf(grid, 'coronal', 'radiological');
    const frame = frameOf({ grid, plane, zoom: 2, centre: [1.5, 1, 2] }, 400, 400);
    expect(frame.down / frame.across).toBeCloseTo(2);
    // 5 slices of 4 mm are the taller side: they fill the picture, twice.
    expect(frame.down).toBeCloseTo((400 / 20) * 4 * 2);
    expect([frame.x + 2 * frame.across, frame.y + 2.5 * frame.down]).toEqual([200, 200]);
  });
});

function mmAt(grid: Grid, plane: ReturnType<typeof planeOf>, pixel: [number, number]): Triple {
  return mmOf(grid, voxelAt(grid.shape, plane, pixel, 0));
}

interface File {
  shape?: readonly number[];
  type?: number;
  bits?: number;
  values: readonly number[];
  slope?: number;
  inter?: number;
  big?: boolean;
  affine?: Affine;
  placed?: boolean;
}

/** A NIfTI file, byte by byte, as others write it. */
function nifti({
  shape = SHAPE,
  type = 4,
  bits = 16,
  values,
  slope = 0,
  inter = 0,
  big = false,
  affine = turned(0),
  placed = true,
}: File): ArrayBuffer {
  const bytes = new ArrayBuffer(352 + (values.length * bits) / 8);
  const view = new DataView(bytes);
  const little = !big;
  view.setInt32(0, 348, little);
  for (const [i, side] of [shape.length, ...shape].entries()) view.setInt16(40 + 2 * i, side, little);
  view.setInt16(70, type, little);
  view.setInt16(72, bits, little);
  view.setFloat32(108, 352, little);
  view.setFloat32(112, slope, little);
  view.setFloat32(116, inter, little);
  for (const [i, side] of [2, 3, 4].entries()) view.setFloat32(80 + 4 * i, side, little);
  view.setInt16(252, placed ? 2 : 0, little);
  view.setInt16(254, placed ? 1 : 0, little);
  for (const [i, value] of affine.flat().entries()) view.setFloat32(280 + 4 * i, value, little);
  new Uint8Array(bytes, 344, 3).set([0x6e, 0x2b, 0x31]);
  for (const [i, value] of values.entries()) {
    const at = 352 + (i * bits) / 8;
    if (type === 4) view.setInt16(at, value, little);
    else if (type === 16) view.setFloat32(at, value, little);
    else view.setUint8(at, value);
  }
  return bytes;
}

const COUNT = SHAPE[0] * SHAPE[1] * SHAPE[2];
const RISING = Array.from({ length: COUNT }, (_, i) => 10 * i - 200);

describe('files', () => {
  test('hold values in the scan’s own units, in either byte order', () => {
    for (const big of [false, true]) {
      const scan = readScan(nifti({ values: RISING, slope: 2, inter: -1000, big }), 'scan.nii');
      expect(scan.shape).toEqual(SHAPE);
      everyVoxel(SHAPE).forEach((voxel, i) => {
        expect(valueAt(scan, voxel)).toBe(2 * (RISING[i] ?? 0) - 1000);
      });
      expect(scan.ranges[0]?.full).toEqual({ low: -1400, high: 2 * (10 * (COUNT - 1) - 200) - 1000 });
    }
  });

  test('of several channels have each its own range, and what is no number counts for none', () => {
    const values = [...RISING, ...RISING.map((v, i) => (i === 7 ? Number.NaN : v / 1000))];
    const scan = readScan(nifti({ shape: [...SHAPE, 2], type: 16, bits: 32, values }), 'mri.nii');
    expect(scan.channels).toBe(2);
    expect(scan.ranges[1]?.full.low).toBeCloseTo(-0.2);
    expect(valueAt(scan, [1, 0, 0], 1)).toBeCloseTo((RISING[1] ?? 0) / 1000);
    expect(valueAt(scan, [3, 1, 0], 1)).toBeNaN();
  });

  test('of colours are shown as they are', () => {
    const scan = readScan(
      nifti({ shape: [2, 1, 1], type: 128, bits: 8, values: [255, 0, 0, 0, 0, 255] }),
      'rgb.nii',
    );
    expect([scan.colour, valueAt(scan, [0, 0, 0]), valueAt(scan, [1, 0, 0])]).toEqual([true, 76, 29]);
  });

  test('that are damaged, cut off, empty or of strange numbers are told apart', () => {
    const whole = nifti({ values: RISING });
    expect(() => readScan(new ArrayBuffer(10), 'a.nii')).toThrow('a.nii is no NIfTI file');
    expect(() => readScan(whole.slice(0, 400), 'a.nii')).toThrow('ends too early');
    expect(() => readScan(nifti({ shape: [0, 3, 5], values: [] }), 'a.nii')).toThrow('is empty');
    expect(() => readScan(nifti({ type: 32, values: RISING }), 'a.nii')).toThrow('NIfTI type 32');
    expect(() => readScan(nifti({ shape: [30_000, 30_000, 30_000], values: [] }), 'a.nii')).toThrow('GB');
    expect(() => readLabels(nifti({ type: 16, bits: 32, values: RISING.map(() => 0.5) }), 'l.nii')).toThrow(
      'holds 0.5',
    );
    expect(() => readLabels(nifti({ values: RISING }), 'l.nii')).toThrow('label map');
    expect(() =>
      readLabels(nifti({ shape: [...SHAPE, 2], values: [...RISING, ...RISING] }), 'l.nii'),
    ).toThrow('channels');
  });

  test('of labels are cropped to what is marked, and read as if they were not', () => {
    const values = RISING.map((_, i) => ([17, 18, 30].includes(i) ? 3 : i === 31 ? 300 : 0));
    const map = readLabels(nifti({ values }), 'l.nii');
    expect(map.data.length).toBeLessThan(COUNT);
    expect(map.largest).toBe(300);
    everyVoxel(SHAPE).forEach((voxel, i) => {
      expect(labelAt(map, voxel)).toBe(values[i]);
    });
    expect(map.affine).toEqual(turned(0).map((row) => row.map(Math.fround)));
    const nothing = readLabels(nifti({ values: RISING.map(() => 0) }), 'l.nii');
    expect([nothing.data.length, labelAt(nothing, [0, 0, 0])]).toEqual([0, 0]);
  });

  test('that do not say where they lie are put where nibabel puts them', () => {
    expect(readLabels(nifti({ values: RISING.map(() => 0), placed: false }), 'l.nii').affine).toEqual([
      [-2, 0, 0, 3],
      [0, 3, 0, -3],
      [0, 0, 4, -8],
    ]);
  });

  test('are first shown without the background that most voxels have', () => {
    const values = RISING.map((_, i) => (i % 3 ? 0 : 100 + i));
    expect(scanOf(values).ranges[0]).toEqual({ full: { low: 0, high: 157 }, usual: { low: 100, high: 157 } });
    const mask = RISING.map((_, i) => i % 2);
    expect(scanOf(mask).ranges[0]).toEqual({ full: { low: 0, high: 1 }, usual: { low: 0, high: 1 } });
  });

  test('of labels that came as a box lie where the box was cut from, or nowhere', () => {
    const values = RISING.map((_, i) => i + 1);
    const box = readLabels(nifti({ values }), 'l.nii');
    const whole: Triple = [SHAPE[0] + 3, SHAPE[1] + 2, SHAPE[2] + 4];
    const start: Triple = [2, 1, 4];
    const map = placed(box, start, whole);
    if (!map) throw new Error('it fits');
    everyVoxel(whole).forEach((voxel) => {
      const [x, y, z] = voxel.map((v, axis) => v - (start[axis as 0 | 1 | 2] ?? 0)) as [
        number,
        number,
        number,
      ];
      const inside = [x, y, z].every((v, axis) => v >= 0 && v < (SHAPE[axis as 0 | 1 | 2] ?? 0));
      expect(labelAt(map, voxel)).toBe(inside ? values[x + SHAPE[0] * (y + SHAPE[1] * z)] : 0);
    });
    const corner = mmOf({ affine: map.affine }, start);
    mmOf({ affine: box.affine }, [0, 0, 0]).forEach((mm, axis) => {
      expect(corner[axis as 0 | 1 | 2]).toBeCloseTo(mm, 4);
    });
    for (const beyond of [
      [4, 1, 4],
      [2, 3, 4],
      [2, 1, 5],
      [-1, 0, 0],
    ] as Triple[])
      expect(placed(box, beyond, whole)).toBeNull();
  });
});

function scanOf(values: readonly number[]): Scan {
  return readScan(nifti({ type: 16, bits: 32, values }), 'scan.nii');
}

function mapOf(marks: Record<number, number>): LabelMap {
  return readLabels(nifti({ values: RISING.map((_, i) => marks[i] ?? 0) }), 'labels.nii');
}

describe('slices', () => {
  test('show every voxel where it is, in all planes and orientations', () => {
    const scan = scanOf(RISING);
    const map = mapOf({ 17: 3, 30: 5, 31: 300, 59: 1 });
    for (const grid of GRIDS)
      for (const name of ['axial', 'coronal', 'sagittal'] as const) {
        const plane = planeOf(grid, name, 'radiological');
        for (const voxel of everyVoxel(SHAPE)) {
          const slice = voxel[plane.through];
          const [u, v] = pixelOf(SHAPE, plane, voxel);
          const [width] = sectionSize(SHAPE, plane);
          const grey = paintScan(scan, plane, slice, 0, { low: -200, high: 400 }).data[4 * (u + width * v)];
          expect(grey).toBe(Math.floor(((valueAt(scan, voxel) + 200) / 600) * 255 + 0.5));
          expect(cutLabels(map, plane, slice)?.data[u + width * v] ?? 0).toBe(labelAt(map, voxel));
        }
      }
  });

  test('are black below the window, white above it, and black where there is no number', () => {
    const plane = planeOf({ affine: turned(0) }, 'axial', 'neurological');
    const scan = scanOf(RISING.map((_, i) => [-1000, 40, 9999, Number.NaN][i % 4] ?? 0));
    const greys = (inverted: boolean) => {
      const { data } = paintScan(scan, plane, 0, 0, { low: -160, high: 240 }, inverted);
      return [0, 1, 2, 3].map((i) => data[4 * i]);
    };
    // 40 HU in the abdomen's window is its middle.
    expect(greys(false)).toEqual([0, 128, 255, 0]);
    expect(greys(true)).toEqual([255, 127, 0, 255]);
  });

  test('of a difference tell missed, extra and other class', () => {
    const section = (...data: number[]) => ({ width: data.length, height: 1, data: Uint16Array.from(data) });
    const found = differ(section(0, 1, 0, 1, 2), section(0, 1, 1, 0, 1));
    expect([...(found?.data ?? [])]).toEqual([0, 0, 2, 1, 3]);
    expect([...(differ(null, section(0, 4))?.data ?? [])]).toEqual([0, 2]);
    expect(differ(null, null)).toBeNull();
    const without = differ(section(1, 2, 2, 0), section(0, 0, 1, 1), new Set([1]));
    expect([...(without?.data ?? [])]).toEqual([0, 1, 1, 0]);
  });

  test('have outlines along the edges of voxels, each piece once, hidden labels none', () => {
    const data = Uint16Array.from([0, 1, 1, 0, 1, 2]);
    const found = outlines({ width: 3, height: 2, data }, new Set([2]));
    expect([...found.keys()]).toEqual([1]);
    const length = (level: boolean) =>
      (found.get(1) ?? []).filter((e) => e.level === level).reduce((sum, e) => sum + e.length, 0);
    // Three voxels in an L have eight sides that are free.
    expect([length(true), length(false)]).toEqual([4, 4]);
    expect(found.get(1)).toContainEqual({ x: 1, y: 0, length: 2, level: true, out: -1 });
  });

  test('of labels that nobody named are grey, and hidden ones are not there', () => {
    const table = pixelTable([{ value: 2, colour: [255, 0, 16] }], new Set([3]), 4, 0.5);
    expect([...table].map((v) => v.toString(16))).toEqual(['0', '80aaaaaa', '801000ff', '0', '80aaaaaa']);
  });
});

describe('the worst place', () => {
  test('is a differing voxel in the slice with most of them, for one class or for all', () => {
    const at = (x: number, y: number, z: number) => x + 4 * (y + 3 * z);
    // A ring of misses: its middle is no error, so the nearest voxel of the ring is told.
    const ring = Object.fromEntries(
      [
        [0, 0],
        [1, 0],
        [2, 0],
        [0, 1],
        [2, 1],
        [0, 2],
        [1, 2],
        [2, 2],
      ].map(([x = 0, y = 0]) => [at(x, y, 3), 1]),
    );
    const truth = mapOf({ ...ring, [at(3, 0, 0)]: 2 });
    const prediction = mapOf({ [at(3, 0, 0)]: 1, [at(1, 1, 3)]: 0 });
    const found = worstPlace(truth, prediction, 2, null);
    expect(found?.[2]).toBe(3);
    expect(found && labelAt(truth, found)).toBe(1);
    expect(worstPlace(truth, prediction, 2, 2)).toEqual([3, 0, 0]);
    expect(worstPlace(truth, truth, 2, null)).toBeNull();
    expect(worstPlace(mapOf({}), mapOf({}), 2, null)).toBeNull();
  });
});

describe('label tables', () => {
  const classes = colourClasses('prediction', [
    { value: 5, name: 'lesion' },
    { value: 2, name: 'spleen' },
  ]);

  test('are dense from 0 to the largest value in the map, unknown labels grey and named by number', () => {
    const table = labelTable(classes, new Set(), 7);
    expect(table.I).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(table.labels).toEqual([
      '',
      'label 1',
      'spleen',
      'label 3',
      'label 4',
      'lesion',
      'label 6',
      'label 7',
    ]);
    expect([table.R[7], table.G[7], table.B[7]]).toEqual([170, 170, 170]);
  });

  test('hide background and hidden classes by alpha', () => {
    expect(labelTable(classes, new Set([5]), 5).A).toEqual([0, 255, 255, 255, 255, 0]);
  });

  test('follow the value order, whatever order the classes came in, and truth differs from prediction', () => {
    expect(classes.map((c) => c.value)).toEqual([2, 5]);
    const truth = colourClasses('truth', [{ value: 2, name: 'spleen' }]);
    expect(truth[0]?.colour).not.toEqual(classes[0]?.colour);
  });
});

test('3D takes scans of any length, thinned where they are longest', () => {
  expect(thin([240, 240, 25])).toEqual([1, 1, 1]);
  expect(thin([2100, 3, 2])).toEqual([2, 1, 1]);
  expect(thin([3, 9000, 2])).toEqual([1, 5, 1]);
});

describe('classes', () => {
  const many = (layer: string) =>
    colourClasses(
      layer,
      Array.from({ length: 18 }, (_, i) => ({ value: i + 1, name: `organ ${i}` })),
    );

  test('have eighteen colours before one comes again, and none is grey', () => {
    for (const layer of ['truth', 'prediction']) {
      const colours = many(layer).map((one) => one.colour);
      expect(new Set(colours.map(String)).size).toBe(18);
      for (const colour of colours) expect(Math.max(...colour) - Math.min(...colour)).toBeGreaterThan(20);
    }
  });

  test('without a name are told by the map, in a colour that follows from their number', () => {
    const map = mapOf({ 0: 1, 5: 117, 7: 4 });
    expect([...presentIn(map)]).toEqual([1, 4, 117]);
    expect(presentIn(mapOf({})).size).toBe(0);
    const classes = colourClasses('truth', [
      { value: 4, name: 'tumour' },
      { value: 9, name: 'absent' },
    ]);
    const shown = { layers: [{ name: 'truth', map, classes }] } as unknown as Shown;
    const all = withUnnamed(shown).layers[0]?.classes ?? [];
    expect(all.map((one) => [one.value, one.name])).toEqual([
      [4, 'tumour'],
      [9, 'absent'],
      [1, 'label 1'],
      [117, 'label 117'],
    ]);
    expect(all.at(-1)?.colour).toEqual(unnamedClass('truth', 117).colour);
    expect(unnamedClass('truth', 1).colour).toEqual(many('truth')[0]?.colour);
  });
});

describe('windows', () => {
  const ct = { full: { low: -1024, high: 2000 }, usual: { low: -1000, high: 900 } };
  const mri = { full: { low: 0, high: 812 }, usual: { low: 4, high: 640 } };

  test('level and width are the window said otherwise', () => {
    expect(levelOf({ low: -160, high: 240 })).toEqual({ level: 40, width: 400 });
    expect(windowOf(40, 400)).toEqual({ low: -160, high: 240 });
  });

  test('presets go round; those of a CT are for a CT', () => {
    const round = (isCt: boolean) => {
      const seen = [nextPreset(null, isCt)];
      for (let i = 0; i < (isCt ? PRESETS.length + 1 : 1); i++)
        seen.push(nextPreset(seen.at(-1) ?? null, isCt));
      return seen;
    };
    expect(round(true)).toEqual(['abdomen', 'lung', 'bone', 'brain', 'usual', 'full']);
    expect(round(false)).toEqual(['usual', 'full']);
    expect(presetOf({ low: 0, high: 80 }, ct)).toBe('brain');
    expect([presetOf(ct.full, ct), presetOf(ct.usual, ct), presetOf({ low: 1, high: 2 }, ct)]).toEqual([
      'full',
      'usual',
      null,
    ]);
  });

  test('a CT begins with soft tissue, anything else with what is usual in it', () => {
    expect([looksLikeCt(ct.full), looksLikeCt(mri.full)]).toEqual([true, false]);
    expect([firstWindow(ct), firstWindow(mri)]).toMatchObject([{ low: -160, high: 240 }, mri.usual]);
  });

  test('are read back as written, and nonsense is none', () => {
    expect(readWindow('lung', ct)).toEqual({ low: -1350, high: 150 });
    expect([readWindow('full', mri), readWindow('usual', mri)]).toEqual([mri.full, mri.usual]);
    expect(['80,-20', '1,2,3', 'x', '', undefined, 'NaN,3'].map((text) => readWindow(text, ct))).toEqual(
      Array(6).fill(null),
    );
    expect(readWindow(writeWindow({ low: -160.04, high: 240.3 }), ct)).toEqual({ low: -160, high: 240 });
    const fine = readWindow(writeWindow({ low: 0.0012, high: 0.0031 }), ct);
    expect(fine?.low).toBeCloseTo(0.0012, 5);
  });
});

describe("the viewer's address", () => {
  test('layers are read back as written, and nonsense is the usual', () => {
    const choice = { visible: false, opacity: 0.8, outline: true, hidden: [2, 3] };
    expect(readLayer('prediction', writeLayer(choice))).toEqual(choice);
    expect(readLayer('truth', undefined)).toEqual(usualChoice('truth'));
    expect(readLayer('prediction', 'on.900.fill').opacity).toBe(0.5);
  });

  test('layouts and points', () => {
    expect([readLayout('axial'), readLayout('cubist')]).toEqual(['axial', 'planes']);
    expect(planesOf('planes', 1)).toEqual(['axial', 'coronal', 'sagittal']);
    expect([planesOf('planes', 3), planesOf('coronal', 1), planesOf('solid', 1)]).toEqual([
      ['axial'],
      ['coronal'],
      [],
    ]);
    expect(readMm(writeMm([1.23456, -2, 40]))).toEqual([1.23, -2, 40]);
  });

  test('panes beside the first are read back as written, at most three', () => {
    const panes = [
      { run: 'ab12', step: 3, channel: null },
      { run: null, step: null, channel: 1 },
      { run: null, step: 0, channel: 0 },
    ];
    expect(readBeside(writeBeside(panes) ?? '')).toEqual(panes);
    expect(readBeside('a:1:~b:2:~c:3:~d:4:')).toHaveLength(3);
    expect(readBeside('a:zzz:1.5')).toEqual([{ run: 'a', step: null, channel: null }]);
    expect([writeBeside([]), readBeside(undefined)]).toEqual([null, []]);
  });

  test('neighbours end at the ends', () => {
    expect([neighbour([1, 3, 5], 3, 1), neighbour([1, 3, 5], 5, 1), neighbour([1], 9, -1)]).toEqual([
      5,
      null,
      null,
    ]);
  });
});

test('a volume is unpacked once, the least used is dropped when room runs out, and a failure is not kept', async () => {
  const made = (bytes: number) => ({ data: new Uint8Array(bytes) }) as unknown as Scan;
  const decode = vi.fn(async (url: string) => {
    if (url === 'bad') throw new Error('gone');
    return made({ a: 60, b: 30, c: 30 }[url] ?? 1);
  });
  const shelf = new VolumeShelf(decode, 100);
  for (const url of ['a', 'b', 'a', 'c', 'a']) await shelf.scan(url);
  expect(decode.mock.calls.map(([url]) => url)).toEqual(['a', 'b', 'c']);
  await shelf.scan('b');
  expect(decode).toHaveBeenCalledTimes(4);
  for (let i = 0; i < 2; i++) await expect(shelf.labels('bad')).rejects.toThrow('gone');
  expect(decode).toHaveBeenCalledTimes(6);
});

test('a step at which nothing was kept leads to the last one before', () => {
  expect(keptAt([100, 200, 300], 200)).toBe(200);
  expect(keptAt([100, 200, 300], 299)).toBe(200);
  expect(keptAt([100, 200, 300], 900)).toBe(300);
  expect(keptAt([100, 200, 300], 5)).toBe(100);
  expect(keptAt([], 7)).toBe(7);
});

test("a logged layer called difference is not the page's own, nor has it its colours", () => {
  const logged = ['truth', 'difference'].map((name) => ({ name, classes: [{ value: 1, name: 'liver' }] }));
  const layers = logged.map(({ name, classes }) => ({ name, classes: colourClasses(name, classes) }));
  const told = apart(layers, logged);
  expect(told.map((one) => one.name)).toEqual(['truth', 'difference (logged)']);
  expect(told[1]?.classes).toEqual(colourClasses('other', [{ value: 1, name: 'liver' }]));
  expect(told[0]).toBe(layers[0]);
});
