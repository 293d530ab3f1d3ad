import { describe, expect, it } from 'vitest';
import type { Content, MediaGroup, MediaGroups, Values } from '../src/lib/api/media';
import {
  contextKeys,
  digest,
  itemAt,
  lastUpTo,
  mediaQuery,
  sectionsOf,
  stepsOf,
  tilesOf,
} from '../src/media/board';
import {
  columnEdges,
  densities,
  heightOf,
  outline,
  placeOf,
  strengths,
} from '../src/media/distribution/heat';
import { harmless, themed } from '../src/media/figure/harmless';
import { classesOf, paint } from '../src/media/picture/labels';
import { rangeOf, valuesAt, windowed } from '../src/media/picture/values';
import { moved, WHOLE, zoomed } from '../src/media/picture/zoom';
import { inSight, said } from '../src/media/table/cells';
import { condensed, diff } from '../src/media/text/diff';
import { pieces, places } from '../src/media/text/find';
import { readView, writeView } from '../src/media/view';

function group(
  run: string,
  name: string,
  kind: string,
  context: MediaGroup['context'],
  steps: number[],
): MediaGroup {
  return { run_id: run, name, kind, context, steps, ids: steps.map((_, at) => at + 1) };
}

const told: MediaGroups = {
  total: 12,
  runs: [
    { id: 'r2', name: 'unet-b' },
    { id: 'r1', name: 'unet-a' },
  ],
  groups: [
    group('r2', 'val/overlay', 'image', { case: 'spleen_12' }, [1, 5]),
    group('r2', 'val/overlay', 'image', { case: 'spleen_2' }, [1, 5]),
    group('r1', 'val/overlay', 'image', { case: 'spleen_2' }, [1, 2, 2, 9]),
    group('r1', 'weights', 'distribution', { layer: 'a' }, [3]),
    group('r1', 'odd', 'hologram', {}, [3]),
  ],
};

describe('the board', () => {
  it('stands by kind and name, with runs beside each other under what they share', () => {
    const sections = sectionsOf(tilesOf(told, ''), '');
    expect(sections.map((one) => [one.kind, one.name, one.count])).toEqual(
      [
        ['hologram', 'odd', 1],
        ['image', 'val/overlay', 3],
        ['distribution', 'weights', 1],
      ].sort((a, b) => Number(a[0] === 'hologram') - Number(b[0] === 'hologram')),
    );
    const [overlay] = sections;
    expect(overlay?.groups.map((row) => [row.title, row.tiles.map((tile) => tile.run)])).toEqual([
      ['case: spleen_2', ['unet-b', 'unet-a']],
      ['case: spleen_12', ['unet-b']],
    ]);
  });

  it('keeps the order in which a query names its runs', () => {
    const tiles = tilesOf(told, 'run.id in ["r1", "r2"]').filter(
      (tile) => tile.group.context.case === 'spleen_2',
    );
    expect(tiles.map((tile) => tile.run)).toEqual(['unet-a', 'unet-b']);
  });

  it('groups by a run or a context key, and tells those without it', () => {
    const tiles = tilesOf(told, '').filter((tile) => tile.group.kind === 'image');
    expect(sectionsOf(tiles, 'run')[0]?.groups.map((row) => row.title)).toEqual(['unet-b', 'unet-a']);
    expect(sectionsOf(tiles, 'fold')[0]?.groups.map((row) => row.title)).toEqual(['no fold']);
    expect(contextKeys(tiles)).toEqual(['case']);
  });

  it('shows what was logged last by a step, several at one step together, and nothing before the first', () => {
    const tile = tilesOf(told, '').find((one) => one.run === 'unet-a' && one.group.kind === 'image');
    if (!tile) throw new Error('the tile is there');
    expect(tile.steps).toEqual([1, 2, 9]);
    expect(itemAt(tile, 5)).toEqual({ step: 2, ids: [2, 3] });
    expect(itemAt(tile, 0)).toBeNull();
    expect(itemAt(tile, null)?.step).toBe(9);
    expect(stepsOf(tilesOf(told, ''))).toEqual([1, 2, 3, 5, 9]);
    expect([-1, 1, 4, 9, 10].map((step) => lastUpTo(tile.steps, step))).toEqual([-1, 0, 1, 2, 2]);
  });

  it('tells tiles apart by short keys', () => {
    const keys = Array.from({ length: 20_000 }, (_, at) => digest(`run\nname\nimage\ncase: ${at}`));
    expect(new Set(keys).size).toBe(keys.length);
    expect(Math.max(...keys.map((key) => key.length))).toBeLessThanOrEqual(11);
    expect(keys.every((key) => /^[a-z0-9]+$/.test(key))).toBe(true);
  });

  it('takes words for names, and a query for a query', () => {
    expect(mediaQuery('')).toBe('');
    expect(mediaQuery('media.step > 3')).toBe('media.step > 3');
    expect(mediaQuery('Val "x')).toContain('media.name.lower().contains("val")');
    expect(mediaQuery('Val "x')).toContain('contains("\\"x")');
  });

  it('writes its view into the address and reads it again', () => {
    const own = new Map([['ab', -3]]);
    const written = writeView({
      kinds: ['image', 'text'],
      step: 0,
      size: 'l',
      own,
      smooth: true,
      central: true,
      open: 'k',
    });
    const query = Object.fromEntries(Object.entries(written).filter(([, value]) => value !== null)) as Record<
      string,
      string
    >;
    expect(readView(query)).toMatchObject({
      kinds: ['image', 'text'],
      step: 0,
      size: 'l',
      own,
      smooth: true,
      central: true,
      open: 'k',
    });
    expect(
      Object.values(writeView({ step: null, size: 'm', boxes: true, log: false, how: 'flicker', nth: 0 })),
    ).toEqual(Array(6).fill(null));
    expect(readView({ 'm.step': 'x', 'm.own': 'a:b~:3~c:4' })).toMatchObject({
      step: null,
      own: new Map([['c', 4]]),
    });
  });
});

describe('distributions', () => {
  const column = (first: number, last: number, share: number[], nan = 0) => ({
    ...{ first, last, share, nan, inf: 0, min: 0, max: 1, mean: 0.5, std: 0.1 },
    count: share.reduce((sum, one) => sum + one, nan),
  });

  it('gives each column the width to its neighbours', () => {
    expect(columnEdges([column(0, 0, []), column(10, 10, []), column(30, 30, [])])).toEqual(
      [0, 2 / 9, 5 / 9, 1].map((edge) => expect.closeTo(edge)),
    );
    expect(columnEdges([column(4, 4, [])])).toEqual([0, 1]);
    expect(columnEdges([])).toEqual([]);
    expect(placeOf([column(0, 9, []), column(10, 19, [])], 12)).toBeCloseTo(0.75);
    expect(placeOf([column(0, 9, [])], 12)).toBeNull();
  });

  it('colours parts of the finite values, so that NaN weighs nothing', () => {
    const heat = {
      low: 0,
      high: 1,
      beyond: 0,
      columns: [column(0, 0, [1, 3]), column(1, 1, [2, 2], 96), column(2, 2, [0, 0], 5)],
    };
    expect(strengths(heat, false)).toEqual(
      [
        [1 / 3, 1],
        [2 / 3, 2 / 3],
        [0, 0],
      ].map((part) => part.map((one) => expect.closeTo(one))),
    );
    expect(strengths(heat, true)[0]?.[0]).toBeGreaterThan(0.8);
  });

  it('draws bins of unequal width as dense as they are', () => {
    expect(densities({ counts: [10, 10], edges: [0, 1, 5] })).toEqual([1, 0.25]);
    expect(outline({ counts: [10, 10], edges: [0, 1, 5] }, { low: 0, high: 5 }, 100, 40, false)).toBe(
      'M0,40V0H20V30H100V40Z',
    );
    expect(heightOf({ low: -1.7e308, high: 1.7e308 }, 0)).toBeCloseTo(0.5);
  });
});

describe('pictures', () => {
  const labels = { width: 3, height: 3, data: new Uint8Array([0, 1, 1, 1, 1, 1, 1, 1, 7]), present: [1, 7] };
  const choice = { visible: true, opacity: 1, outline: false, hidden: [] as number[] };

  it('gives labels without a name their number', () => {
    expect(classesOf('prediction', [{ value: 1, name: 'spleen' }], labels).map((one) => one.name)).toEqual([
      'spleen',
      'label 7',
    ]);
  });

  it('paints what is not hidden, and of an outline only the rim', () => {
    const classes = classesOf('truth', [{ value: 1, name: 'spleen' }], labels);
    const rgba = paint([{ labels, classes, choice: { ...choice, hidden: [7] } }]);
    expect([...rgba.slice(0, 8)]).toEqual([0, 0, 0, 0, 86, 180, 233, 255]);
    expect(rgba[8 * 4 + 3]).toBe(0);
    const solid = { width: 3, height: 3, data: new Uint8Array(9).fill(1), present: [1] };
    const rim = paint([{ labels: solid, classes, choice: { ...choice, outline: true } }]);
    expect(rim[4 * 4 + 3]).toBe(0);
    expect(rim[0 + 3]).toBe(255);
  });

  it('sees numbers through a window, and tells them as they are', () => {
    const values: Values = {
      width: 2,
      height: 1,
      channels: 1,
      data: new Float32Array([-100, Number.NaN]),
      low: 0,
      high: 1,
    };
    expect([...windowed(values, { low: -200, high: 0 }, 'all')]).toEqual([128, 128, 128, 255, 0, 0, 0, 255]);
    expect(valuesAt(values, 0, 0)).toEqual([-100]);
    expect(valuesAt(values, 2, 0)).toEqual([]);
    expect(rangeOf(values)).toEqual({ low: -100, high: -100 });
    const rgba: Values = { ...values, width: 1, channels: 4, data: new Uint8Array([1, 2, 3, 4]) };
    expect([...windowed(rgba, { low: 0, high: 255 }, 'all')]).toEqual([1, 2, 3, 4]);
    expect([...windowed(rgba, { low: 0, high: 255 }, 1)]).toEqual([2, 2, 2, 255]);
  });

  it('zooms about the pointer and never out of the frame', () => {
    const near = zoomed(WHOLE, 2, 30, -10);
    expect(near).toEqual({ scale: 2, x: -30, y: 10 });
    expect(zoomed(near, 0.1, 0, 0)).toEqual(WHOLE);
    expect(moved(WHOLE, 5, 5)).toEqual(WHOLE);
    expect(zoomed(WHOLE, 1e9, 0, 0).scale).toBe(64);
  });
});

describe('figures', () => {
  it('lose what reaches out of the page, and say so', () => {
    const found = harmless({
      data: [
        { type: 'scattergeo' },
        { type: 'image', source: 'https://evil.example/a.png' },
        { type: 'bar', x: [1, 2], y: [3, 4] },
      ],
      layout: {
        images: [{ source: 'http://evil.example' }, { source: 'data:image/png;base64,AA' }],
        geo: {},
        title: { text: '<script>' },
      },
    });
    expect(JSON.stringify(found?.figure)).not.toContain('evil');
    expect(found?.figure.data).toHaveLength(2);
    expect(found?.figure.layout.images).toHaveLength(1);
    expect(found?.figure.layout.title).toEqual({ text: '<script>' });
    expect(found?.without).toEqual([
      'maps, which are drawn with what other servers hold',
      '2 pictures from elsewhere',
    ]);
  });

  it('are none where there is no data', () => {
    for (const given of [null, 3, [], {}, { data: 'x' }]) expect(harmless(given)).toBeNull();
    let deep: unknown = 1;
    for (let at = 0; at < 2000; at++) deep = { deep };
    expect(harmless({ data: [{ deep }] })?.figure.data).toHaveLength(1);
  });

  it('keep the colours that they name themselves', () => {
    const look = { ground: '#000', text: '#fff', line: '#333', series: ['#0ff'] };
    expect(themed({ paper_bgcolor: 'red' }, look)).toMatchObject({
      paper_bgcolor: 'red',
      template: { layout: { font: { color: '#fff' } } },
    });
  });
});

describe('texts', () => {
  it('differ line by line, in the fewest changes', () => {
    const lines = diff('a\nb\nc\nd', 'a\nc\nx\nd');
    expect(lines?.map((line) => `${line.kind[0]}${line.text}`)).toEqual(['sa', 'gb', 'sc', 'nx', 'sd']);
    let chance = 7;
    const drawn = () =>
      Array.from({ length: 30 }, () => {
        chance = (chance * 48271) % 2147483647;
        return 'abc'[chance % 3];
      }).join('\n');
    for (let round = 0; round < 50; round++) {
      const [before, after] = [drawn(), drawn()];
      const found = diff(before, after) ?? [];
      const without = (kind: string) => found.filter((line) => line.kind !== kind).map((line) => line.text);
      expect([without('new').join('\n'), without('gone').join('\n')]).toEqual([before, after]);
    }
    expect(diff('', '')).toEqual([{ kind: 'same', text: '' }]);
    expect(diff('a', 'a\nb')?.map((line) => line.kind)).toEqual(['same', 'new']);
  });

  it('that share nothing are not compared for ever', () => {
    const long = (word: string) => Array.from({ length: 4000 }, (_, at) => `${word}${at}`).join('\n');
    expect(diff(long('a'), long('b'))).toBeNull();
  });

  it('show changes with a few lines around', () => {
    const lines = diff(Array(20).fill('x').join('\n'), [...Array(20).fill('x'), 'y'].join('\n')) ?? [];
    expect(condensed(lines)[0]).toBe(17);
    expect(condensed(lines).at(-1)).toEqual({ kind: 'new', text: 'y' });
  });

  it('are searched whatever the letters, and cut at what is found', () => {
    expect(places('Fox, fox and FOX', 'fOx', 2)).toEqual({ found: [0, 5], matches: 3 });
    expect(places('abc', '')).toEqual({ found: [], matches: 0 });
    const cut = pieces('ox and fox', 102, [100, 109], 3);
    expect(cut).toEqual([
      { text: 'ox and ', match: null },
      { text: 'fox', match: 1 },
    ]);
  });
});

describe('tables', () => {
  it('draw the columns that are in sight', () => {
    expect(inSight([100, 100, 100, 100], 150, 100)).toEqual([1, 3]);
    expect(inSight([100], 0, 5000)).toEqual([0, 1]);
  });

  it('tell cells as people read them', () => {
    expect(said(null, 'text')).toBe('–');
    expect(said(12345, 'integer')).toBe('12,345');
    expect(said(0.123456, 'number')).toBe('0.1235');
    expect(said('9007199254740993', 'integer')).toBe('9007199254740993');
    expect(said('-Infinity', 'number')).toBe('−∞');
    expect(said({ kind: 'image', caption: 'slice 3' } as Content, 'media')).toBe('slice 3');
  });
});
