import { describe, expect, it } from 'vitest';
import {
  type Brush,
  brushOf,
  brushText,
  chosenRuns,
  queryOfBrushes,
  readBrushes,
  segments,
  writeBrushes,
} from '../src/compare/params/brush';
import { strewn } from '../src/compare/params/painter';
import { axesOf, frameOf, lineAt, shareAt } from '../src/compare/params/parallel';
import { csvOf } from '../src/compare/params/save';
import { place, places, rounded, scaleOf, ticks, valueAt, wantsLog } from '../src/compare/params/scale';
import { boxOf, pointAt, pointsOf, sharesAt, steps, xAt, yAt } from '../src/compare/params/scatter';
import { keysOf, moved, readView, usualAxes, written, writtenBy } from '../src/compare/params/state';
import { median, movingMedian, pareto, ranks, spearman } from '../src/compare/params/statistics';
import { escaped, parallelSvg } from '../src/compare/params/svg';
import { brief, type Column, tableOf, textOf } from '../src/compare/params/table';
import type { Importance, ParamImportance, RunValues } from '../src/lib/api/importance';
import { ramp } from '../src/lib/scale';

const NAN = Number.NaN;
const answer: RunValues = {
  total: 6,
  ids: ['a', 'b', 'c', 'd', 'e', 'f'],
  names: ['one', '<script>alert(1)</script>', '=1+1', 'four "4"', 'five', ''],
  columns: [
    {
      key: 'params.lr',
      term: 'run.params.lr',
      kind: 'number',
      values: [1e-4, 1e-3, 1e-2, 1e-1, null, 'NaN'],
      levels: [],
      statistic: null,
      goal: null,
    },
    {
      key: 'params.net',
      term: 'run.params.net',
      kind: 'level',
      values: [0, 1, 2, 1, null, 0],
      levels: [
        { text: 'adam~|%', literal: '"adam~|%"' },
        { text: '[64, 64]', literal: '[64, 64]' },
        { text: 'long…', literal: null },
      ],
      statistic: null,
      goal: null,
    },
    {
      key: 'metrics.val/dice',
      term: 'run.metrics["val/dice"].best',
      kind: 'number',
      values: [0.5, 0.9, 0.8, 0.7, 0.6, null],
      levels: [],
      statistic: 'best',
      goal: 'max',
    },
  ],
};
const table = tableOf(answer);
const column = (key: string): Column => {
  const found = table.columns.get(key);
  if (!found) throw new Error(key);
  return found;
};
const [lr, net, dice] = [column('params.lr'), column('params.net'), column('metrics.val/dice')];

describe('ranks', () => {
  it('share the mean of their places where values are equal', () => {
    expect(ranks([10, 20, 20, 30])).toEqual([1, 2.5, 2.5, 4]);
    expect(ranks([3, 3, 3])).toEqual([2, 2, 2]);
    expect(ranks([])).toEqual([]);
  });
  it('correlate as in the textbook example of hours of television and IQ', () => {
    const iq = [106, 100, 86, 101, 99, 103, 97, 113, 112, 110];
    const hours = [7, 27, 2, 50, 28, 29, 20, 12, 6, 17];
    expect(spearman(iq, hours)).toBeCloseTo(-29 / 165, 12);
  });
  it('see any rising curve as one, and say nothing of what is always the same', () => {
    expect(spearman([1, 2, 3, 4], [1, 10, 100, 1e9])).toBe(1);
    expect(spearman([1, 2, 3], [5, 5, 5])).toBeNull();
    expect(spearman([1, 2], [1, 2])).toBeNull();
  });
  it('of ties are what SciPy says', () => {
    expect(spearman([1, 2, 2, 3, 5], [2, 1, 4, 4, 5])).toBeCloseTo(0.763_157_894_736_842, 12);
  });
});

describe('a median', () => {
  it('is the middle, or the mean of both middles', () => {
    expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([])]).toEqual([2, 2.5, null]);
  });
  it('moves along x in parts with as many points each', () => {
    const x = [8, 1, 2, 3, 4, 5, 6, 7];
    expect(
      movingMedian(
        x,
        x.map((one) => one * 10),
      ),
    ).toEqual([
      [2.5, 25],
      [6.5, 65],
    ]);
    expect(movingMedian([1, 2, 3], [1, 2, 3])).toEqual([]);
  });
});

describe('a Pareto front', () => {
  const [x, y] = [
    [1, 2, 3, 4, 2, 4],
    [4, 3, 3, 1, 5, 1],
  ];
  it('has what nothing is better than in one thing without being worse in the other', () => {
    expect(pareto(x, y, ['min', 'min'])).toEqual([0, 1, 3, 5]);
    expect(pareto(x, y, ['max', 'max'])).toEqual([3, 5, 2, 4]);
    expect(pareto(x, y, ['min', 'max'])).toEqual([0, 4]);
    expect(pareto([], [], ['min', 'max'])).toEqual([]);
  });
  it('is made of points that no other one dominates', () => {
    const us = Array.from(
      { length: 200 },
      (_, i) => Math.sin(i * 12.9898) * 43758.5453 - Math.floor(Math.sin(i * 12.9898) * 43758.5453),
    );
    const vs = Array.from(
      { length: 200 },
      (_, i) => Math.cos(i * 78.233) * 12543.123 - Math.floor(Math.cos(i * 78.233) * 12543.123),
    );
    const dominated = (at: number) =>
      us.some(
        (u, i) =>
          (u > (us[at] ?? 0) && (vs[i] ?? 0) <= (vs[at] ?? 0)) ||
          (u >= (us[at] ?? 0) && (vs[i] ?? 0) < (vs[at] ?? 0)),
      );
    expect(pareto(us, vs, ['max', 'min']).sort((a, b) => a - b)).toEqual(
      us.flatMap((_, at) => (dominated(at) ? [] : [at])),
    );
  });
});

describe('a scale', () => {
  it('is logarithmic where linear would crowd values into a corner', () => {
    expect(wantsLog(Float64Array.of(1e-4, 1e-3, 1e-2, NAN))).toBe(true);
    expect(wantsLog(Float64Array.of(1, 2, 4, 8))).toBe(false);
    expect(wantsLog(Float64Array.of(0, 1e-4, 1e-2))).toBe(false);
    expect(wantsLog(Float64Array.of(10, 400, 450, 500))).toBe(false);
  });
  it('goes from value to place and back', () => {
    for (const scale of [scaleOf(lr, undefined), scaleOf(lr, 'linear'), scaleOf(dice, undefined)])
      for (const share of [0, 0.25, 0.5, 1])
        expect(place(scale, valueAt(scale, share))).toBeCloseTo(share, 10);
    expect(scaleOf(lr, undefined).kind).toBe('log');
    expect(place(scaleOf(lr, undefined), 1e-3)).toBeCloseTo(1 / 3, 10);
    expect(place(scaleOf(lr, 'log'), 0)).toBeNaN();
    expect(valueAt(scaleOf(net, undefined), 0.5)).toBe(1);
  });
  it('has room for a single value and for none', () => {
    const alone = { ...lr, values: Float64Array.of(3, NAN) };
    expect(place(scaleOf(alone, undefined), 3)).toBe(0.5);
    expect(place(scaleOf(alone, 'log'), 3)).toBe(0.5);
    expect(scaleOf({ ...lr, values: Float64Array.of(NAN, -1) }, 'log')).toEqual({
      kind: 'linear',
      low: 0,
      high: 1,
    });
  });
  it('has round ticks inside its ends', () => {
    expect(ticks({ kind: 'linear', low: 0.03, high: 1.01 }, 5)).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks({ kind: 'linear', low: -5, high: 5 }, 4)).toEqual([-5, 0, 5]);
    expect(ticks({ kind: 'log', low: 1e-5, high: 1e-2 }, 6)).toEqual([1e-5, 1e-4, 1e-3, 1e-2]);
    expect(ticks({ kind: 'log', low: 1e-12, high: 1 }, 5)).toEqual([1e-12, 1e-9, 1e-6, 1e-3, 1]);
    expect(ticks({ kind: 'log', low: 1, high: 10 }, 6)).toEqual([1, 2, 5, 10]);
    expect(ticks({ kind: 'log', low: 2.1, high: 2.9 }, 4).length).toBeGreaterThan(1);
    expect(ticks({ kind: 'levels', low: 0, high: 100 }, 10)).toHaveLength(10);
  });
  it('rounds to what an axis can tell apart', () => {
    expect(rounded({ kind: 'linear', low: 0, high: 1 }, 0.123_456)).toBe(0.123);
    expect(rounded({ kind: 'log', low: 1e-5, high: 1 }, 0.000_123_456)).toBe(0.000_123);
    expect(rounded({ kind: 'linear', low: 0, high: 20_000 }, 12_345.678)).toBe(12_350);
  });
  it('spreads the runs of a level within its band', () => {
    const many = { ...net, values: new Float64Array(100).fill(1) };
    const at = [...places(many, scaleOf(many, undefined))];
    expect(Math.min(...at)).toBeGreaterThan(1 / 3);
    expect(Math.max(...at)).toBeLessThan(2 / 3);
    expect(new Set(at).size).toBe(100);
    expect(new Set(places(many, scaleOf(many, undefined), false)).size).toBe(1);
  });
});

describe('a brush', () => {
  const brushes = (...all: [string, Brush][]) => new Map(all);
  const names = (chosen: Map<string, Brush>) =>
    Array.from(chosenRuns(table, chosen), (run) => table.ids[run]).join('');
  it('that reaches an end of its axis is open there', () => {
    const scale = scaleOf(dice, undefined);
    expect(brushOf(dice, scale, 0.5, 1.2)).toEqual({ kind: 'range', low: 0.7, high: null });
    expect(brushOf(dice, scale, 0.5, -1)).toEqual({ kind: 'range', low: null, high: 0.7 });
    expect(brushOf(dice, scale, -1, 2)).toBeNull();
  });
  it('takes whole levels', () => {
    const scale = scaleOf(net, undefined);
    expect(brushOf(net, scale, 0.1, 0.5)).toEqual({ kind: 'levels', levels: ['adam~|%', '[64, 64]'] });
    expect(brushOf(net, scale, 1 / 3, 2 / 3)).toEqual({ kind: 'levels', levels: ['[64, 64]'] });
    expect(brushOf(net, scale, 0, 1)).toBeNull();
    expect(segments(net, scale, { kind: 'levels', levels: ['adam~|%', 'long…'] })).toEqual([
      [0, 1 / 3],
      [2 / 3, 1],
    ]);
  });
  it('leaves what every other one leaves too', () => {
    const low: Brush = { kind: 'range', low: 1e-3, high: null };
    expect(names(brushes(['params.lr', low]))).toBe('bcd');
    expect(
      names(brushes(['params.lr', low], ['metrics.val/dice', { kind: 'range', low: 0.8, high: 0.9 }])),
    ).toBe('bc');
    expect(names(brushes(['params.lr', { kind: 'none' }]))).toBe('ef');
    expect(names(brushes(['params.net', { kind: 'levels', levels: ['[64, 64]'] }]))).toBe('bd');
    expect(names(brushes(['params.gone', low]))).toBe('abcdef');
  });
  it('is a query as well', () => {
    const said = (chosen: Map<string, Brush>, base = '') => queryOfBrushes(base, table, chosen);
    expect(said(brushes(['params.lr', { kind: 'range', low: 1e-4, high: 0.01 }]))).toBe(
      'run.params.lr >= 0.0001 and run.params.lr <= 0.01',
    );
    expect(said(brushes(['metrics.val/dice', { kind: 'range', low: 0.8, high: null }]), 'a or b')).toBe(
      '(a or b) and run.metrics["val/dice"].best >= 0.8',
    );
    expect(said(brushes(['metrics.val/dice', { kind: 'none' }]))).toBe(
      'run.metrics["val/dice"].best is None',
    );
    expect(said(brushes(['params.net', { kind: 'levels', levels: ['adam~|%'] }]))).toBe(
      'run.params.net == "adam~|%"',
    );
    expect(said(brushes(['params.net', { kind: 'levels', levels: ['adam~|%', '[64, 64]'] }]))).toBe(
      '(run.params.net == "adam~|%" or run.params.net == [64, 64])',
    );
  });
  it('is none where the language cannot say it', () => {
    expect(
      queryOfBrushes('', table, brushes(['params.net', { kind: 'levels', levels: ['long…'] }])),
    ).toBeNull();
    // A query takes NaN for something that is there.
    expect(queryOfBrushes('', table, brushes(['params.lr', { kind: 'none' }]))).toBeNull();
  });
  it('comes back from the address, whatever names hold', () => {
    const all = brushes(
      ['params.a~b|c%7e', { kind: 'range', low: 1e-7, high: null }],
      ['params.net', { kind: 'levels', levels: ['adam~|%', '..', 'none', ''] }],
      ['x', { kind: 'none' }],
      ['y', { kind: 'range', low: -5, high: 0 }],
    );
    const through = new URLSearchParams(new URLSearchParams({ brush: writeBrushes(all) ?? '' }).toString());
    expect(readBrushes(through.get('brush') ?? '')).toEqual(all);
    expect(writeBrushes(new Map())).toBeNull();
    expect(readBrushes('a~b~c~1..x~d~..~e').size).toBe(0);
    expect(readBrushes(undefined).size).toBe(0);
  });
  it('says what it chooses', () => {
    expect(brushText('params.lr', { kind: 'range', low: 1e-4, high: 0.001 })).toBe('1e−4 to 0.001');
    expect(brushText('params.lr', { kind: 'range', low: null, high: 2 })).toBe('up to 2');
    expect(brushText('params.net', { kind: 'levels', levels: ['a', 'b'] })).toBe('a, b');
  });
});

describe('a table', () => {
  it('tells what is missing from what is no number', () => {
    expect([0, 4, 5].map((run) => textOf(lr, run))).toEqual(['0.000100', 'none', 'NaN']);
    expect(lr.missing).toBe(2);
    expect(textOf(net, 1)).toBe('[64, 64]');
  });
  it('names axes by their last word where that is enough', () => {
    const all = ['optimizer.lr', 'scheduler.lr', 'optimizer.name', 'val/dice', 'odd["a.b"]'];
    expect(all.map((title) => brief(title, all))).toEqual([
      'optimizer.lr',
      'scheduler.lr',
      'name',
      'val/dice',
      'odd["a.b"]',
    ]);
  });
  it('goes to a spreadsheet in full, and runs nothing there', () => {
    expect(csvOf(table, ['params.lr', 'params.net', 'metrics.val/dice'], [2, 3, 5])).toBe(
      'id,name,params.lr,params.net,metrics.val/dice.best\r\n' +
        "c,'=1+1,0.01,long…,0.8\r\n" +
        'd,"four ""4""",0.1,"[64, 64]",0.7\r\n' +
        'f,,NaN,adam~|%,\r\n',
    );
  });
});

describe('lines', () => {
  const frame = frameOf(800, 300, true);
  const scales = new Map([lr, net, dice].map((one) => [one.key, scaleOf(one, undefined)]));
  const axes = axesOf([lr, dice], scales, new Set(['params.lr']), frame);
  const all = [0, 1, 2, 3, 4, 5];
  it('cross a flipped axis the other way round, and what is missing below it', () => {
    expect(axes[0]?.y[0]).toBeCloseTo(frame.top, 4);
    expect(axes[0]?.y[3]).toBeCloseTo(frame.bottom, 4);
    expect(axes[1]?.y[0]).toBeCloseTo(frame.bottom, 4);
    expect([axes[0]?.y[4], axes[1]?.y[5]]).toEqual([frame.none, frame.none]);
    expect(frame.none).toBeGreaterThan(frame.bottom);
    expect(shareAt(frame, true, frame.top)).toBe(0);
  });
  it('are found between axes, at them, and nowhere else', () => {
    const [left, right] = [axes[0]?.x ?? 0, axes[1]?.x ?? 0];
    const middle = ((axes[0]?.y[2] ?? 0) + (axes[1]?.y[2] ?? 0)) / 2;
    expect(lineAt(axes, all, (left + right) / 2, middle + 2)?.run).toBe(2);
    expect(lineAt(axes, all, left, frame.none)?.run).toBe(4);
    expect(lineAt(axes, all, left, frame.none)?.others).toBe(1);
    expect(lineAt(axes, [0, 1], (left + right) / 2, frame.none)).toBeNull();
    expect(lineAt(axes, all, left - 40, frame.top)).toBeNull();
    expect(lineAt([], all, 10, 10)).toBeNull();
  });
  it('are drawn in an order whose beginning shows the whole', () => {
    for (const count of [0, 1, 2, 6, 1000]) {
      const order = strewn(Array.from({ length: count }, (_, i) => i));
      expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
    }
    const first = [...strewn(Array.from({ length: 1000 }, (_, i) => i)).subarray(0, 10)];
    expect(new Set(first.map((one) => Math.floor(one / 250))).size).toBe(4);
  });
  it('are a drawing in which a name is only a name', () => {
    const named = { ...lr, title: '<script>"\u0000' };
    const ground = {
      theme: 'dark' as const,
      text: '#fff',
      soft: '#ccc',
      faint: '#888',
      line: '#444',
      raised: '#000',
      accent: '#00f',
      names: [],
      font: '"Noto Sans", serif',
    };
    const colours = { palette: ['#123456', '#888'], of: new Uint8Array(6), ordered: true };
    const drawing = parallelSvg(
      axesOf([named, dice], scales, new Set(), frame),
      frame,
      { every: all, chosen: [0, 1] },
      colours,
      { column: net, scale: scaleOf(net, undefined), colours },
      new Map([['metrics.val/dice', [[0.2, 0.6]]]]),
      ground,
    );
    expect(drawing).not.toContain('<script');
    expect(drawing).not.toContain('\u0000');
    expect(drawing.match(/stroke="#123456"/g)).toHaveLength(2);
    expect(drawing.match(/stroke="#888"/g)).toHaveLength(6);
    expect(drawing).toContain('font-family="&#34;Noto Sans&#34;, serif"');
    expect(escaped('a&b\u0007')).toBe('a&#38;b\ufffd');
  });
});

describe('points', () => {
  const box = boxOf(600, 400);
  const scales = [scaleOf(lr, undefined), scaleOf(dice, undefined)] as const;
  const points = pointsOf(box, [lr, dice], [...scales], { column: dice, scale: scales[1] });
  it('have a place where both values have one, and a size by area', () => {
    expect(points.shown).toBe(4);
    expect(points.x[4]).toBeNaN();
    expect(points.y[5]).toBeNaN();
    expect(points.radius[1]).toBeCloseTo(9, 6);
    expect(points.radius[5]).toBe(1.5);
  });
  it('of a front are joined by steps that go round what they dominate', () => {
    const front: [number, number][] = [
      [1, 9],
      [4, 5],
    ];
    expect(steps(front, 'min')).toBe('M1 9H4V5');
    expect(steps(front, 'max')).toBe('M1 9V5H4');
    expect(steps([], 'min')).toBe('');
  });
  it('are found where they lie, and a place is a value again', () => {
    expect(pointAt(points, [0, 1, 2, 3, 4], (points.x[1] ?? 0) + 3, points.y[1] ?? 0)?.run).toBe(1);
    expect(pointAt(points, [0, 2], points.x[1] ?? 0, points.y[1] ?? 0)).toBeNull();
    const [u, v] = sharesAt(box, xAt(box, 0.3), yAt(box, 0.8));
    expect([u, v]).toEqual([expect.closeTo(0.3, 10), expect.closeTo(0.8, 10)]);
  });
});

describe('the address', () => {
  it('says what is seen', () => {
    const view = readView({
      axes: 'params.a%7eb~metrics.x',
      flip: 'metrics.x',
      plog: 'p',
      plin: 'q',
      more: 'm',
      less: 'n',
      stat: 'odd',
      front: '1',
    });
    expect(view.axes).toEqual(['params.a~b', 'metrics.x']);
    expect([view.flipped.has('metrics.x'), view.scales.get('p'), view.scales.get('q')]).toEqual([
      true,
      'log',
      'linear',
    ]);
    expect([view.better.get('m'), view.better.get('n'), view.statistic, view.pareto, view.trend]).toEqual([
      'max',
      'min',
      'best',
      true,
      false,
    ]);
    expect(readView({}).axes).toBeNull();
    expect(keysOf('~')).toEqual([]);
    expect(keysOf(written(['a~b', 'c%']) ?? '')).toEqual(['a~b', 'c%']);
    expect(
      writtenBy(new Map<string, 'log' | 'linear'>([['p', 'log']]), { log: 'plog', linear: 'plin' }),
    ).toEqual({
      plog: 'p',
      plin: null,
    });
  });
  it('says nothing where the most varied params and the metric are the axes', () => {
    const one = (key: string, kind: 'number' | 'level', distinct: number): ParamImportance => ({
      key,
      term: `run.${key}`,
      kind,
      runs: 9,
      distinct,
      share: null,
      chance: null,
      rho: null,
      shape: null,
      best: null,
      why: null,
    });
    const importance: Importance = {
      runs: 9,
      metric: 'metrics.d',
      statistic: 'best',
      goal: 'max',
      params: [
        one('params.amp', 'level', 2),
        one('params.lr', 'number', 30),
        one('params.seed', 'number', 90),
        one('params.out', 'level', 90),
        one('params.net', 'level', 4),
        one('params.a', 'number', 3),
        one('params.b', 'number', 3),
        one('params.c', 'number', 3),
        one('params.d', 'number', 3),
      ],
    };
    expect(usualAxes(importance, 'metrics.d')).toEqual([
      'params.lr',
      'params.net',
      'params.a',
      'params.b',
      'params.c',
      'params.d',
      'metrics.d',
    ]);
    expect(usualAxes(null, null)).toEqual([]);
  });
  it('has axes moved, and none beyond the ends', () => {
    expect(moved(['a', 'b', 'c'], 'a', 1)).toEqual(['b', 'a', 'c']);
    expect(moved(['a', 'b', 'c'], 'c', 5)).toEqual(['a', 'b', 'c']);
    expect(moved(['a', 'b', 'c'], 'x', 1)).toEqual(['a', 'b', 'c']);
  });
});

describe('the colours of lines', () => {
  it('tell their order by lightness alone, on either ground', () => {
    for (const theme of ['dark', 'light'] as const) {
      const light = Array.from({ length: 20 }, (_, i) => {
        const [r, g, b] = ramp(i / 19, theme);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      });
      expect(light).toEqual([...light].sort((a, b) => a - b));
    }
  });
});
