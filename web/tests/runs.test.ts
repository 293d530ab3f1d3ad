import { describe, expect, it } from 'vitest';
import type { GroupCell, RunGroup } from '../src/lib/api/runs';
import type { RunColumn } from '../src/lib/api/types';
import {
  cellKeys,
  cellOf,
  groupOrder,
  isQuery,
  pinnedFirst,
  queryOf,
  readGrouping,
  regrouped,
  shown,
  sortTerm,
  title,
} from '../src/runs/columns';
import { cellText, groupText, groupTitle, plusMinus, valueText } from '../src/runs/figures';
import { layout } from '../src/runs/layout';
import { placeAt, share, startsOf } from '../src/runs/lines';
import { bounded, NARROWEST, WIDEST } from '../src/runs/taste.svelte';

const column = (key: string, more: Partial<RunColumn> = {}): RunColumn => ({
  key,
  term: key.startsWith('metrics.') ? `run.metrics["${key.slice(8)}"]` : `run.${key}`,
  kind: key.startsWith('metrics.') ? 'metric' : key.startsWith('params.') ? 'param' : 'run',
  runs: 3,
  differs: true,
  numbers: false,
  ...more,
});
const ALL = [
  column('name'),
  column('status', { differs: false }),
  column('experiment'),
  column('created'),
  column('duration_s'),
  column('id'),
  column('params.optimizer.lr'),
  column('params.seed', { differs: false }),
  column('metrics.train/loss'),
  column('metrics.val/dice'),
];

describe('the columns that are shown', () => {
  it('are what a run is and its metrics, validation first, where nobody has chosen', () => {
    expect(shown(ALL, null, false).map(title)).toEqual([
      'Status',
      'Experiment',
      'Created',
      'Duration',
      'val/dice',
      'train/loss',
    ]);
  });
  it('are all that tell runs apart where that is wanted', () => {
    expect(shown(ALL, null, true).map((one) => one.key)).toEqual([
      'experiment',
      'created',
      'duration_s',
      'params.optimizer.lr',
      'metrics.train/loss',
      'metrics.val/dice',
    ]);
  });
  it('are the chosen ones in the chosen order, without any that is gone', () => {
    const keys = ['metrics.val/dice', 'params.gone', 'params.seed'];
    expect(shown(ALL, keys, false).map((one) => one.key)).toEqual(['metrics.val/dice', 'params.seed']);
    expect(shown(ALL, keys, true).map((one) => one.key)).toEqual(['metrics.val/dice']);
    expect(shown(ALL, [], false)).toEqual([]);
  });
});

describe('a metric', () => {
  const columns = [column('params.seed'), column('metrics.val/dice')];
  it('shows its last value where the run has not said which way is better', () => {
    expect(cellKeys(columns, 'best')).toEqual([
      'params.seed',
      'metrics.val/dice.best',
      'metrics.val/dice.last',
    ]);
    const dice = columns[1] as RunColumn;
    const cells = (best: number | null, last: number | null) =>
      new Map([
        ['metrics.val/dice.best', best],
        ['metrics.val/dice.last', last],
      ]);
    expect(cellOf(dice, 'best', cells(null, 0.5))).toEqual({ value: 0.5, standIn: true });
    expect(cellOf(dice, 'best', cells(0.9, 0.5))).toEqual({ value: 0.9, standIn: false });
    expect(cellOf(dice, 'best', cells(null, null))).toEqual({ value: null, standIn: false });
    expect(cellOf(dice, 'max', cells(0.9, 0.5))).toEqual({ value: null, standIn: false });
  });
  it('is asked for by the value that is wanted', () => {
    expect(cellKeys(columns, 'max')).toEqual(['params.seed', 'metrics.val/dice.max']);
  });
  it('is sorted by that value', () => {
    expect(sortTerm(ALL, '-metrics.val/dice', 'max')).toBe('-run.metrics["val/dice"].max');
    const dice = 'run.metrics["val/dice"]';
    expect(sortTerm(ALL, 'metrics.val/dice', 'best')).toBe(`${dice}.best, ${dice}.last`);
    expect(sortTerm(ALL, 'created', 'max')).toBe('run.created');
    expect(sortTerm(ALL, 'params.gone', 'max')).toBeUndefined();
    expect(sortTerm(ALL, undefined, 'max')).toBeUndefined();
  });
});

describe('what a person types', () => {
  it('is a query where it is written like one', () => {
    for (const text of ['run.name', 'lr < 3', 'a == b', '"x" in run.tags', 'run["a"]'])
      expect(isQuery(text)).toBe(true);
    for (const text of ['', 'unet', 'spleen baseline', 'running man', 'run 7', 'unet-a'])
      expect(isQuery(text)).toBe(false);
  });
  it('is otherwise words, each of which has to be somewhere', () => {
    expect(queryOf('')).toBe('');
    expect(queryOf('run.name == "a"')).toBe('run.name == "a"');
    expect(queryOf(' UNet  "x" ')).toBe(
      '(run.name.lower().contains("unet") or run.experiment.lower().contains("unet") or ' +
        'run.status.lower().contains("unet") or run.id.lower().contains("unet") or "UNet" in run.tags) and ' +
        '(run.name.lower().contains("\\"x\\"") or run.experiment.lower().contains("\\"x\\"") or ' +
        'run.status.lower().contains("\\"x\\"") or run.id.lower().contains("\\"x\\"") or "\\"x\\"" in run.tags)',
    );
  });
});

describe('groups', () => {
  it('are made of what runs can have in common, by two columns at most', () => {
    const of = (text?: string) => readGrouping(text, ALL);
    expect(of('params.seed')).toEqual(['params.seed']);
    expect(of('experiment~params.seed~status')).toEqual(['experiment', 'params.seed']);
    expect(of('created~params.gone~metrics.val/dice~status~status')).toEqual(['status']);
    expect(of(undefined)).toEqual([]);
    expect(regrouped([], 'a')).toEqual(['a']);
    expect(regrouped(['a'], 'b')).toEqual(['a', 'b']);
    expect(regrouped(['a', 'b'], 'c')).toEqual(['a', 'c']);
    expect(regrouped(['a', 'b'], 'a')).toEqual(['b']);
  });
  it('are ordered by what the runs are sorted by', () => {
    const of = (sort?: string) => groupOrder(ALL, sort, 'best', ['params.seed', 'status']);
    expect(of('-metrics.val/dice')).toEqual(['-metrics.val/dice.best', '-metrics.val/dice.last']);
    expect(of('-status')).toEqual(['-status']);
    expect(of('-name')).toEqual(['-params.seed', '-status']);
    expect(of('created')).toEqual(['created']);
    expect(of('params.gone')).toEqual([]);
    expect(of()).toEqual([]);
  });

  const group = (key: string, runs: number): RunGroup => ({
    key,
    values: [key],
    ids: Array.from({ length: runs }, (_, i) => `${key}${i}`),
    cells: [],
  });
  it('stand with the runs of the open ones below them', () => {
    const starts = startsOf([group('a', 3), group('b', 2), group('c', 1)], new Set(['a', 'c', 'gone']));
    expect(starts).toEqual([0, 4, 5, 7]);
    expect([0, 1, 3, 4, 5, 6].map((line) => placeAt(starts, line))).toEqual([
      { group: 0, run: -1 },
      { group: 0, run: 0 },
      { group: 0, run: 2 },
      { group: 1, run: -1 },
      { group: 2, run: -1 },
      { group: 2, run: 0 },
    ]);
    expect(placeAt(starts, 7)).toBeNull();
    expect(placeAt(starts, -1)).toBeNull();
    expect(placeAt(startsOf([], new Set()), 0)).toBeNull();
    expect(share(['a', 'b'], new Set(['b']))).toBe('some');
    expect(share(['a', 'b'], new Set(['b', 'a', 'c']))).toBe('all');
    expect(share(['a'], new Set())).toBe('none');
  });

  const numbers: GroupCell = { count: 3, mean: 0.9, deviation: 0.02, median: 0.91, low: 0.85, high: 0.93 };
  it('sum a metric up as is wanted, and a param by its range', () => {
    const dice = column('metrics.val/dice', { numbers: true });
    const lr = column('params.lr', { numbers: true });
    expect(groupText(dice, numbers, 'mean', 0)).toBe('0.900 ± 0.020');
    expect(groupText(dice, numbers, 'median', 0)).toBe('0.9100');
    expect(groupText(dice, numbers, 'range', 0)).toBe('0.8500 – 0.9300');
    expect(groupText(lr, { ...numbers, low: 1e-4, high: 0.1 }, 'mean', 0)).toBe('0.0001 – 0.1');
    expect(groupText(lr, { ...numbers, low: 0.001, high: 0.001 }, 'mean', 0)).toBe('0.001');
    expect(groupText(dice, null, 'mean', 0)).toBe('');
    expect(plusMinus(-1234.56, 12.3)).toBe('−1235 ± 12');
    expect(plusMinus(20.5612, 0.3149)).toBe('20.56 ± 0.31');
    expect(plusMinus(0.86965, 0.00035)).toBe('0.8697 ± 0.0003');
    expect(plusMinus(0, 0.5)).toBe('0 ± 0.5000');
    expect(plusMinus(1e-9, 1e-10)).toBe('1.00e−9 ± 1.00e−10');
    expect(plusMinus(3, 0)).toBe('3 ± 0');
    expect(groupTitle(dice, numbers, 'best')).toContain('Of the best values of 3 runs: mean 0.9000');
  });
  it('name what their runs say, and how many more there are', () => {
    const status = column('status');
    expect(groupText(status, { count: 4, distinct: 1, values: ['failed'] }, 'mean', 0)).toBe('failed');
    expect(groupText(status, { count: 9, distinct: 5, values: ['a', 'b', 'c'] }, 'mean', 0)).toBe(
      'a, b, c and 2 more',
    );
    expect(valueText(null)).toBe('none');
    expect(valueText('<script>')).toBe('<script>');
    expect(valueText([96, 96])).toBe('96, 96');
  });
});

describe('the layout', () => {
  const columns = ['status', 'metrics.val/dice', 'params.seed'].map((key) => column(key));
  it('leaves to the name what is left, until something is pinned beside it', () => {
    expect(layout(columns, 0, false, {})).toEqual({
      template: '36px minmax(220px, 1fr) 122px 124px 104px',
      least: 36 + 220 + 122 + 124 + 104,
      name: null,
      widths: [122, 124, 104],
      lefts: [],
    });
    const pinned = layout(columns, 2, false, { status: 200 });
    expect(pinned.template).toBe('36px 260px 200px 124px 104px');
    expect(pinned.lefts).toEqual([296, 496]);
    expect(layout(columns, 0, false, { name: 300 }).template).toMatch(/^36px 300px /);
  });
  it('gives groups room for a mean with its deviation', () => {
    expect(layout(columns, 0, true, {}).widths).toEqual([122, 146, 104]);
  });
});

describe('what a cell says', () => {
  it('is a param as it was set, a metric to four digits, a time as people tell it', () => {
    expect(cellText(column('params.lr'), 0.001, 0)).toBe('0.001');
    expect(cellText(column('metrics.dice'), 0.001, 0)).toBe('0.001000');
    expect(cellText(column('created'), 1000, 1000_000 + 300_000)).toBe('5 min ago');
    expect(cellText(column('duration_s'), 90, 0)).toBe('1 min 30 s');
    expect(cellText(column('params.odd'), { a: [1] }, 0)).toBe('{"a":[1]}');
  });
  it('stands in a column that is neither too narrow nor too wide', () => {
    expect([1, 100.4, 1e9].map(bounded)).toEqual([NARROWEST, 100, WIDEST]);
    const pinned = pinnedFirst(ALL, ['metrics.val/dice', 'params.gone', 'status']).map((one) => one.key);
    expect(pinned.slice(0, 3)).toEqual(['metrics.val/dice', 'status', 'name']);
    expect(pinned.length).toBe(ALL.length);
  });
});
