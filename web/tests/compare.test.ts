import { describe, expect, it } from 'vitest';
import { commonX, envelope, onGrid, picture, type Setting, type Trace } from '../src/charts/picture';
import { comparisonChanges, readComparison } from '../src/compare/comparison';
import { asText, changeOf, rowOf } from '../src/compare/difference';
import { coloursOf, groupsOf } from '../src/compare/groups';
import { told, traces } from '../src/compare/traces';
import type { RunRow } from '../src/lib/api/types';
import { curveOf } from './made';

let next = 1;
const trace = (run: string, steps: number[], values: (number | null)[], group = run): Trace => ({
  curve: curveOf(steps, values, { id: next++, run_id: run }),
  detail: null,
  key: run,
  label: run,
  group,
  hue: 0,
  stroke: 0,
});
const USUAL: Setting = { by: 'step', smoothing: 0, sum: 'mean', spread: 'range', zoom: null };

describe('curves that are compared', () => {
  it('are not summed up where each has a group of its own', () => {
    const made = picture([trace('a', [1, 2], [0.1, 0.2]), trace('b', [1, 2], [0.3, 0.4])], USUAL);
    expect(made.lines.map((line) => [line.label, line.weight, line.values])).toEqual([
      ['a', 'heavy', [0.1, 0.2]],
      ['b', 'heavy', [0.3, 0.4]],
    ]);
    expect(made.bands).toEqual([]);
    expect(picture([], USUAL)).toEqual({ lines: [], bands: [] });
  });

  it('are summed up with a band where a group has several', () => {
    const four = [
      trace('a', [1, 2], [0, 1], '0.1'),
      trace('b', [1, 2], [1, 3], '0.1'),
      trace('c', [1, 2], [5, null], '0.1'),
      trace('d', [1, 2], [9, 9], '0.01'),
    ];
    const made = picture(four, USUAL);
    expect(
      made.lines.filter((line) => line.weight === 'heavy').map((line) => [line.label, line.values]),
    ).toEqual([
      ['0.1 · mean of 3, min–max', [2, 2]],
      ['0.01', [9, 9]],
    ]);
    expect(made.bands).toEqual([{ key: '=0.1', hue: 0, x: [1, 2], low: [0, 1], high: [5, 3] }]);
    const middle = picture(four, { ...USUAL, sum: 'median', spread: 'none' });
    expect(middle.lines.find((line) => line.key === '=0.1')?.values).toEqual([1, 2]);
    expect(middle.bands).toEqual([]);
    const deviation = picture(four.slice(0, 2), { ...USUAL, spread: 'deviation' });
    expect(deviation.bands[0]?.high[0]).toBeCloseTo(0.5 + Math.SQRT1_2);
    const interval = picture(four.slice(0, 3), { ...USUAL, spread: 'ci' });
    expect(interval.bands[0]?.high[0]).toBeCloseTo(2 + (4.3027 * Math.sqrt(7)) / Math.sqrt(3));
    // Of one value alone no interval is known, and none is drawn.
    expect(
      picture([trace('a', [1], [1], 'g'), trace('b', [2], [2], 'g')], { ...USUAL, spread: 'ci' }).bands[0]
        ?.low,
    ).toEqual([null, null]);
    expect(picture(four, { ...USUAL, sum: 'none' }).lines.every((line) => line.weight === 'heavy')).toBe(
      true,
    );
  });

  it('are smoothed from what their points stand for, with what was logged behind', () => {
    const thinned = trace('a', [0, 1, 2, 3], [0, 8, 0, 8]);
    thinned.curve.points.means = [4, 4, 4, 4];
    const [line] = picture([thinned], { ...USUAL, smoothing: 0.9 }).lines;
    expect(line?.values).toEqual([4, expect.closeTo(4), expect.closeTo(4), expect.closeTo(4)]);
    expect(line?.raw).toEqual([0, 8, 0, 8]);
  });

  it('widen a band by a spike, however coarse the common axis is', () => {
    const steps = Array.from({ length: 3000 }, (_, i) => i);
    const values = steps.map((i) => (i === 1501 ? 50 : 0));
    const made = picture([trace('a', steps, values, 'g'), trace('b', steps, values, 'g')], USUAL);
    expect(made.bands[0]?.x.length).toBe(400);
    expect(Math.max(...(made.bands[0]?.high ?? []).map((v) => v ?? 0))).toBe(50);
  });

  it('keep to their own points and go straight between them', () => {
    expect(onGrid([1, 3, 5], [0, 2, null], [0, 1, 2, 3, 4, 5, 6])).toEqual([null, 0, 1, 2, null, null, null]);
    expect(onGrid([], [], [1])).toEqual([null]);
    expect(
      commonX(
        [
          [1, 2],
          [2, 3],
        ],
        null,
      ),
    ).toEqual([1, 2, 3]);
    expect(commonX([[0, 10, 20, 30, 40]], [12, 18])).toEqual([10, 20]);
    expect(envelope([0, 1, 9], [5, 7, 1], [0, 10])).toEqual({ low: [5, 1], high: [7, 1] });
  });
});

describe('groups', () => {
  it('go in the order of their numbers, or as people sort words', () => {
    expect(groupsOf(['10', '9', '1e-3', '9'])).toEqual(['1e-3', '9', '10']);
    expect(groupsOf(['fold 10', 'fold 9', 'none'])).toEqual(['fold 9', 'fold 10', 'none']);
  });

  it('have a colour each up to eight, a ramp where they are numbers, and a stroke beside it where not', () => {
    const words = (count: number) => Array.from({ length: count }, (_, i) => `net ${i}`);
    expect(coloursOf(words(8), true)).toMatchObject({ told: null });
    const many = coloursOf(words(20), true);
    expect([many.hues.get('net 9'), many.strokes.get('net 9'), many.strokes.get('net 16')]).toEqual([
      1, 1, 2,
    ]);
    expect(many.told).toContain('20 values share 8 colours; the stroke tells them apart');
    expect(coloursOf(words(20), false).strokes.size).toBe(0);
    expect(coloursOf(words(41), true).strokes.size).toBe(0);
    const rates = Array.from({ length: 9 }, (_, i) => String(10 ** (i - 9)));
    const ramp = coloursOf([...rates, 'none'], true);
    expect(ramp.hues.get(rates[0] ?? '')).toEqual({ share: 0 });
    expect(ramp.hues.get(rates[4] ?? '')).toEqual({ share: expect.closeTo(0.5) });
    expect(ramp.hues.get('none')).toBeNull();
  });
});

describe('what a curve is told apart by', () => {
  const run = (id: string, name: string, lr: number): RunRow => ({
    id,
    name,
    status: 'finished',
    tags: [],
    archived: false,
    cells: [lr],
  });
  const runs = new Map([run('r1', 'a', 0.1), run('r2', 'a', 0.01)].map((one) => [one.id, one]));
  const cell = (one: RunRow) => one.cells[0];
  const curves = [
    curveOf([1], [1], { id: 1, run_id: 'r1' }),
    curveOf([1], [1], { id: 2, run_id: 'r2' }),
    curveOf([1], [1], { id: 3, run_id: 'r1', context: { case: 'x' } }),
    curveOf([1], [1], { id: 4, run_id: 'gone' }),
  ];
  const by = (colour: string, stroke: string | null = null, facet: string | null = null) =>
    told(curves, { colour, stroke, facet }, true, runs, cell);

  it('is its run, a param, or a context that hides those without', () => {
    expect(by('run').map((one) => one.curve.id)).toEqual([1, 2]);
    expect(by('params.lr', 'run').map((one) => [one.colour, one.stroke])).toEqual([
      ['0.1', 'a'],
      ['0.01', 'a'],
    ]);
    expect(by('context.case').map((one) => [one.curve.id, one.colour])).toEqual([[3, 'x']]);
    expect(by('run', null, 'context.case').map((one) => one.facet)).toEqual(['x']);
  });

  it('is told by name, and kept apart by run', () => {
    const made = traces(by('run'), null, coloursOf(['a'], true), new Map(), true);
    expect(made.map((one) => [one.key, one.label])).toEqual([
      ['r1', 'a'],
      ['r2', 'a'],
    ]);
    const grouped = traces(by('params.lr'), null, coloursOf(['0.01', '0.1'], true), new Map(), false);
    expect(grouped.map((one) => [one.label, one.group, one.hue])).toEqual([
      ['0.1 · a', '0.1', 1],
      ['0.01 · a', '0.01', 0],
    ]);
  });
});

describe('runs side by side', () => {
  const run = (name: string, cells: unknown[]): RunRow => ({
    id: name,
    name,
    status: 'finished',
    tags: [],
    archived: false,
    cells: cells as RunRow['cells'],
  });
  const runs = [run('a', [0.1, 0.8, null]), run('=b', [0.001, 0.812, 5]), run('c', [null, 0.8, 4])];
  const keys = ['params.optimizer.lr', 'metrics.val/dice.last', 'metrics.val/hd.best'];
  const cells = (one: RunRow, key: string) => one.cells[keys.indexOf(key)];
  const column = (key: string, kind: 'param' | 'metric') => ({
    key,
    term: '',
    kind,
    runs: 3,
    differs: true,
    numbers: true,
  });

  it('are held against one of them', () => {
    const [first] = runs;
    if (!first) throw new Error('there is one');
    const rate = rowOf(column('params.optimizer.lr', 'param'), runs, first, cells);
    expect([rate.path, rate.name]).toEqual(['optimizer.', 'lr']);
    expect(rate.values).toEqual([
      { text: '0.1000', same: true, change: null },
      { text: '0.001000', same: false, change: '×0.01000' },
      { text: '–', same: false, change: null },
    ]);
    const dice = rowOf(column('metrics.val/dice', 'metric'), runs, first, cells);
    expect([dice.path, dice.name, dice.statistic]).toEqual(['val/', 'dice', 'last']);
    expect(dice.values.map((value) => value.change)).toEqual([null, '+0.01200', null]);
    expect(rowOf(column('metrics.val/hd', 'metric'), runs, first, cells).statistic).toBe('best');
    expect(asText([rate], runs, () => '=1+1\t2')).toBe(
      "\ta\t'=b\tc\noptimizer.lr\t'=1+1 2\t'=1+1 2\t'=1+1 2",
    );
  });

  it('differ by factors, shares, or plainly', () => {
    expect([changeOf(0.2, 0.1, false), changeOf(1.1, 1, false), changeOf(0.9, 1, false)]).toEqual([
      '×2',
      '+10 %',
      '−10 %',
    ]);
    expect([changeOf(-1, 1, false), changeOf(1, 0, false), changeOf(1, 1, false)]).toEqual([
      '−2',
      '+1',
      null,
    ]);
    expect([changeOf('x', 1, false), changeOf(1, Number.NaN, false)]).toEqual([null, null]);
  });
});

it('is in the address, as little of it as is unusual', () => {
  expect(readComparison({})).toMatchObject({
    runs: null,
    names: null,
    colour: 'run',
    stroke: null,
    sum: 'mean',
  });
  const said = comparisonChanges({
    names: ['a~b'],
    colour: 'params.lr',
    stroke: 'run',
    facet: 'context.fold',
    sum: 'none',
    spread: 'ci',
    side: 'params',
  });
  const query = Object.fromEntries(
    Object.entries(said).filter((one): one is [string, string] => one[1] !== null),
  );
  expect(readComparison(query)).toEqual({
    runs: null,
    q: '',
    names: ['a~b'],
    colour: 'params.lr',
    stroke: 'run',
    facet: 'context.fold',
    sum: 'none',
    spread: 'ci',
    side: 'params',
  });
  expect(readComparison(comparisonChanges({ names: [] }) as Record<string, string>).names).toEqual([]);
  expect(comparisonChanges({ colour: 'run', sum: 'mean', spread: 'range' })).toMatchObject({
    colour: null,
    sum: null,
    band: null,
  });
});
