import { describe, expect, test, vi } from 'vitest';
import { FileShelf } from '../src/viewer/files';
import { colourClasses, labelTable } from '../src/viewer/palette';
import {
  neighbour,
  readLayer,
  readLayout,
  readMm,
  readWindow,
  usualChoice,
  writeLayer,
  writeMm,
} from '../src/viewer/state';
import { difference, largest, outline, stackAxis, without, worst } from '../src/viewer/voxels';
import { levelOf, looksLikeCt, nextPreset, PRESETS, presetOf, windowOf } from '../src/viewer/windows';

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
    const table = labelTable(classes, new Set([5]), 5);
    expect(table.A).toEqual([0, 255, 255, 255, 255, 0]);
  });

  test('follow the value order, whatever order the classes came in, and truth differs from prediction', () => {
    expect(classes.map((c) => c.value)).toEqual([2, 5]);
    const truth = colourClasses('truth', [{ value: 2, name: 'spleen' }]);
    expect(truth[0]?.colour).not.toEqual(classes[0]?.colour);
  });
});

describe('voxels', () => {
  test('a difference tells missed, extra and other class', () => {
    expect([...difference(Uint8Array.of(0, 1, 0, 1, 2), Uint8Array.of(0, 1, 1, 0, 1))]).toEqual([
      0, 0, 2, 1, 3,
    ]);
  });

  test('the worst place is a differing voxel in the slice with most of them, for one class or for all', () => {
    const shape = [5, 4, 3] as const;
    const at = (x: number, y: number, z: number) => x + 5 * (y + 4 * z);
    const truth = new Uint8Array(60);
    const prediction = new Uint8Array(60);
    // A ring of misses in the last slice: its middle is no error, so the nearest voxel of the ring is told.
    for (const [x, y] of [
      [1, 1],
      [2, 1],
      [3, 1],
      [1, 2],
      [3, 2],
      [1, 3],
      [2, 3],
      [3, 3],
    ] as const)
      truth[at(x, y, 2)] = 1;
    truth[at(0, 0, 0)] = 2;
    prediction[at(0, 0, 0)] = 1;
    const found = worst(truth, prediction, shape, 2, null);
    expect(found?.[2]).toBe(2);
    expect(found && truth[at(...found)]).toBe(1);
    expect(worst(truth, prediction, shape, 2, 2)).toEqual([0, 0, 0]);
    expect(worst(truth, prediction, shape, 0, 1)?.[0]).toBe(1);
    expect(worst(truth, truth, shape, 2, null)).toBeNull();
  });

  test('an outline keeps the rim across the stack, also at the edge of the volume', () => {
    const solid = new Uint8Array(4 * 3 * 2).fill(1);
    const rim = outline(solid, [4, 3, 2], 2);
    const slice = [1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1];
    expect([...rim]).toEqual([...slice, ...slice]);
    expect(solid.every((v) => v === 1)).toBe(true);
  });

  test('fills step aside for outlines, save for hidden classes', () => {
    const fill = Uint8Array.of(1, 1, 1, 1);
    expect([...without(fill, [{ rim: Uint8Array.of(0, 1, 2, 0), hidden: new Set([2]) }])]).toEqual([
      1, 0, 1, 1,
    ]);
  });

  test('the stack runs along the widest spacing', () => {
    expect([
      stackAxis([0.8, 0.8, 5]),
      stackAxis([3, 1, 1]),
      stackAxis([1, -3, 1]),
      stackAxis([1, 1, 1]),
    ]).toEqual([2, 0, 1, 2]);
    expect(largest(Uint16Array.of(3, 117, 0))).toBe(117);
  });
});

describe('windows', () => {
  test('level and width are the window said otherwise', () => {
    expect(levelOf({ low: -160, high: 240 })).toEqual({ level: 40, width: 400 });
    expect(windowOf(40, 400)).toEqual({ low: -160, high: 240 });
  });

  test('presets go round', () => {
    const seen = [nextPreset(null)];
    for (let i = 0; i < PRESETS.length; i++) seen.push(nextPreset(seen.at(-1) ?? null));
    expect(seen).toEqual(['abdomen', 'lung', 'bone', 'brain', 'full']);
    expect(nextPreset('full')).toBe('abdomen');
    expect(presetOf({ low: 0, high: 80 }, null)).toBe('brain');
    expect(presetOf({ low: -1000, high: 700 }, { low: -1000, high: 700 })).toBe('full');
  });

  test('a CT is known by its values', () => {
    expect([looksLikeCt({ low: -1024, high: 2000 }), looksLikeCt({ low: 0, high: 800 })]).toEqual([
      true,
      false,
    ]);
  });
});

describe("the viewer's address", () => {
  test('layers are read back as written, and nonsense is the usual', () => {
    const choice = { visible: false, opacity: 0.8, outline: true, hidden: [2, 3] };
    expect(readLayer('prediction', writeLayer(choice))).toEqual(choice);
    expect(readLayer('truth', undefined)).toEqual(usualChoice('truth'));
    expect(readLayer('prediction', 'on.900.fill').opacity).toBe(0.5);
  });

  test('layouts, windows and points', () => {
    expect([readLayout('axial'), readLayout('cubist')]).toEqual(['axial', 'planes']);
    expect(readWindow('lung', null)).toMatchObject({ low: -1350, high: 150 });
    expect(readWindow('-20,80', null)).toEqual({ low: -20, high: 80 });
    expect([readWindow('80,-20', null), readWindow('full', null)]).toEqual([null, null]);
    expect(readMm(writeMm([1.23456, -2, 40]))).toEqual([1.23, -2, 40]);
  });

  test('neighbours end at the ends', () => {
    expect([neighbour([1, 3, 5], 3, 1), neighbour([1, 3, 5], 5, 1), neighbour([1], 9, -1)]).toEqual([
      5,
      null,
      null,
    ]);
  });
});

test('a file is fetched once, the least used is dropped when room runs out, and a failure is not kept', async () => {
  const fetchFile = vi.fn(async (url: string) => {
    if (url === 'bad') throw new Error('gone');
    return new File([], url);
  });
  const shelf = new FileShelf(fetchFile, 100);
  await shelf.get('a', 60);
  await shelf.get('b', 30);
  await shelf.get('a', 60);
  await shelf.get('c', 30);
  await shelf.get('a', 60);
  expect(fetchFile.mock.calls.map(([url]) => url)).toEqual(['a', 'b', 'c']);
  await expect(shelf.get('bad', 1)).rejects.toThrow('gone');
  await expect(shelf.get('bad', 1)).rejects.toThrow('gone');
  expect(fetchFile).toHaveBeenCalledTimes(5);
});
