import { afterEach, describe, expect, test, vi } from 'vitest';
import { ApiError, api, errorOf } from '../src/lib/api';
import { paramTree, searchTree } from '../src/lib/params';
import { heat, ink } from '../src/lib/scale';
import { matches, sortRows } from '../src/lib/sort';

afterEach(() => vi.unstubAllGlobals());

describe('errors of the API', () => {
  test('speak with the words of the server', () => {
    const error = errorOf(404, JSON.stringify({ title: 'No such run', detail: 'Did you mean unet-a?' }));
    expect(error).toMatchObject({
      fault: 'missing',
      title: 'No such run',
      detail: 'Did you mean unet-a?',
      status: 404,
    });
  });

  test('have words of their own where the reply is not JSON', () => {
    expect(errorOf(502, '<html>').fault).toBe('broken');
    expect(errorOf(403, '[]')).toMatchObject({ fault: 'refused', detail: 'The server answered 403.' });
  });

  test('tell a server that is away from one that refuses', async () => {
    vi.stubGlobal('fetch', async () => {
      throw new TypeError('Failed to fetch');
    });
    await expect(api.project()).rejects.toMatchObject({ fault: 'unreachable' });
    vi.stubGlobal('fetch', async () => new Response('{"title":"Gone"}', { status: 404 }));
    await expect(api.run('x')).rejects.toBeInstanceOf(ApiError);
  });

  test('an aborted call stays an abort', async () => {
    vi.stubGlobal('fetch', async () => {
      throw new DOMException('stop', 'AbortError');
    });
    await expect(api.project()).rejects.toMatchObject({ name: 'AbortError' });
  });

  test('names in addresses are escaped', async () => {
    const asked: string[] = [];
    vi.stubGlobal('fetch', async (url: string) => {
      asked.push(url);
      return new Response('[]');
    });
    await api.volumes('a/b');
    await api.volume('r', 'case 1', 3);
    await api.volume('r', 'a', null, 'val/scan b');
    expect(asked).toEqual([
      '/api/v1/runs/a%2Fb/volumes',
      '/api/v1/runs/r/volumes/case%201?step=3',
      '/api/v1/runs/r/volumes/a?name=val%2Fscan+b',
    ]);
  });
});

describe('rows', () => {
  test('sort numbers as numbers, text with its numbers, and nothing last either way', () => {
    const rows = ['spleen_12', 'spleen_2', null, 'Liver'];
    expect(sortRows(rows, (r) => r, 'up')).toEqual(['Liver', 'spleen_2', 'spleen_12', null]);
    expect(sortRows(rows, (r) => r, 'down')).toEqual(['spleen_12', 'spleen_2', 'Liver', null]);
    expect(sortRows([10, 9, Number.NaN], (r) => r, 'up')).toEqual([9, 10, Number.NaN]);
  });

  test('keep their order where they are equal', () => {
    expect(
      sortRows(
        [
          { a: 1, b: 'x' },
          { a: 1, b: 'y' },
        ],
        (r) => r.a,
        'down',
      ).map((r) => r.b),
    ).toEqual(['x', 'y']);
  });

  test('match when every word is somewhere', () => {
    expect([
      matches('UNET fin', ['unet-a', 'finished']),
      matches('unet failed', ['unet-a', 'finished']),
    ]).toEqual([true, false]);
    expect(matches('', ['anything'])).toBe(true);
  });
});

describe('params', () => {
  const tree = paramTree({
    optimizer: { lr: 1e-4, betas: [0.9, 0.999] },
    transforms: [{ _target_: 'LoadImaged' }],
    amp: false,
  });

  test('become a tree with paths', () => {
    expect(tree.map((n) => n.path)).toEqual(['optimizer', 'transforms', 'amp']);
    expect(tree[0]?.children[1]).toMatchObject({ path: 'optimizer.betas', text: '[0.9, 0.999]' });
    expect(tree[1]?.children[0]?.children[0]).toMatchObject({
      path: 'transforms.0._target_',
      text: 'LoadImaged',
    });
  });

  test('are searched by path and by value', () => {
    expect(searchTree(tree, 'optimizer.lr')[0]?.children.map((n) => n.key)).toEqual(['lr']);
    expect(searchTree(tree, 'loadimage').map((n) => n.key)).toEqual(['transforms']);
    expect(searchTree(tree, 'nothing')).toEqual([]);
  });
});

test('the heat scale grows lighter, and its ink reads on it', () => {
  const light = [0, 0.25, 0.5, 0.75, 1].map((s) =>
    heat(s).reduce((a, b, i) => a + b * ([0.2126, 0.7152, 0.0722][i] ?? 0), 0),
  );
  expect([...light].sort((a, b) => a - b)).toEqual(light);
  expect([ink(heat(0)), ink(heat(1))]).toEqual(['#ffffff', '#0a0d11']);
  expect(heat(2)).toEqual(heat(1));
});

test('no two nouns of the API have a call of one name', async () => {
  const nouns = import.meta.glob<Record<string, unknown>>('../src/lib/api/*.ts', { eager: true });
  const calls = Object.entries(nouns).flatMap(([file, module]) => {
    const noun = module[file.split('/').at(-1)?.replace('.ts', '') ?? ''];
    return noun && typeof noun === 'object' ? Object.keys(noun) : [];
  });
  expect(calls.length).toBeGreaterThan(20);
  expect(calls.length).toBe(Object.keys(api).length);
});
