import { describe, expect, test } from 'vitest';
import { address, parseRoute, readNumbers } from '../src/lib/route';

describe('addresses', () => {
  test.each([
    ['/', '', 'home', null],
    ['/runs', '?q=unet', 'runs', null],
    ['/runs/ab12', '', 'run', 'ab12'],
    ['/cases', '?run=ab12', 'cases', 'ab12'],
    ['/viewer', '', 'viewer', null],
    ['/viewer/extra', '', 'lost', null],
    ['/nowhere', '', 'lost', null],
    ['/runs/ab12/extra', '', 'lost', null],
    ['/compare/ab12', '', 'lost', null],
  ])('%s%s is the page %s', (path, search, page, run) => {
    expect(parseRoute(path, search)).toMatchObject({ page, run });
  });

  test('what is written is read back, odd names included', () => {
    const url = new URL(address('viewer', 'ab 1/2', { case: 'a&b=c', step: 3, at: null }), 'http://x');
    const route = parseRoute(url.pathname, url.search);
    expect(route).toEqual({
      page: 'viewer',
      run: 'ab 1/2',
      name: null,
      query: { run: 'ab 1/2', case: 'a&b=c', step: '3' },
    });
    expect(parseRoute(new URL(address('run', 'a/b?c'), 'http://x').pathname, '').run).toBe('a/b?c');
  });

  test('a page about one thing names it in its path', () => {
    const url = new URL(address('artifacts', 'spleen ct', { v: 3 }), 'http://x');
    expect(url.pathname + url.search).toBe('/artifacts/spleen%20ct?v=3');
    expect(parseRoute(url.pathname, url.search)).toMatchObject({
      page: 'artifacts',
      name: 'spleen ct',
      run: null,
    });
    expect(address('artifacts')).toBe('/artifacts');
    expect(address('home')).toBe('/');
  });

  test('a broken escape is shown as it is, not thrown', () => {
    expect(parseRoute('/runs/%E0%A4%A', '').page).toBe('run');
  });

  test('numbers are read only where all are numbers', () => {
    expect(readNumbers('1,-2.5,3', 3)).toEqual([1, -2.5, 3]);
    expect(readNumbers('1,2', 3)).toBeNull();
    expect(readNumbers('1,x,3', 3)).toBeNull();
    expect(readNumbers(undefined, 3)).toBeNull();
  });
});
