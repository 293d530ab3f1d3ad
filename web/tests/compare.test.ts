import { describe, expect, it } from 'vitest';
import { type Coloured, compared, groupsOf, onGrid } from '../src/compare/lines';

const curve = (run: string, steps: number[], values: (number | null)[], group = run): Coloured => ({
  curve: {
    id: 1,
    run_id: run,
    name: 'val/dice',
    context: {},
    count: steps.length,
    points: { steps, epochs: steps.map((s) => s - 1), times: steps.map((s) => 1000 + s * 2), values },
  },
  label: run,
  group,
});
const USUAL = { axis: 'step', smoothing: 0, sum: 'mean', spread: 'range' } as const;

describe('curves that are compared', () => {
  it('have a colour each, and are not summed up, where each has a group of its own', () => {
    const both = [curve('a', [1, 2], [0.1, 0.2]), curve('b', [1, 2], [0.3, 0.4])];
    const chart = compared(both, groupsOf(both), USUAL);
    expect(chart.lines.map((l) => [l.label, l.weight, l.colour])).toEqual([
      ['a', 'heavy', 0],
      ['b', 'heavy', 1],
    ]);
    expect(chart.bands).toBeUndefined();
  });

  it('are summed up with a band where a group has several', () => {
    const four = [
      curve('a', [1, 2], [0, 1], '0.1'),
      curve('b', [1, 2], [1, 3], '0.1'),
      curve('c', [1, 2], [5, null], '0.1'),
      curve('d', [1, 2], [9, 9], '0.01'),
    ];
    const groups = groupsOf(four);
    expect(groups).toEqual(['0.01', '0.1']);
    const mean = compared(four, groups, USUAL);
    const heavy = mean.lines.filter((l) => l.weight === 'heavy');
    expect(heavy.map((l) => [l.label, l.values])).toEqual([
      ['0.01', [9, 9]],
      ['0.1 · mean of 3', [2, 2]],
    ]);
    expect(mean.bands).toEqual([{ colour: 1, low: [0, 1], high: [5, 3] }]);
    const median = compared(four, groups, { ...USUAL, sum: 'median', spread: 'none' });
    expect(median.lines.at(-1)?.values).toEqual([1, 2]);
    expect(median.bands).toEqual([]);
    const deviation = compared(four.slice(0, 2), ['0.1'], { ...USUAL, spread: 'deviation' });
    expect(deviation.bands?.[0]?.high[0]).toBeCloseTo(0.5 + Math.SQRT1_2);
    expect(compared(four, groups, { ...USUAL, sum: 'none' }).lines.every((l) => l.weight === 'heavy')).toBe(
      true,
    );
  });

  it('meet at their beginnings in time, and wherever they have epochs', () => {
    const both = [curve('a', [1, 2], [0.1, 0.2]), curve('b', [11, 12], [0.3, 0.4])];
    expect(compared(both, ['a', 'b'], { ...USUAL, axis: 'time' }).x).toEqual([0, 2]);
    expect(compared(both, ['a', 'b'], { ...USUAL, axis: 'epoch' }).x).toEqual([0, 1, 10, 11]);
  });

  it('keep to their own points and go straight between them', () => {
    expect(onGrid([1, 3, 5], [0, 2, null], [0, 1, 2, 3, 4, 5, 6])).toEqual([null, 0, 1, 2, null, null, null]);
    expect(onGrid([], [], [1])).toEqual([null]);
    const dense = Array.from({ length: 3000 }, (_, i) => i);
    const chart = compared([curve('a', dense, dense)], ['a'], USUAL);
    expect(chart.x.length).toBe(800);
    expect(chart.lines[0]?.values.at(-1)).toBe(2999);
    expect(compared([], [], USUAL)).toEqual({ x: [], lines: [] });
  });
});

describe('groups', () => {
  it('go in the order of their numbers, or as people sort words', () => {
    const of = (groups: string[]) => groupsOf(groups.map((group) => curve('r', [], [], group)));
    expect(of(['10', '9', '1e-3'])).toEqual(['1e-3', '9', '10']);
    expect(of(['fold 10', 'fold 9', 'none'])).toEqual(['fold 9', 'fold 10', 'none']);
  });
});
