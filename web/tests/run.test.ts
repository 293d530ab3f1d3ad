import { describe, expect, test } from 'vitest';
import type { KeyFigure } from '../src/lib/api/run';
import type { Curve, RunDetail } from '../src/lib/api/types';
import { safeLink } from '../src/lib/markdown';
import { compareTrees, countLeaves, differing, paramTree, rowsOf } from '../src/lib/params';
import { css, isPlain, mark, parse } from '../src/run/ansi';
import { devices, said, scaleOf } from '../src/run/devices';
import { snippet } from '../src/run/edits';
import { endOf } from '../src/run/ending';
import { blobOf, commandOf, commitUrl, gitOf, resumed, versionOf } from '../src/run/environment';
import { cards, changeOf, sameIn, worthSeeing } from '../src/run/figures';
import { BLOCK, blockAt, missing, nextHit, put, topsOf } from '../src/run/lines';
import { comparePackages, differs, readPackages } from '../src/run/packages';
import { parsePatch } from '../src/run/patch';
import { curveOf } from './made';

const words = (line: string) => parse(line).map((one) => one.text);

describe("a terminal's colours", () => {
  test('become roles of the page, and end where they end', () => {
    const [before, red, after] = parse('loss \x1b[1;31m0.4\x1b[0m!');
    expect(before && isPlain(before)).toBe(true);
    expect(red).toMatchObject({ text: '0.4', colour: 'var(--bad)', bold: true });
    expect(after && isPlain(after)).toBe(true);
  });

  test('of 256 and of 16 million are kept as hues that the theme makes readable', () => {
    expect(parse('\x1b[38;5;208mx')[0]?.colour).toBe('rgb(255 135 0)');
    expect(parse('\x1b[38;5;9mx')[0]?.colour).toBe('var(--bad)');
    expect(parse('\x1b[38;5;244mx')[0]?.colour).toBe('rgb(128 128 128)');
    expect(parse('\x1b[38:2:10:20:300mx')[0]?.colour).toBe('rgb(10 20 255)');
    const [deep] = parse('\x1b[38;2;0;0;90;1mx');
    expect(deep).toMatchObject({ colour: 'rgb(0 0 90)', bold: true });
    expect(deep && css(deep)).toBe('--said:rgb(0 0 90)');
  });

  test('nothing that is no text gets through', () => {
    expect(words('a\x1b[2Kb\x1b]8;;http://evil\x07c\x1b]8;;\x07d\x1b[99999999999;;;mz\x07')).toEqual([
      'a',
      'b',
      'c',
      'd',
      'z',
    ]);
    expect(parse('<b>\x1b[31m<script>')[1]?.text).toBe('<script>');
    const [odd] = parse('\x1b[38;2;1;2mx');
    expect(odd?.text).toBe('x');
    expect(parse('\x1b[48;2;1;2;3mx').map(css)).toEqual([
      'background:color-mix(in srgb, rgb(1 2 3) 26%, transparent)',
    ]);
  });

  test('a hit is marked across them', () => {
    const found = mark(parse('new \x1b[31mBe\x1b[0mst best'), 'best');
    expect(found.map((one) => [one.text, one.hit])).toEqual([
      ['new ', false],
      ['Be', true],
      ['st', true],
      [' ', false],
      ['best', true],
    ]);
    expect(mark(parse('İstanbul'), 'stan')).toHaveLength(1);
  });
});

describe('a long log', () => {
  const text = (n: number) => `line ${n}`;
  const some = (from: number, count: number) => Array.from({ length: count }, (_, i) => text(from + i));

  test('is put together from parts that come in any order', () => {
    let blocks = put(
      new Map(),
      950,
      some(950, 50),
      some(0, 50).map(() => 1),
    );
    expect(missing(blocks, 8, 9, 1000)).toEqual({ first: 800, count: 200 });
    blocks = put(blocks, 800, some(800, 200), []);
    expect(missing(blocks, 8, 9, 1000)).toBeNull();
    expect(blocks.get(9)?.texts[49]).toBe('line 949');
    // Then lines come, and the last block is no longer whole.
    expect(missing(blocks, 8, 10, 1003)).toEqual({ first: 1000, count: 3 });
    expect(missing(blocks, 0, 9, 1000)).toEqual({ first: 0, count: 5 * BLOCK });
  });

  test('a place is found among blocks of any height', () => {
    const tops = topsOf(4, (n) => [10, 50, 0, 5][n] ?? 0);
    expect(tops).toEqual([0, 10, 60, 60, 65]);
    expect([-5, 0, 9, 10, 59, 61, 999].map((y) => blockAt(tops, y))).toEqual([0, 0, 0, 1, 1, 3, 3]);
    expect(blockAt([0], 5)).toBe(0);
  });

  test('hits are walked round and round', () => {
    expect([nextHit([3, 7], 3, 1), nextHit([3, 7], 7, 1), nextHit([3, 7], 3, -1), nextHit([], 0, 1)]).toEqual(
      [7, 3, 7, null],
    );
  });

  test('a run that failed shows its last traceback, with what led to it', () => {
    const chain = [
      'epoch 1',
      'Traceback (most recent call last):',
      'ValueError: a',
      '',
      'During handling of the above exception, another exception occurred:',
      '',
      '\x1b[31mTraceback (most recent call last):\x1b[0m',
      'OSError: b',
    ];
    expect(endOf(chain)).toMatchObject({ first: 1, traceback: true });
    expect(endOf(['Traceback (most recent call last):', 'old', ...chain])).toMatchObject({ first: 3 });
    expect(endOf(some(0, 100))).toMatchObject({ first: 88, traceback: false });
    expect(endOf([])).toEqual({ first: 0, lines: [], traceback: false });
  });
});

function figure(name: string, more: Partial<KeyFigure> = {}): KeyFigure {
  return {
    id: 1,
    name,
    context: {},
    count: 5,
    goal: null,
    axis: 'step',
    last: 0.5,
    last_step: 9,
    best: null,
    best_step: null,
    best_epoch: null,
    min: 0,
    max: 1,
    ...more,
  };
}

describe('key figures', () => {
  const dice = figure('val/mean_dice', { goal: 'max', best: 0.9 });
  const hd = figure('val/hd95', { goal: 'min', best: 4 });
  const loss = figure('train/loss', { last: 0.2 });

  test('say better or worse only where it is known which way is better', () => {
    expect(changeOf(dice, { ...dice, best: 0.8 })).toMatchObject({ better: true });
    expect(changeOf(hd, { ...hd, best: 3 })).toMatchObject({ by: 1, better: false });
    expect(changeOf(loss, { ...loss, last: 0.1 })).toMatchObject({ by: 0.1, better: null });
    expect(changeOf(dice, { ...dice })).toEqual({ by: 0, better: null });
    expect(changeOf(dice, undefined)).toBeNull();
    expect(sameIn([{ ...dice, context: { class: 'liver' } }], dice)).toBeUndefined();
  });

  test('the main metric and the loss are drawn', () => {
    expect(worthSeeing([dice, hd, loss]).map((one) => one.name)).toEqual(['val/mean_dice', 'train/loss']);
    expect(worthSeeing([{ ...dice, count: 1 }])).toEqual([]);
    expect(cards([dice, loss], 4)).toEqual([dice]);
    expect(cards([loss, figure('other')], 1)).toEqual([loss]);
  });
});

describe('the machine', () => {
  const curve = (name: string, context = {}): Curve => curveOf([0], [1], { name: `system/${name}`, context });

  test('is grouped by device, GPUs first and in order', () => {
    const found = devices(
      ['disk.read', 'disk.write', 'strange', 'cpu', 'gpu.1.power', 'gpu.0.memory', 'gpu.0.utilisation'].map(
        (one) => curve(one),
      ),
    );
    expect(found.map((one) => one.name)).toEqual(['GPU 0', 'GPU 1', 'Processor', 'Disk', 'Other']);
    expect(found[0]?.gauges.map((one) => one.title)).toEqual(['Busy', 'Memory']);
    expect(found[3]?.gauges).toMatchObject([
      { title: 'Speed', unit: 'B/s', lines: [{ label: 'read' }, { label: 'written' }] },
    ]);
  });

  test('many GPUs share their charts', () => {
    const found = devices([10, 2, 0].map((n) => curve(`gpu.${n}.power`)));
    expect(found.map((one) => one.name)).toEqual(['GPUs']);
    expect(found[0]?.gauges[0]?.lines.map((one) => one.label)).toEqual(['GPU 0', 'GPU 2', 'GPU 10']);
  });

  test('values have units, and scales a meaning', () => {
    expect([
      said(3.2e9, 'B'),
      said(1.5e6, 'B/s'),
      said(0.256, 'share'),
      said(81.4, '°C'),
      said(null, 'W'),
    ]).toEqual(['3.2 GB', '1.5 MB/s', '25.6 %', '81.4 °C', '–']);
    expect(scaleOf('%', 3, 60)).toEqual([0, 100]);
    expect(scaleOf('%', 3, 380)).toEqual([0, 400]);
    expect(scaleOf('share', 0, 0.1)).toEqual([0, 1]);
    expect(scaleOf('W', null, null)).toEqual([0, 1.08]);
  });
});

describe('what a run says of where it came from', () => {
  test('is read with care: any writer may have filled it', () => {
    expect(gitOf({ git: null })).toBeNull();
    expect(gitOf({ git: { commit: 7, dirty: 'yes' } })).toEqual({
      commit: null,
      branch: null,
      dirty: false,
      remote: null,
    });
    expect(blobOf({ digest: '../etc', filename: 'x' })).toBeNull();
    expect(blobOf({ digest: 'a'.repeat(64), filename: 'x.patch', bytes: 3 })).toMatchObject({ bytes: 3 });
    expect(commandOf({ command: ['train.py', '--name', "it's mine"] })).toBe(
      "train.py --name 'it'\\''s mine'",
    );
    expect(commandOf({ command: [] })).toBeNull();
    expect(versionOf('a:v1:v12')).toEqual({ name: 'a:v1', version: '12' });
    const run = {
      params: { resumed: [{ after_epoch: 3, time: 5, told: ['lr', 7] }, 'x'] },
    } as unknown as RunDetail;
    expect(resumed(run)).toEqual([{ after: 3, time: 5, told: ['lr'] }]);
  });

  test.each([
    ['git@github.com:group/liver.git', 'https://github.com/group/liver/commit/abcdef1'],
    ['https://gitlab.example.org/a/b', 'https://gitlab.example.org/a/b/commit/abcdef1'],
    ['javascript:alert(1)//x/y', null],
    ['/srv/git/liver.git', null],
  ])('a commit at %s leads to %s', (remote, url) => {
    expect(commitUrl({ commit: 'abcdef1', branch: null, dirty: false, remote })).toBe(url);
  });

  test('only http leads out of notes', () => {
    expect(
      ['javascript:alert(1)', 'data:text/html,x', '//evil', '/runs', ' http://a', null].map(safeLink),
    ).toEqual([null, null, null, null, null, null]);
    expect(safeLink('HTTPS://example.org/a b')).toBe('https://example.org/a%20b');
  });

  test('Python opens it whatever its place is called', () => {
    expect(snippet('/data/my "study"/.voxloop', 'ab12')).toContain(
      'vx.open("/data/my \\"study\\"")\nrun = project.run("ab12")',
    );
  });

  test('packages are held against each other', () => {
    const found = comparePackages(readPackages('{"a":"1","b":"2","n":3}'), { b: '1', c: '4' });
    expect(found.map((one) => [one.name, differs(one)])).toEqual([
      ['a', true],
      ['b', true],
      ['c', true],
    ]);
    expect(comparePackages({ a: '1' }, null).some(differs)).toBe(false);
    expect(readPackages('no json')).toEqual({});
  });
});

describe('a patch', () => {
  const patch = `diff --git a/x.py b/x.py
index 1..2 100644
--- a/x.py
+++ b/x.py
@@ -1,3 +1,3 @@ def a():
 same
---- was
+++ is
 end
diff --git a/p.png b/p.png
Binary files a/p.png and b/p.png differ

[the diff is longer than 1,048,576 bytes; the rest was left out]
`;

  test('is read by its counts, not by how lines look', () => {
    const [x, png] = parsePatch(patch);
    expect(x).toMatchObject({ name: 'x.py', added: 1, removed: 1 });
    expect(x?.lines.map((one) => [one.kind, one.text, one.before, one.after])).toEqual([
      ['place', '@@ -1,3 +1,3 @@ def a():', null, null],
      ['same', 'same', 1, 1],
      ['removed', '--- was', 2, null],
      ['added', '++ is', null, 2],
      ['same', 'end', 3, 3],
    ]);
    expect(png?.lines[0]?.text).toContain('Binary files');
    expect(png?.lines.at(-1)?.text).toContain('was left out');
  });

  test('what is no patch is shown as it is', () => {
    expect(parsePatch('hello')).toMatchObject([
      { name: 'changes', lines: [{ kind: 'said', text: 'hello' }] },
    ]);
    expect(parsePatch('')).toEqual([]);
  });
});

describe('params of two runs', () => {
  const mine = paramTree({ lr: 1, net: { depth: 3, norm: 'batch' }, only: [1], kind: 'a' });
  const theirs = paramTree({
    lr: 1,
    net: { depth: 4, norm: 'batch', extra: 'x' },
    gone: { a: 1 },
    kind: { name: 'a' },
  });

  test('differ where they differ, in both directions', () => {
    const different = differing(compareTrees(mine, theirs));
    const rows = rowsOf(different, () => true).map(({ node, depth }) => [
      depth,
      node.path,
      node.text,
      node.was ?? null,
      node.gone ?? false,
    ]);
    expect(rows).toEqual([
      [0, 'net', null, null, false],
      [1, 'net.depth', '3', '4', false],
      [1, 'net.extra', '', 'x', true],
      [0, 'only', '[1]', null, false],
      [0, 'kind', 'a', '{…}', false],
      [0, 'gone', null, null, false],
      [1, 'gone.a', '', '1', true],
    ]);
    expect(countLeaves(different)).toBe(5);
    expect(differing(compareTrees(mine, mine))).toEqual([]);
  });

  test('closed branches have no rows', () => {
    expect(rowsOf(mine, () => false).map(({ node }) => node.key)).toEqual(['lr', 'net', 'only', 'kind']);
  });
});
