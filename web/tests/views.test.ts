import { describe, expect, it } from 'vitest';
import type { View } from '../src/lib/api/views';
import { bare, leadsTo, shownView, suggestion } from '../src/lib/views';

const view = (id: number, address: string): View => ({
  id,
  page: 'runs',
  name: `view ${id}`,
  address,
  created: 0,
});

describe('a saved view', () => {
  it('is an address without what belongs to who looks, in one order', () => {
    expect(bare('/runs?sort=a&q=x+y&theme=dark&saved=3&open=')).toBe('/runs?q=x+y&sort=a');
    expect(bare('/runs?saved=3')).toBe('/runs');
  });
  it('leads to a page of ours or nowhere', () => {
    expect(leadsTo(view(7, '/runs?q=a'))).toBe('/runs?q=a&saved=7');
    for (const address of [
      'https://elsewhere.example/runs',
      '//elsewhere.example/runs',
      '/\\elsewhere.example/runs',
      'javascript:alert(1)',
      '/api/v1/runs',
      '/nowhere',
      '',
    ])
      expect(leadsTo(view(1, address)), address).toBeNull();
  });
  it('is known again by the address it left, or by what it shows', () => {
    const all = [view(1, '/runs?q=a'), view(2, '/runs?group=status&q=b')];
    expect(shownView(all, '/runs?q=b&group=status')).toEqual({ view: all[1], changed: false });
    expect(shownView(all, '/runs?q=a&sort=name&saved=1')).toEqual({ view: all[0], changed: true });
    expect(shownView(all, '/runs?q=a&saved=1&theme=light')).toEqual({ view: all[0], changed: false });
    expect(shownView(all, '/runs?saved=9')).toBeNull();
  });
  it('is called by what it shows, and by no name that is taken', () => {
    const query = { q: 'unet', group: 'params.lr~status', sort: '-metrics.val/dice' };
    expect(suggestion(query, [])).toBe('unet, by lr, status, sorted by val/dice');
    expect(suggestion({}, ['My view', 'My view 2'])).toBe('My view 3');
    expect(suggestion({ q: 'x'.repeat(200) }, []).length).toBe(60);
  });
});
