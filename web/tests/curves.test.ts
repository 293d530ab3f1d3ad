import { describe, expect, it, test } from 'vitest';
import { along, asked, contextLabel, marks, nearest, pace, smooth, spliced } from '../src/charts/curves';
import { type Frame, fromX, fromY, leaving, padded, spanX, spanY, toX, toY } from '../src/charts/frame';
import { lead, outlines } from '../src/charts/paint';
import { fileName } from '../src/charts/save';
import { confidence, deviation, mean, median, quantile, student } from '../src/charts/stats';
import { toSvg } from '../src/charts/svg';
import { ticks } from '../src/charts/ticks';
import {
  alone,
  drawnAlong,
  isShown,
  pinned,
  readList,
  readView,
  toggled,
  viewChanges,
  writeList,
} from '../src/charts/view';
import type { Curve } from '../src/lib/api/types';
import { curveOf, lineOf } from './made';

const frame = (y: [number, number], more: Partial<Frame> = {}): Frame => ({
  left: 0,
  top: 0,
  width: 100,
  height: 100,
  x: [0, 10],
  y,
  logX: false,
  logY: false,
  ...more,
});

describe('a view', () => {
  it('comes back from the address as it went there', () => {
    const said = viewChanges({
      by: 'metric',
      metric: 'train/seen~samples',
      logX: true,
      logY: true,
      smoothing: 0.6,
      clipped: true,
      choice: { only: true, keys: ['a~b', 'c%'] },
      strong: ['x'],
      full: 'val/dice',
      tall: { 'a,b': [0, 1] },
    });
    const query = Object.fromEntries(
      Object.entries(said).filter((one): one is [string, string] => one[1] !== null),
    );
    expect(readView(query)).toMatchObject({
      by: 'metric',
      metric: 'train/seen~samples',
      logX: true,
      logY: true,
      smoothing: 0.6,
      clipped: true,
      zoom: null,
      tall: { 'a,b': [0, 1] },
      choice: { only: true, keys: ['a~b', 'c%'] },
      strong: ['x'],
      full: 'val/dice',
    });
    expect(readView({ zoom: '10,20', pin: '3~4~5', x: 'time' })).toMatchObject({
      zoom: [10, 20],
      pins: [3, 4],
      by: 'relative',
    });
  });

  it('leaves the address empty where it is the usual one, and forgets places of another axis', () => {
    expect(readView({})).toMatchObject({ by: 'step', smoothing: 0, zoom: null, pins: [], full: null });
    expect(viewChanges({ by: 'step', smoothing: 0, logY: false })).toEqual({
      x: null,
      zoom: null,
      pin: null,
      smooth: null,
      log: null,
    });
    expect(viewChanges({ by: 'time' }).x).toBe('clock');
    expect(readView({ zoom: '20,10', pin: 'x', smooth: '7', tall: 'x' })).toMatchObject({
      zoom: null,
      pins: [],
      smoothing: 0.99,
      tall: {},
    });
  });

  it('hides lines one by one, or shows one alone', () => {
    const all = { only: false, keys: [] };
    const hidden = toggled(all, 'a');
    expect([isShown(hidden, 'a'), isShown(hidden, 'b')]).toEqual([false, true]);
    expect(toggled(hidden, 'a')).toEqual(all);
    const single = alone(hidden, 'b');
    expect([isShown(single, 'a'), isShown(single, 'b')]).toEqual([false, true]);
    expect(toggled(single, 'a').keys).toEqual(['b', 'a']);
    expect(toggled(single, 'b')).toEqual(all);
    expect(alone(single, 'b')).toEqual(all);
  });

  it('stays along the axis of what is drawn until the other has arrived', () => {
    const view = readView({ x: 'epoch', zoom: '1,2' });
    expect(drawnAlong(view, { by: 'epoch', metric: null })).toBe(view);
    expect(drawnAlong(view, null)).toBe(view);
    expect(drawnAlong(view, { by: 'step' })).toMatchObject({ by: 'step', zoom: null });
  });

  it('has at most two pins', () => {
    expect(pinned([], 5, 1)).toEqual([5]);
    expect(pinned([5], 5.5, 1)).toEqual([]);
    expect(pinned([5, 9], 20, 1)).toEqual([5, 20]);
  });

  it('writes names that hold what separates them', () => {
    const names = ['a~b', '100%', '%7E', 'c'];
    expect(readList(writeList(names) ?? '')).toEqual(names);
    expect(writeList([])).toBeNull();
  });
});

describe('a curve', () => {
  it('lies along steps, times or what the server said', () => {
    const curve = curveOf([1, 2], [0.5, 0.6]);
    expect(along(curve, 'step').x).toEqual([1, 2]);
    expect(along(curve, 'relative').x).toEqual([2, 4]);
    expect(along(curve, 'time').x).toEqual([1002, 1004]);
    expect(along(curve, 'metric').x).toEqual([0.1, 0.2]);
    expect(along(curve, 'epoch').means).toEqual([0.5, 0.6]);
    const broken = {
      count: 2,
      steps: [3, 4],
      times: [6, 8],
      x: [],
      kinds: ['NaN', 'Infinity'],
    } as Curve['broken'];
    expect(marks(curveOf([1], [1], { broken }), 'relative')).toEqual([
      { x: 6, kind: 'NaN' },
      { x: 8, kind: 'Infinity' },
    ]);
  });

  it('takes a finer part into itself', () => {
    const coarse = along(curveOf([0, 10, 20, 30], [0, 1, 2, 3]), 'step');
    const fine = along(curveOf([10, 15, 20], [1, 9, 2]), 'step');
    expect(spliced(coarse, fine)).toMatchObject({ x: [0, 10, 15, 20, 30], y: [0, 1, 9, 2, 3] });
    expect(spliced(coarse, along(curveOf([], []), 'step'))).toBe(coarse);
    expect(asked([100, 200])).toEqual([95, 205]);
  });

  it('says something between its ends only', () => {
    expect([-1, 0, 4, 6, 10, 11].map((at) => nearest([0, 5, 10], at))).toEqual([null, 0, 1, 1, 2, null]);
    expect(nearest([0, 5, 10], 11, 2)).toBe(2);
    expect(nearest([], 1)).toBeNull();
  });

  it('is named by its context, the usual keys first', () => {
    expect(contextLabel({ class: 'spleen', case: 'a', rank: 3 })).toBe('a · spleen · rank=3');
  });
});

describe('smoothing', () => {
  it('starts at the first value, keeps a constant, and leaves gaps', () => {
    expect(smooth([0, 1, 2, 3], [3, 3, null, 3], 0.9)).toEqual([3, 3, null, expect.closeTo(3)]);
    expect(smooth([0, 1], [1, 5], 0)).toEqual([1, 5]);
    const [first, second] = smooth([0, 1], [0, 10], 0.5);
    expect(first).toBe(0);
    expect(second).toBeCloseTo(20 / 3);
  });

  it('runs in a part in detail where it runs in the whole', () => {
    const wave = (x: number) => Math.sin(x / 200);
    const coarse = Array.from({ length: 101 }, (_, i) => i * 10);
    const fine = Array.from({ length: 1001 }, (_, i) => i);
    const unit = pace({ x: coarse, y: [], means: [] });
    const whole = smooth(coarse, coarse.map(wave), 0.8, unit);
    const detail = smooth(fine, fine.map(wave), 0.8, unit);
    for (const i of [20, 50, 90]) expect(detail[i * 10]).toBeCloseTo(whole[i] ?? 0, 1);
  });
});

test('what several values come to', () => {
  expect([mean([1, 2, 6]), median([1, 2, 6]), median([1, 3])]).toEqual([3, 2, 2]);
  expect(deviation([1, 3])).toBeCloseTo(Math.SQRT2);
  expect([deviation([1]), confidence([1])]).toEqual([0, 0]);
  // By the tables: n = 5 has 4 degrees of freedom, t = 2.776.
  expect(confidence([1, 2, 3, 4, 5])).toBeCloseTo((2.7764 * Math.sqrt(2.5)) / Math.sqrt(5), 4);
  expect(student(31)).toBeCloseTo(2.0395, 3);
  expect(student(120)).toBeCloseTo(1.9799, 3);
  expect(quantile([0, 10], 0.25)).toBe(2.5);
});

describe('a frame', () => {
  it('leads from values to pixels and back, also by decades', () => {
    for (const place of [frame([0, 2]), frame([1e-3, 10], { logX: true, x: [1, 1000], logY: true })]) {
      const [x, y] = [fromX(place, 30), fromY(place, 70)];
      expect(toX(place, x)).toBeCloseTo(30);
      expect(toY(place, y)).toBeCloseTo(70);
    }
    expect(toY(frame([0.1, 1000], { logY: true }), 10)).toBeCloseTo(50);
  });

  it('reaches over all values, or over all but the outermost', () => {
    const spiky = lineOf(
      Array.from({ length: 300 }, (_, i) => i),
      Array.from({ length: 300 }, (_, i) => (i === 150 ? 1000 : 2 + (i % 10) / 10)),
    );
    expect(spanX([spiky], false)).toEqual([0, 299]);
    const whole = spanY([spiky], [], [0, 299], false, false);
    expect(whole?.cut).toBe(false);
    expect(whole?.range[1]).toBeGreaterThan(1000);
    const inner = spanY([spiky], [], [0, 299], false, true);
    expect(inner?.cut).toBe(true);
    expect(inner?.range[1]).toBeLessThan(3.2);
    const left = leaving([spiky], frame([1.9, 3], { x: [0, 299] }));
    expect(left.count).toBe(1);
    expect(left.marks).toEqual([{ px: expect.closeTo(50.17, 1), up: true }]);
    // Out of sight to the side is not off the scale.
    expect(leaving([spiky], frame([1.9, 3], { x: [0, 100] })).count).toBe(0);
    expect(spanY([lineOf([1], [-1])], [], [0, 2], true, false)).toBeNull();
    // A line that only passes through what is in sight is in sight.
    expect(spanY([lineOf([0, 10], [0, 10])], [], [4, 6], false, false)?.range).toEqual([
      expect.closeTo(3.88),
      expect.closeTo(6.12),
    ]);
    expect(spanX([], false)).toBeNull();
    expect(spanX([lineOf([5], [1])], false)).toEqual([4, 6]);
  });

  it('gives a score no room beyond what is possible', () => {
    expect(padded(0.01, 0.99, false)).toEqual([0, 1.005]);
    expect(padded(1, 100, true)[0]).toBeCloseTo(0.794, 2);
  });
});

describe('marks of an axis', () => {
  const at = (...args: Parameters<typeof ticks>) => ticks(...args).map((one) => one.at);
  it('are round, whole for steps, decades on a log axis', () => {
    expect(at(0, 100, 5, 'step', false)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(at(1, 3, 8, 'step', false)).toEqual([1, 2, 3]);
    expect(at(0, 1, 4, 'value', false)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks(6.661e10, 6.663e10, 2, 'value', false).map((one) => one.label)).toEqual([
      '6.661e10',
      '6.662e10',
      '6.663e10',
    ]);
    expect(at(1e-5, 1, 6, 'value', true)).toEqual([1e-5, 1e-4, 1e-3, 0.01, 0.1, 1]);
    expect(at(2, 60, 6, 'value', true)).toEqual([2, 5, 10, 20, 50]);
    expect(at(3, 3, 5, 'value', false)).toEqual([3]);
  });

  it('tell times as people do', () => {
    expect(ticks(0, 3600, 4, 'relative', false).map((one) => one.label)).toEqual([
      '0',
      '15 min',
      '30 min',
      '45 min',
      '60 min',
    ]);
    const noon = new Date(2026, 10, 21, 12, 0).getTime() / 1000;
    expect(ticks(noon, noon + 7200, 2, 'time', false).map((one) => one.label)).toEqual([
      '12:00',
      '13:00',
      '14:00',
    ]);
  });
});

describe('a drawn line', () => {
  function drawn(x: number[], values: (number | null)[], place: Frame): string {
    let said = '';
    lead(
      {
        moveTo: (a, b) => (said += `M${a},${b}`),
        lineTo: (a, b) => (said += `L${a},${b}`),
        dot: (a, b) => (said += `o${a},${b}`),
      },
      x,
      values,
      place,
    );
    return said;
  }

  it('has gaps where nothing is, a dot where a point stands alone, and no place for what is below zero', () => {
    expect(drawn([0, 5, 10], [0, 1, 0], frame([0, 1]))).toBe('M0,100L50,0L100,100');
    expect(drawn([0, 2, 4, 6], [0, null, 0, 0], frame([0, 1]))).toBe('M0,100o0,100M40,100L60,100');
    expect(drawn([0, 5], [-1, 10], frame([1, 100], { logY: true }))).toMatch(/^M50,(50|49.9+)\d*o50,/);
  });

  it('goes on beyond what is in sight, by one point', () => {
    const x = [0, 10, 20, 30, 40, 50];
    const said = drawn(
      x,
      x.map(() => 0),
      frame([0, 1], { x: [19, 31] }),
    );
    expect(said.match(/[ML]/g)?.length).toBe(4);
  });

  it('is the edge of a band, in pieces where that has gaps', () => {
    const band = { key: 'b', hue: 0, x: [0, 5, 6, 10], low: [0, 0, null, 0], high: [1, 1, 1, 1] };
    expect(outlines(band, frame([0, 1]))).toEqual([
      [
        [0, 0],
        [50, 0],
        [50, 100],
        [0, 100],
      ],
    ]);
  });
});

test('a file has vectors, names that do no harm, and what is not in sight', () => {
  const theme = {
    series: Array.from({ length: 8 }, () => '#123456'),
    faint: '#999999',
    text: '#000000',
    soft: '#444444',
    label: '#444444',
    grid: '#eeeeee',
    ground: '#ffffff',
    strong: '#aaaaaa',
    warn: '#aa5500',
  };
  const svg = toSvg({
    title: 'val/<script>alert(1)</script>\u0007',
    xLabel: 'step',
    picture: {
      lines: [
        lineOf([0, 10], [0, 1], { label: 'unet & co', stroke: 1 }),
        lineOf([0, 10], [1, 5], { key: 'b', marks: [{ x: 5, kind: 'NaN' }] }),
      ],
      bands: [{ key: 'a', hue: 0, x: [0, 10], low: [0, 0], high: [1, 1] }],
    },
    frame: { x: [0, 10], y: [0, 1], logX: false, logY: false },
    xTicks: ticks(0, 10, 5, 'step', false),
    yTicks: ticks(0, 1, 5, 'value', false),
    theme,
    strong: [],
    notes: ['1 off the scale'],
  });
  expect(svg).toContain('val/&lt;script&gt;');
  expect(svg).toContain('unet &amp; co');
  expect(svg).toContain('stroke-dasharray="7 4"');
  expect(svg).toContain('1 off the scale');
  expect(svg).toContain(`fill="${theme.warn}"`);
  expect(svg).not.toMatch(/<script|\p{Cc}(?<!\n)|NaN|undefined/u);
  expect(fileName('val/dice · 0.1', 'svg')).toBe('val-dice-0.1.svg');
  expect(fileName('../..', 'csv')).toBe('chart.csv');
});
