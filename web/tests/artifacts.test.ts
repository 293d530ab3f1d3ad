import { describe, expect, it } from 'vitest';
import { aliasMistake, aliasRule } from '../src/artifacts/aliases';
import { difference } from '../src/artifacts/difference';
import { pictureOf, placeOf, short, wordsOf } from '../src/artifacts/drawing';
import { chiefFigure, figurePoints, nearestPoint } from '../src/artifacts/figures';
import { FEW, openedMore, related, shownGraph, steps } from '../src/artifacts/graph';
import { firstView, fitted, type Layout, layOut, revealed, walked, zoomed } from '../src/artifacts/layout';
import { imageType, pretty } from '../src/artifacts/previews';
import { fileRows, fileTree, openAtFirst } from '../src/artifacts/tree';
import type { ArtifactFile, Lineage, LineageEdge, LineageNode } from '../src/lib/api/artifacts';
import { fileUrl } from '../src/lib/api/artifacts';

const file = (path: string, bytes = 1, more: Partial<ArtifactFile> = {}): ArtifactFile => ({
  path,
  bytes,
  digest: path.padEnd(64, '0'),
  missing: false,
  outside: false,
  ...more,
});
const node = (id: string, more: Partial<LineageNode> = {}): LineageNode => {
  const version = /:v(\d+)$/.exec(id);
  return {
    id,
    what: version ? 'version' : 'run',
    name: version ? id.slice(0, version.index) : id,
    version: version ? Number(version[1]) : null,
    kind: version ? 'model' : 'finished',
    aliases: [],
    created: 0,
    gone: false,
    more_before: 0,
    more_after: 0,
    ...more,
  };
};
const way = (...ids: string[]): LineageEdge[] =>
  ids.slice(1).map((target, i) => {
    const source = ids[i] ?? '';
    return { source, target, how: target.includes(':v') ? 'made' : 'used' };
  });
const lineage = (start: string, nodes: LineageNode[], edges: LineageEdge[]): Lineage => ({
  start,
  total: nodes.length,
  nodes,
  edges,
});
/** A dataset that many runs used, the later the newer; each made a model. */
const crowd = (count: number): Lineage => {
  const numbers = Array.from({ length: count }, (_, i) => i);
  return lineage(
    'data:v1',
    [
      node('data:v1', { kind: 'dataset' }),
      ...numbers.map((n) => node(`run${n}`, { created: n })),
      ...numbers.map((n) => node(`m:v${n + 1}`, { aliases: n === 0 ? ['best'] : n === 1 ? ['latest'] : [] })),
    ],
    numbers.flatMap((n) => way('data:v1', `run${n}`, `m:v${n + 1}`)),
  );
};
const NONE = new Map<string, number>();

describe('the files of a version', () => {
  const tree = fileTree([
    file('models/model.pt', 100),
    file('LICENSE', 5),
    file('configs/b10.json', 1, { missing: true }),
    file('configs/b2.json', 2),
    file('../../<img>.txt', 7),
  ]);
  it('are folders first, sorted as people sort, with what they hold', () => {
    expect(tree.map((one) => one.name)).toEqual(['..', 'configs', 'models', 'LICENSE']);
    expect(tree[1]?.children.map((one) => one.name)).toEqual(['b2.json', 'b10.json']);
    expect(tree[1]).toMatchObject({ bytes: 3, files: 2, missing: 1, file: null });
  });
  it('keep a hostile path as it is', () => {
    expect(tree[0]?.children[0]?.children[0]).toMatchObject({ name: '<img>.txt', path: '../../<img>.txt' });
    expect(fileUrl('m:v1', '../../<img>.txt')).toContain('path=..%2F..%2F%3Cimg%3E.txt');
  });
  it('are rows where folders are open or something is found', () => {
    expect(fileRows(tree, new Set(['configs']), '').map((row) => [row.depth, row.node.name])).toEqual([
      [0, '..'],
      [0, 'configs'],
      [1, 'b2.json'],
      [1, 'b10.json'],
      [0, 'models'],
      [0, 'LICENSE'],
    ]);
    expect(fileRows(tree, new Set(), 'MODEL.').map((row) => row.node.path)).toEqual([
      'models',
      'models/model.pt',
    ]);
  });
  it('are all open where they are few, and closed where they are many', () => {
    expect(openAtFirst(tree)).toContain('../..');
    const many = fileTree(Array.from({ length: 99 }, (_, i) => file(`deep/${i}`)));
    expect(openAtFirst(many)).toEqual(new Set());
  });
});

describe('the difference of two versions', () => {
  it('goes by digests and by values', () => {
    const before = {
      files: [file('a'), file('b', 1), file('gone')],
      metadata: { dice: 0.8, nested: { x: 1, y: [1, 2] }, old: true },
    };
    const after = {
      files: [file('a'), file('b', 2, { digest: 'other' }), file('new')],
      metadata: { dice: 0.9, nested: { x: 1, y: [1, 2] }, fresh: null },
    };
    const found = difference(before, after);
    expect(found.files.map((one) => [one.path, one.how])).toEqual([
      ['b', 'changed'],
      ['gone', 'removed'],
      ['new', 'added'],
    ]);
    expect(found.same).toBe(1);
    expect(found.metadata).toEqual([
      { path: 'dice', before: '0.8', after: '0.9' },
      { path: 'old', before: 'true', after: null },
      { path: 'fresh', before: null, after: 'None' },
    ]);
    expect(found.sameMetadata).toBe(2);
  });
});

describe('a figure over the versions', () => {
  it('is first of all how good they are', () => {
    expect(chiefFigure(['epoch', 'hd95', 'dice'])).toBe('dice');
    expect(chiefFigure(['epoch', 'val_score'])).toBe('val_score');
    expect(chiefFigure(['epoch', 'train/loss'])).toBe('train/loss');
    expect(chiefFigure(['cases'])).toBe('cases');
    expect(chiefFigure([])).toBeNull();
  });
  it('leaves out versions without it, and stands in the middle where it never changes', () => {
    const points = figurePoints(
      [
        { version: 3, value: 0.9 },
        { version: 2, value: null },
        { version: 1, value: 0.5 },
      ],
      100,
      50,
      10,
    );
    expect(points).toEqual([
      { version: 1, value: 0.5, x: 10, y: 40 },
      { version: 3, value: 0.9, x: 90, y: 10 },
    ]);
    expect(nearestPoint(points, 60)?.version).toBe(3);
    expect(figurePoints([{ version: 1, value: 2 }], 100, 50, 10)).toEqual([
      { version: 1, value: 2, x: 50, y: 25 },
    ]);
    expect(nearestPoint([], 3)).toBeNull();
  });
});

describe('a lineage', () => {
  it('shows few of many siblings: what led to an alias, then the newest', () => {
    const graph = shownGraph(crowd(20), NONE);
    const runs = graph.nodes.flatMap((one) => (one.what === 'run' ? [one.id] : []));
    expect(runs).toEqual(['run0', 'run19', 'run18', 'run17', 'run16']);
    const more = graph.nodes.find((one) => one.what === 'more');
    expect(more).toMatchObject({
      id: 'more:after:data:v1',
      count: 20 - FEW,
      here: 20 - FEW,
      beside: 'data:v1',
    });
    expect(graph.edges).toContainEqual({ source: 'data:v1', target: 'more:after:data:v1', how: 'used' });
    const all = shownGraph(crowd(20), openedMore(NONE, 'more:after:data:v1'));
    expect(all.nodes.some((one) => one.what === 'more')).toBe(false);
    expect(all.nodes).toHaveLength(41);
  });
  it('hides no single one, and counts what the server did not tell', () => {
    expect(shownGraph(crowd(FEW + 1), NONE).nodes).toHaveLength(1 + 2 * (FEW + 1));
    const few = crowd(2);
    const start = few.nodes[0];
    if (start) start.more_after = 500;
    const more = shownGraph(few, NONE).nodes.find((one) => one.what === 'more');
    expect(more).toMatchObject({ count: 500, here: 0 });
  });
  it('leaves out the middle of a long chain until it is opened', () => {
    const ids = Array.from({ length: 10 }, (_, i) => [`run${i}`, `m:v${i + 1}`]).flat();
    const long = lineage(
      'm:v10',
      ids.map((id) => node(id)),
      way(...ids),
    );
    const graph = shownGraph(long, NONE);
    expect(graph.nodes.map((one) => one.id)).toEqual(['m:v10', 'run9', 'm:v1', 'run0', 'chain:m:v1']);
    expect(graph.edges.map((edge) => `${edge.source}>${edge.target}`)).toEqual([
      'run0>m:v1',
      'm:v1>chain:m:v1',
      'chain:m:v1>run9',
      'run9>m:v10',
    ]);
    expect(shownGraph(long, openedMore(NONE, 'chain:m:v1')).nodes).toHaveLength(20);
  });
  it('survives a run that goes on from what it made', () => {
    const own = lineage(
      'own:v1',
      [node('own:v1'), node('run')],
      [...way('run', 'own:v1'), ...way('own:v1', 'run')],
    );
    expect(shownGraph(own, NONE).nodes).toHaveLength(2);
    expect(steps(own)).toMatchObject({ before: { length: 2 }, after: { length: 2 } });
    expect(related(own.edges, 'run')).toEqual(new Set(['run', 'own:v1']));
  });
  it('relates a node to all before it and after it, and to nothing beside it', () => {
    const edges = [...way('data:v1', 'a', 'm:v1', 'c'), ...way('data:v1', 'b', 'm:v2')];
    expect(related(edges, 'm:v1')).toEqual(new Set(['data:v1', 'a', 'm:v1', 'c']));
    const told = steps(lineage('m:v1', [], edges.slice(0, 3)));
    expect(told.before.map((edge) => edge.source)).toEqual(['a', 'data:v1']);
    expect(told.after.map((edge) => edge.target)).toEqual(['c']);
  });
});

describe('the drawing', () => {
  const small = crowd(2);
  const laid = layOut(shownGraph(small, NONE));
  const at = (layout: Layout, id: string) => {
    const found = layout.nodes.find((one) => one.id === id);
    if (!found) throw new Error(`${id} is not drawn`);
    return found;
  };
  it('goes from left to right without nodes upon each other', async () => {
    const layout = await laid;
    expect(at(layout, 'data:v1').x).toBeLessThan(at(layout, 'run0').x);
    expect(at(layout, 'run0').x).toBeLessThan(at(layout, 'm:v1').x);
    for (const a of layout.nodes)
      for (const b of layout.nodes)
        if (a !== b) expect(Math.abs(a.x - b.x) >= a.width || Math.abs(a.y - b.y) >= a.height).toBe(true);
    expect(layout.ways).toHaveLength(4);
    for (const one of layout.ways) expect(one.path).toMatch(/^M[\d.]+ [\d.]+C/);
  });
  it('is walked along its edges', async () => {
    const layout = await laid;
    const run = walked(layout, 'data:v1', 'ArrowRight');
    expect(run?.what).toBe('run');
    expect(walked(layout, run?.id ?? '', 'ArrowLeft')?.id).toBe('data:v1');
    const down = walked(layout, 'run0', 'ArrowDown') ?? walked(layout, 'run0', 'ArrowUp');
    expect(down?.id).toBe('run1');
    expect(walked(layout, 'data:v1', 'ArrowLeft')).toBeNull();
  });
  it('zooms about the pointer, fits, and brings into sight', async () => {
    const layout = await laid;
    const view = zoomed({ x: 10, y: 20, scale: 1 }, 2, 110, 220);
    expect(view).toEqual({ x: -90, y: -180, scale: 2 });
    expect(zoomed(view, 1000, 0, 0).scale).toBe(2);
    expect(fitted(layout, layout.width / 2, 1e4).scale).toBeCloseTo(0.5);
    expect(firstView(layout, 5000, 5000).scale).toBe(1);
    const target = at(layout, 'm:v1');
    const moved = revealed({ x: 0, y: 0, scale: 1 }, target, 300, 300);
    expect(moved.x + target.x + target.width / 2).toBeCloseTo(284);
  });
  it('is a picture in which every name is text', async () => {
    const nasty = lineage(
      'm:v1',
      [node('m:v1', { aliases: ['best'] }), node('r', { name: '<script>alert("1")</script>', gone: true })],
      way('r', 'm:v1'),
    );
    const layout = await layOut(shownGraph(nasty, NONE));
    const ink = { ground: '#000', raised: '#111', line: '#222', text: '#fff', soft: '#ccc', accent: '#00f' };
    const picture = pictureOf(layout, ink);
    expect(picture).not.toContain('<script');
    expect(picture).toContain('&lt;script&gt;');
    expect(picture.match(/stroke-dasharray/g)).toHaveLength(1);
    expect(wordsOf(at(layout, 'r'))).toMatchObject({ below: 'run · deleted' });
    expect(wordsOf(at(layout, 'm:v1'))).toMatchObject({ title: 'm:v1', below: 'model · best' });
  });
  it('keeps both ends of a long name', () => {
    expect(short('spleen-ct:v3', 23)).toBe('spleen-ct:v3');
    expect(short('a-very-long-name-of-a-model:v1234', 23)).toBe('a-very-long-na…el:v1234');
    expect([...short('a-very-long-name-of-a-model:v1234', 23)]).toHaveLength(23);
  });
  it('leads to runs, data and artifacts, and nowhere from what is gone', () => {
    expect(placeOf(node('r'))).toBe('/runs/r');
    expect(placeOf(node('m:v3'))).toBe('/artifacts/m?v=3&tab=lineage');
    expect(placeOf(node('d:v2', { kind: 'dataset' }))).toBe('/data/d?v=2');
    expect(placeOf(node('m:v3', { gone: true }))).toBeNull();
  });
});

describe('words and previews', () => {
  it('say why an alias cannot be, and what follows a rule', () => {
    expect(aliasMistake('production')).toBeNull();
    for (const bad of ['v3', 'latest', 'a b', '-x', '<b>']) expect(aliasMistake(bad)).not.toBeNull();
    expect(aliasRule('best')).toContain('by itself');
    expect(aliasRule('production')).toBeNull();
  });
  it('draw only images that cannot run or fetch anything', () => {
    expect(imageType('a/b.PNG')).toBe('image/png');
    expect(imageType('evil.svg')).toBeNull();
  });
  it('spread JSON of one line, and leave alone what is cut off', () => {
    expect(pretty('{"a":[1]}', true)).toBe('{\n  "a": [\n    1\n  ]\n}');
    expect(pretty('{"a":', true)).toBe('{"a":');
    expect(pretty('{"a":1}', false)).toBe('{"a":1}');
  });
});
