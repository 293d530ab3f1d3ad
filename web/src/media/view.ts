/** What a board's address says, both ways. Its keys begin with `m.`, for it also stands on pages with keys of their own. */

/** So wide that four, six or three of them fill a page of 1280 pixels. */
export const SIZES = { s: 195, m: 298, l: 400 } as const;
export type Size = keyof typeof SIZES;

export interface View {
  kinds: string[];
  find: string;
  by: string;
  /** The common step; null is each tile's last. */
  step: number | null;
  size: Size;
  shut: string[];
  /** Tiles with a step of their own. */
  own: Map<string, number>;
  boxes: boolean;
  smooth: boolean;
  log: boolean;
  central: boolean;
  /** The tile that is open in full size, and which of several at its step. */
  open: string | null;
  nth: number;
  /** What an open picture is compared with: `tile:step`. */
  other: string | null;
  how: 'flicker' | 'side';
}

export type Changes = Partial<Omit<View, 'own'>> & { own?: ReadonlyMap<string, number> };

export function readView(query: Record<string, string>): View {
  const said = (key: string) => query[`m.${key}`];
  const step = whole(said('step'));
  return {
    kinds: list(said('kind')),
    find: said('find') ?? '',
    by: said('by') ?? '',
    step,
    size: said('size') === 's' ? 's' : said('size') === 'l' ? 'l' : 'm',
    shut: list(said('shut')),
    own: new Map(
      list(said('own')).flatMap((one) => {
        const [key, at] = one.split(':');
        const own = whole(at);
        return key && own !== null ? [[key, own] as const] : [];
      }),
    ),
    boxes: said('boxes') !== '0',
    smooth: said('smooth') === '1',
    log: said('log') === '1',
    central: said('y') === 'most',
    open: said('open') ?? null,
    nth: whole(said('nth')) ?? 0,
    other: said('with') ?? null,
    how: said('how') === 'side' ? 'side' : 'flicker',
  };
}

/** Changes of a view as changes of an address; null takes a key away, as the usual values do. */
export function writeView(changes: Changes): Record<string, string | null> {
  const found: Record<string, string | null> = {};
  const set = (key: string, value: string | null) => {
    found[`m.${key}`] = value || null;
  };
  for (const [key, value] of Object.entries(changes)) {
    if (key === 'kinds') set('kind', (value as string[]).join('~'));
    else if (key === 'shut') set('shut', (value as string[]).join('~'));
    else if (key === 'own')
      set(
        'own',
        [...(value as ReadonlyMap<string, number>)].map(([tile, step]) => `${tile}:${step}`).join('~'),
      );
    else if (key === 'step') set('step', value === null ? null : String(value));
    else if (key === 'size') set('size', value === 'm' ? null : String(value));
    else if (key === 'boxes') set('boxes', value ? null : '0');
    else if (key === 'smooth') set('smooth', value ? '1' : null);
    else if (key === 'log') set('log', value ? '1' : null);
    else if (key === 'central') set('y', value ? 'most' : null);
    else if (key === 'nth') set('nth', value ? String(value) : null);
    else if (key === 'other') set('with', value as string | null);
    else if (key === 'how') set('how', value === 'side' ? 'side' : null);
    else set(key, value as string | null);
  }
  return found;
}

function list(text: string | undefined): string[] {
  return text ? text.split('~').filter(Boolean) : [];
}

function whole(text: string | undefined): number | null {
  return text !== undefined && /^-?\d{1,15}$/.test(text) ? Number(text) : null;
}
