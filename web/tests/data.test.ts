import { expect, test } from 'vitest';
import { balanceOf, isLeak, ruleOf } from '../src/data/balance';
import {
  along,
  columnsOf,
  fits,
  measuresOf,
  millilitres,
  nextSort,
  type Row,
  rangeKey,
  readRanges,
  rowsOf,
  sorted,
  usualSplit,
  writeRange,
} from '../src/data/cases';
import { groupsOf, neighbour, numbered } from '../src/data/findings';
import { Queue } from '../src/data/queue';
import { clamp, placeOf, readVoxel, usualIndex, voxelAt } from '../src/data/slice';
import { nearest, scaleOf, shareOf, stripOf, ticksOf, valueAt } from '../src/data/strips';
import type { CaseNumbers, CaseView, CheckReport, DatasetCases, DatasetSplit } from '../src/lib/api/datasets';

function numbers(
  spacing: [number, number, number],
  orientation = 'LAS',
  ml: number | null = 10,
): CaseNumbers {
  return {
    shape: [10, 20, 30],
    channels: 1,
    spacing_mm: spacing,
    size_mm: spacing.map((side, axis) => side * (axis + 1) * 10),
    orientation,
    dtype: 'int16',
    intensity: [{ all: { low: -1000, median: -500, high: 300, mean: -400 }, foreground: null }],
    classes: ml === null ? {} : { spleen: { voxels: 100, ml, under: [110] } },
  };
}

const CASES: DatasetCases = {
  parts: ['training', 'validation'],
  splits: { default: [0, 0, 1, -1, -1], other: [1, 0, 0, 0, -1] },
  checked: true,
  cases: [
    {
      id: 'spleen_10',
      test: false,
      patient: 'P1',
      bytes: 10,
      numbers: numbers([1, 1, 5]),
      findings: { note: 9 },
    },
    {
      id: 'spleen_2',
      test: false,
      patient: 'P1',
      bytes: 30,
      numbers: numbers([1, 1, 2], 'LAS', 20),
      findings: {},
    },
    {
      id: '<b>',
      test: false,
      patient: null,
      bytes: 20,
      numbers: numbers([3, 1, 1], 'SAL', null),
      findings: { warning: 1 },
    },
    { id: 'broken', test: false, patient: null, bytes: 5, numbers: null, findings: { error: 1 } },
    { id: 'spleen_2', test: true, patient: null, bytes: 7, numbers: null, findings: {} },
  ],
};
const MEASURES = measuresOf(['spleen'], ['CT']);
const ANY = { words: '', part: '', axes: '', ranges: new Map() };

function rows(): Row[] {
  return rowsOf(CASES, 'default');
}

test('a case is in the part that the chosen split gives it', () => {
  expect(rows().map((row) => row.part)).toEqual(['training', 'training', 'validation', '', 'test set']);
  expect(rowsOf(CASES, 'other')[0]?.part).toBe('validation');
  expect(rowsOf(CASES, null)[0]?.part).toBe('');
  expect(usualSplit(['cv/0', 'default'])).toBe('default');
  expect(usualSplit(['cv/0', 'cv/1'])).toBe('cv/0');
  expect(usualSplit([])).toBe(null);
});

test('an axis of the patient is found in any order of a scan’s axes', () => {
  expect(along(numbers([1, 2, 5], 'LAS'), [1, 2, 5], 2)).toBe(5);
  expect(along(numbers([5, 2, 1], 'SAL'), [5, 2, 1], 2)).toBe(5);
  expect(along(numbers([5, 2, 1], 'IPR'), [5, 2, 1], 0)).toBe(1);
});

test('cases are sorted by any column, as people count, and what has no value comes last', () => {
  const columns = columnsOf(CASES, ['spleen'], ['CT']);
  const ids = (sort: string | undefined) => sorted(rows(), columns, sort).map((row) => row.id);
  expect(ids(undefined)).toEqual(['<b>', 'broken', 'spleen_2', 'spleen_2', 'spleen_10']);
  expect(ids('-findings').slice(0, 3)).toEqual(['broken', '<b>', 'spleen_10']);
  expect(ids('spacing').slice(0, 3)).toEqual(['spleen_2', '<b>', 'spleen_10']);
  expect(ids('-ml.spleen').slice(0, 2)).toEqual(['spleen_2', 'spleen_10']);
  const column = columns.find((one) => one.key === 'findings');
  expect(column && [undefined, '-findings', 'findings'].map((sort) => nextSort(column, sort))).toEqual([
    '-findings',
    'findings',
    null,
  ]);
});

test('a range in the address keeps only the cases between its ends', () => {
  const ranges = readRanges(
    { [rangeKey('spacing.2')]: writeRange([1.5, 5]), 'r.size.0': 'x,1', 'r.nothing': '1,2' },
    MEASURES,
  );
  expect([...ranges]).toEqual([['spacing.2', [1.5, 5]]]);
  const kept = rows().filter((row) => fits(row, { ...ANY, ranges }, MEASURES));
  expect(kept.map((row) => row.id)).toEqual(['spleen_10', 'spleen_2', '<b>']);
  expect(rows().filter((row) => fits(row, { ...ANY, axes: 'SAL' }, MEASURES)).length).toBe(1);
  expect(
    rows().filter((row) => fits(row, { ...ANY, part: 'training', words: 'p1 2' }, MEASURES)).length,
  ).toBe(1);
  expect(writeRange([1.23456789, -2])).toBe('1.2346,-2');
});

test('volumes have the digits that they deserve', () => {
  expect([13487.2, 169.765, 0.045, 0, null].map(millilitres)).toEqual(['13,487', '169.8', '0.045', '0', '–']);
});

test('a case that is far from the rest is seen, and equal ones lie beside each other', () => {
  const many = Array.from({ length: 40 }, (_, at) => ({
    ...(rows()[0] as Row),
    id: `c${at}`,
    numbers: numbers([1, 1, at === 7 ? 12 : 5], 'LAS', at === 0 ? 0 : 10 + at),
  }));
  const spacing = MEASURES.find((one) => one.key === 'spacing.2');
  const ml = MEASURES.find((one) => one.key === 'ml.spleen');
  if (!spacing || !ml) throw new Error('measures are missing');
  const strip = stripOf(spacing, many);
  expect(strip.marks.filter((mark) => mark.outlier).map((mark) => mark.row.id)).toEqual(['c7']);
  expect(new Set(strip.marks.filter((mark) => mark.value === 5).map((mark) => mark.aside)).size).toBe(39);
  expect(strip.marks.every((mark) => Math.abs(mark.aside) <= 1.05)).toBe(true);
  // Half of them are no outliers, whatever the quartiles say.
  const two = stripOf(
    spacing,
    many.map((row, at) => ({ ...row, numbers: numbers([1, 1, at % 4 ? 5 : 2]) })),
  );
  expect(two.marks.some((mark) => mark.outlier)).toBe(false);
  const volumes = stripOf(ml, many);
  expect([volumes.marks.length, volumes.without]).toEqual([39, 1]);
  const mark = strip.marks[0];
  expect(nearest(strip, (one) => [one.value * 10, one.aside], 50, mark?.aside ?? 0, 5)?.row.id).toBe(
    mark?.row.id,
  );
  expect(nearest(strip, (one) => [one.value * 10, one.aside], 90, 0, 5)).toBe(null);
});

test('a scale leads to the picture and back, and has round ticks', () => {
  const spacing = MEASURES.find((one) => one.key === 'spacing.2');
  if (!spacing) throw new Error('a measure is missing');
  const scale = scaleOf([stripOf(spacing, rows())]);
  if (!scale) throw new Error('there are marks');
  expect(valueAt(scale, shareOf(scale, 2.5))).toBeCloseTo(2.5);
  expect(ticksOf({ low: 0.9, high: 5.2, log: false }, 5)).toEqual([1, 2, 3, 4, 5]);
  expect(ticksOf({ low: 0.015, high: 0.7, log: true }, 8)).toEqual([0.02, 0.05, 0.1, 0.2, 0.5]);
  expect(ticksOf({ low: 0.5, high: 20000, log: true }, 5)).toEqual([1, 10, 100, 1000, 10000]);
  const log = { low: 1, high: 1000, log: true };
  expect(
    [shareOf(log, 1), shareOf(log, 1000), valueAt(log, 1 / 3)].map((one) => Number(one.toFixed(6))),
  ).toEqual([0, 1, 10]);
  expect(scaleOf([])).toBe(null);
});

const REPORT: CheckReport = {
  made: 0,
  seconds: 1,
  looked_at: 4,
  changed: [],
  kinds: [
    { kind: 'fragments', group: 'Labels', severity: 'note', title: 'specks', why: '', mend: '' },
    { kind: 'unreadable', group: 'Files', severity: 'error', title: 'a file', why: '', mend: '' },
  ],
  findings: [
    { kind: 'fragments', case: 'a', file: null, what: 'x', fixable: false, where: [1, 2, 3] },
    { kind: 'unreadable', case: 'b', file: 'b.nii', what: 'y', fixable: false, where: null },
    { kind: 'fragments', case: 'a', file: null, what: 'z', fixable: true, where: null },
    { kind: 'unreadable', case: null, file: 'splits.json', what: 'w', fixable: false, where: null },
  ],
};

test('findings are read by how bad they are, and one leads to the next that has a case', () => {
  const groups = groupsOf(REPORT, { severity: '', words: '', kind: '' });
  expect(groups.map((one) => [one.kind.kind, one.findings.length, one.cases])).toEqual([
    ['unreadable', 2, 1],
    ['fragments', 2, 1],
  ]);
  expect(groupsOf(REPORT, { severity: 'note', words: '', kind: '' }).length).toBe(1);
  expect(groupsOf(REPORT, { severity: '', words: 'b.nii', kind: '' })[0]?.findings.length).toBe(1);
  const all = numbered(REPORT);
  expect(neighbour(all, 0, 1)?.at).toBe(1);
  expect(neighbour(all, 2, 1)?.at).toBe(0);
  expect(neighbour(all, 0, -1)?.at).toBe(2);
  expect(neighbour(all, null, 1)?.at).toBe(0);
  expect(neighbour([], null, 1)).toBe(null);
});

const PLANE = {
  axis: 2,
  across: 0,
  down: 1,
  across_turned: false,
  down_turned: true,
  width_mm: 10,
  height_mm: 20,
  letters: ['R', 'L', 'A', 'P'],
  ends: ['I', 'S'],
};
const VIEW = { shape: [10, 20, 30], most: [1, 2, 7] } as unknown as CaseView;

test('a voxel lies where its picture shows it', () => {
  expect(readVoxel('1,2,3')).toEqual([1, 2, 3]);
  expect(readVoxel('1,2')).toBe(null);
  expect(usualIndex(VIEW, PLANE, [4, 5, 6])).toBe(6);
  expect(usualIndex(VIEW, PLANE, null)).toBe(7);
  expect(usualIndex({ ...VIEW, most: null }, PLANE, null)).toBe(15);
  expect([clamp(VIEW, PLANE, -3), clamp(VIEW, PLANE, 99)]).toEqual([0, 29]);
  const { x, y } = placeOf(VIEW, PLANE, [2, 3, 6]);
  expect([x, y]).toEqual([0.25, 1 - 0.175]);
  expect(voxelAt(VIEW, PLANE, 6, x, y)).toEqual([2, 3, 6]);
  expect(voxelAt(VIEW, PLANE, 6, 1, 0)).toEqual([9, 19, 6]);
});

test('what a split leaves on each side is counted by class', () => {
  const [spleen] = balanceOf(rows(), ['training', 'validation'], ['spleen']);
  expect(spleen?.parts).toEqual([
    { part: 'training', with: 2, of: 2, median: 15 },
    { part: 'validation', with: 0, of: 1, median: null },
  ]);
  const split: DatasetSplit = { name: 'cv/1', made: {}, parts: {}, left_out: 0, unknown: [], leaks: [] };
  expect(ruleOf(split.made)).toBe('written by hand');
  expect(ruleOf({ folds: 5, fold: 1, by: 'patient' })).toBe('fold 2 of 5, by patient');
  expect(ruleOf({ folds: 0, by: 'case', val_fraction: 0.2, test_fraction: 0.1 })).toBe(
    '20 % validation, 10 % test, by case',
  );
  const leaks = [{ patient: 'P1', parts: { training: ['a'], validation: ['b'] } }];
  expect([
    isLeak(split),
    isLeak({ ...split, leaks }),
    isLeak({ ...split, leaks, made: { by: 'case' } }),
  ]).toEqual([false, true, false]);
});

test('no more than a few pictures are asked for at once, and what is no longer wanted is not asked for', async () => {
  const queue = new Queue(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const stop = new AbortController();
  const work = (n: number) => () => {
    begun.push(n);
    return new Promise<number>((done) => ends.push(() => done(n)));
  };
  const all = [0, 1, 2, 3].map((n) =>
    queue.add(work(n), n === 2 ? stop.signal : new AbortController().signal),
  );
  const refused = expect(all[2]).rejects.toThrow();
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  stop.abort();
  await refused;
  ends[0]?.();
  expect(await all[0]).toBe(0);
  await Promise.resolve();
  expect(begun).toEqual([0, 1, 3]);
  ends[1]?.();
  ends[2]?.();
  expect(await all[3]).toBe(3);
});
