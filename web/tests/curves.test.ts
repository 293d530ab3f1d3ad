import { describe, expect, test } from 'vitest';
import { chartData, contextLabel, groupSeries, mean, positive, smooth } from '../src/charts/curves';
import type { Points, Series } from '../src/lib/api/types';

function series(id: number, name: string, context: Series['context'] = {}): Series {
  return { id, name, context, count: 2, first: 0, last: 1, min: 0, max: 1, last_step: 2, best: null };
}

function points(steps: number[], values: (number | null)[]): Points {
  return { steps, epochs: steps.map((s) => s * 10), times: steps.map((s) => 100 + s), values };
}

describe('charts', () => {
  const a = series(1, 'val/dice', { class: 'spleen', case: 'a' });
  const b = series(2, 'val/dice', { class: 'spleen', case: 'b' });
  const loss = series(3, 'train/loss');

  test('there is one group per name', () => {
    expect(groupSeries([a, loss, b]).map((g) => [g.name, g.series.length])).toEqual([
      ['train/loss', 1],
      ['val/dice', 2],
    ]);
    expect(contextLabel(a.context)).toBe('a · spleen');
  });

  test('several series share one x and get a mean over what is there', () => {
    const data = new Map([
      [a.id, points([1, 2], [0.2, 0.4])],
      [b.id, points([2, 3], [0.8, null])],
    ]);
    const chart = chartData({ name: 'val/dice', series: [a, b] }, data, 'step', 0);
    expect(chart.x).toEqual([1, 2, 3]);
    expect(chart.lines.map((l) => [l.weight, l.values])).toEqual([
      ['thin', [0.2, 0.4, null]],
      ['thin', [null, 0.8, null]],
      ['heavy', [0.2, expect.closeTo(0.6), null]],
    ]);
  });

  test('each class has its own mean', () => {
    const c = series(4, 'val/dice', { class: 'lesion', case: 'a' });
    const data = new Map([a, b, c].map((s) => [s.id, points([1], [0.5])]));
    const labels = chartData({ name: 'val/dice', series: [a, b, c] }, data, 'step', 0).lines.map(
      (l) => l.label,
    );
    expect(labels.slice(3)).toEqual(['mean · spleen', 'mean · lesion']);
  });

  test('x is the step, the epoch, or seconds since the first point', () => {
    const data = new Map([[loss.id, points([1, 2], [1, 2])]]);
    const x = (axis: 'step' | 'epoch' | 'time') => chartData({ name: 'l', series: [loss] }, data, axis, 0).x;
    expect([x('step'), x('epoch'), x('time')]).toEqual([
      [1, 2],
      [10, 20],
      [0, 1],
    ]);
  });
});

test('smoothing starts at the first value, keeps a constant, and leaves gaps', () => {
  expect(smooth([3, 3, null, 3], 0.9)).toEqual([3, 3, null, expect.closeTo(3)]);
  expect(smooth([1, 5], 0)).toEqual([1, 5]);
  const [first, second] = smooth([0, 10], 0.5);
  expect(first).toBe(0);
  expect(second).toBeCloseTo(20 / 3);
});

test('a mean of nothing is nothing, and a log axis shows what is above zero', () => {
  expect(mean([[null], [null]])).toEqual([null]);
  expect(positive([1, 0, -1, null])).toEqual([1, null, null, null]);
});
