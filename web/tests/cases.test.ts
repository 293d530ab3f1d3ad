import { describe, expect, test } from 'vitest';
import {
  cellWidth,
  chosen,
  colour,
  csv,
  epochsByRow,
  rangeOf,
  reachedAt,
  readSort,
  rowsOf,
  say,
  shareOf,
  short,
  signed,
  spread,
  strip,
  toggled,
  verdict,
  worstFirst,
} from '../src/cases/board';
import { type CaseBoard, readBoard, readEpochs } from '../src/lib/api/cases';

const column = (name: string, last: (number | null)[]) => ({
  run_id: name,
  name,
  experiment: 'abdomen',
  last,
  best: last,
  worst: last,
  has_volume: last.map((_, i) => i > 0),
});
const board: CaseBoard = {
  metrics: [{ name: 'val/dice', goal: 'max', series: 8 }],
  metric: 'val/dice',
  goal: 'max',
  cases: ['a', 'b', 'b', '=evil,"c'],
  classes: ['liver', 'liver', 'spleen', 'liver'],
  columns: [column('old', [0.9, 0.5, null, 0.7]), column('new', [0.8, 0.9, 0.4, 0.7])],
};
const rows = rowsOf(board, 'last');

describe('a board of cases', () => {
  test('tells what the second run changed, where both know the case', () => {
    expect(rows.map((row) => row.change && Number(row.change.toFixed(3)))).toEqual([-0.1, 0.4, null, 0]);
    expect(verdict(rows, 'max')).toMatchObject({ count: 3, better: 1, worse: 1, same: 1 });
    expect(verdict(rows, 'min')).toMatchObject({ better: 1, worse: 1 });
    expect(verdict(rowsOf({ ...board, columns: board.columns.slice(0, 1) }, 'last'), 'max')).toBeNull();
  });

  test('puts the worst first whichever way the metric is better, and what is unknown last', () => {
    const names = (key: Parameters<typeof chosen>[3], goal: 'max' | 'min') =>
      chosen(rows, '', null, key, worstFirst(key, goal)).map((row) => row.index);
    expect(names(0, 'max')).toEqual([1, 3, 0, 2]);
    expect(names(0, 'min')).toEqual([0, 3, 1, 2]);
    expect(names('change', 'max')).toEqual([0, 3, 1, 2]);
    expect(names('case', 'max')).toEqual([3, 0, 1, 2]);
  });

  test('is narrowed by words and by classes', () => {
    expect(chosen(rows, 'b sp', null, 0, 'up').map((row) => row.index)).toEqual([2]);
    expect(chosen(rows, '', new Set(['spleen']), 0, 'up').map((row) => row.index)).toEqual([2]);
  });

  test('finds its epochs by case and class, in whatever order they come', () => {
    const epochs = {
      steps: [1, 2],
      epochs: [1, 2],
      cases: ['b', 'a'],
      classes: ['spleen', 'liver'],
      values: [
        [0.1, null],
        [0.2, 0.9],
      ],
    };
    expect(epochsByRow(board, epochs)).toEqual([[0.2, 0.9], [], [0.1, null], []]);
    expect(epochsByRow(board, null)).toEqual([[], [], [], []]);
  });

  test('as CSV, no cell can be a formula', () => {
    const lines = csv(board, rows).split('\r\n');
    expect(lines[0]).toBe('case,class,val/dice old,val/dice new,change');
    expect(lines[3]).toBe('b,spleen,,0.4,');
    expect(lines[4]).toBe('"\'=evil,""c",liver,0.7,0.7,0');
  });

  test('reads a column to sort by from any address', () => {
    expect(['case', 'change', '1', undefined, 'zzz', '-3', '1.5'].map(readSort)).toEqual([
      'case',
      'change',
      1,
      0,
      0,
      0,
      0,
    ]);
  });
});

describe('a distribution', () => {
  test('has the quartiles that numpy has', () => {
    // numpy.percentile([1, 2, 4, 8], [25, 50, 75])
    expect(spread([8, null, 1, 4, 2])).toEqual({
      count: 4,
      low: 1,
      lowerQuarter: 1.75,
      median: 3,
      upperQuarter: 5,
      high: 8,
      mean: 3.75,
    });
    expect(spread([null])).toBeNull();
  });
});

describe('the heat map', () => {
  test('is dark where it is bad', () => {
    const range = { low: 0, high: 1 };
    expect(colour(0, range, 'max')).toEqual(colour(1, range, 'min'));
    expect(colour(0, range, 'max')).not.toEqual(colour(1, range, 'max'));
  });

  test('has the range of a score, or of what is there', () => {
    expect(rangeOf([0.2, null, 0.9])).toEqual({ low: 0, high: 1 });
    expect(rangeOf([3, 40])).toEqual({ low: 0, high: 40 });
    expect(rangeOf([])).toEqual({ low: 0, high: 1 });
  });

  test('is one background for a row', () => {
    const range = { low: 0, high: 1 };
    expect(strip([0, null], 10, range, 'max')).toBe(
      'linear-gradient(90deg,rgb(0 34 78) 0px 9px,transparent 9px 10px,var(--bg-sunken) 10px 19px,transparent 19px 20px)',
    );
    expect(strip([], 10, range, 'max')).toBe('none');
    expect([cellWidth(50, 600), cellWidth(4, 600), cellWidth(1000, 600), cellWidth(0, 10)]).toEqual([
      12, 46, 4, 10,
    ]);
    expect([0.931, 12.4, -0.25, null].map(short)).toEqual(['.93', '12', '−.25', '']);
  });
});

describe('what was never found is infinitely far', () => {
  const said = {
    ...board,
    goal: 'min' as const,
    cases: ['found', 'lost', 'never', 'near', 'absent'],
    classes: ['a', 'a', 'a', 'a', 'a'],
    columns: [
      column('old', [Infinity, 4, Infinity, 6, null]),
      column('new', [5, Infinity, Infinity, 5, Infinity]),
    ],
  };
  const far = rowsOf(said, 'last');

  test('and comes as a word, behind which nobody sees it', () => {
    const wire = column('old', []);
    const word = { ...wire, last: [1, 'Infinity' as const, '-Infinity' as const, null] };
    expect(readBoard({ ...board, columns: [word] }).columns[0]?.last).toEqual([1, Infinity, -Infinity, null]);
    const epochs = { steps: [1], epochs: [1], cases: ['a'], classes: [''], values: [['Infinity' as const]] };
    expect(readEpochs(epochs).values).toEqual([[Infinity]]);
  });

  test('stands first, before the largest distance, and what is no number stands last', () => {
    const names = chosen(far, '', null, 0, worstFirst(0, 'min')).map((row) => row.case);
    expect(names).toEqual(['found', 'never', 'near', 'lost', 'absent']);
  });

  test('to be found is better, to be lost is worse, and neither is in the mean', () => {
    expect(far.map((row) => row.change)).toEqual([-Infinity, Infinity, 0, -1, null]);
    expect(verdict(far, 'min')).toEqual({
      count: 4,
      better: 2,
      worse: 1,
      same: 1,
      mean: -1,
      median: -1,
      infinite: 3,
    });
    expect(verdict(far.slice(0, 1), 'min')).toMatchObject({
      better: 1,
      mean: null,
      median: null,
      infinite: 1,
    });
  });

  test('has the colour of the worst, and is not of the range', () => {
    const range = rangeOf([2, Infinity, -Infinity, 40]);
    expect(range).toEqual({ low: 0, high: 40 });
    expect(colour(Infinity, range, 'min')).toEqual(colour(40, range, 'min'));
    expect(colour(-Infinity, range, 'max')).toEqual(colour(0, range, 'max'));
    expect([Infinity, -Infinity].map((v) => shareOf(v, range))).toEqual([1, 0]);
    expect(rangeOf([Infinity])).toEqual({ low: 0, high: 1 });
    expect([short(Infinity), say(Infinity, range), say(Infinity, { low: 0, high: 1 })]).toEqual([
      '∞',
      '∞',
      '∞',
    ]);
    expect([-Infinity, Infinity, 0.02, null].map(signed)).toEqual(['−∞', '+∞', '+0.020', '–']);
  });

  test('counts among the quartiles, none of which is NaN', () => {
    expect(spread([1, 2, 3, Infinity, Infinity])).toMatchObject({
      lowerQuarter: 2,
      median: 3,
      upperQuarter: Infinity,
    });
    expect(spread([Infinity, Infinity])).toMatchObject({ low: Infinity, median: Infinity, high: Infinity });
    expect(spread([-Infinity, 1])).toMatchObject({ low: -Infinity, median: -Infinity, high: 1 });
    expect(spread([1, Infinity])).toMatchObject({ low: 1, median: Infinity, high: Infinity });
  });

  test('is inf in a CSV', () => {
    const lines = csv(said, far).split('\r\n');
    expect(lines[1]).toBe('found,a,inf,5,-inf');
    expect(lines[3]).toBe('never,a,inf,inf,0');
    expect(lines[5]).toBe('absent,a,,inf,');
  });

  test('is reached at an epoch as any value', () => {
    expect(reachedAt([null, 8, Infinity, 3, 3], Infinity)).toBe(2);
    expect([reachedAt([8, 3, 3], 3), reachedAt([8], 7), reachedAt([null], null)]).toEqual([1, null, null]);
  });
});

describe('the classes chosen', () => {
  test('are one after the first click, and all again after the last', () => {
    const names = ['liver', 'spleen', 'tumour'];
    expect(toggled(names, null, 'spleen')).toEqual(['spleen']);
    expect(toggled(names, new Set(names), 'spleen')).toEqual(['spleen']);
    expect(toggled(names, new Set(['spleen']), 'liver')).toEqual(['liver', 'spleen']);
    expect(toggled(names, new Set(['liver', 'spleen']), 'liver')).toEqual(['spleen']);
    expect(toggled(names, new Set(['spleen']), 'spleen')).toBeNull();
    expect(toggled(names, new Set(['liver', 'spleen']), 'tumour')).toBeNull();
    expect(toggled(names, new Set(['gone', 'spleen']), 'spleen')).toBeNull();
  });
});
