/** A terminal's colours as spans of text: nothing that was printed becomes markup, and what cannot be shown is left out. */

export interface Span {
  text: string;
  /** Colours as CSS values, over the page's own roles, or as they were said. */
  colour: string | null;
  ground: string | null;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  under: boolean;
  struck: boolean;
  /** Whether it is a hit of a search. */
  hit: boolean;
}

type Style = Omit<Span, 'text' | 'hit'> & { swapped: boolean };

/** The eight colours of a terminal as roles that can be read in both themes; black and white are the page's text. */
const ROLES = [
  'var(--text-faint)',
  'var(--bad)',
  'var(--ok)',
  'var(--warn)',
  'var(--accent)',
  'var(--series-4)',
  'var(--series-3)',
  'var(--text)',
];
const PLAIN: Style = {
  colour: null,
  ground: null,
  bold: false,
  dim: false,
  italic: false,
  under: false,
  struck: false,
  swapped: false,
};
const ESCAPE =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][0-9A-B]|\x1b.|[\0-\x08\x0b-\x1f\x7f]/g;

/** A line as spans, such as `parse('\x1b[31mloss\x1b[0m 0.4')`. */
export function parse(line: string): Span[] {
  const spans: Span[] = [];
  let style = PLAIN;
  let at = 0;
  const add = (text: string) => {
    if (text) spans.push(span(text, style));
  };
  for (const found of line.matchAll(ESCAPE)) {
    add(line.slice(at, found.index));
    at = found.index + found[0].length;
    if (found[1] !== undefined) style = styled(style, found[1]);
  }
  add(line.slice(at));
  return spans;
}

/** The same spans, cut where a text is found in them; capitals make no difference. */
export function mark(spans: readonly Span[], wanted: string): Span[] {
  const text = spans.map((one) => one.text).join('');
  const low = text.toLowerCase();
  const needle = wanted.toLowerCase();
  // A few letters change their length with their capitals: then places in one text mean nothing in the other.
  if (!needle || low.length !== text.length) return [...spans];
  const cuts: [number, number][] = [];
  for (let i = low.indexOf(needle); i >= 0; i = low.indexOf(needle, i + needle.length)) {
    cuts.push([i, i + needle.length]);
  }
  if (cuts.length === 0) return [...spans];
  const edges = cuts.flat();
  let start = 0;
  return spans.flatMap((one) => {
    const end = start + one.text.length;
    const inside = [start, ...edges.filter((edge) => edge > start && edge < end), end];
    const parts = inside.slice(1).map((to, i) => {
      const from = inside[i] ?? start;
      const hit = cuts.some(([a, b]) => a <= from && to <= b);
      return { ...one, text: text.slice(from, to), hit };
    });
    start = end;
    return parts;
  });
}

/** A span's looks as an inline style. What was said as red, green and blue goes through `--said`, which the theme makes readable. */
export function css(one: Span): string {
  const said = [];
  if (one.colour?.startsWith('rgb')) said.push(`--said:${one.colour}`);
  else if (one.colour) said.push(`color:${one.colour}`);
  if (one.ground) said.push(`background:color-mix(in srgb, ${one.ground} 26%, transparent)`);
  return said.join(';');
}

/** Whether it looks like any other text. */
export function isPlain(one: Span): boolean {
  return !(
    one.colour ||
    one.ground ||
    one.bold ||
    one.dim ||
    one.italic ||
    one.under ||
    one.struck ||
    one.hit
  );
}

function span(text: string, style: Style): Span {
  const { swapped, ...rest } = style;
  return { text, ...rest, ...(swapped ? { ground: rest.colour ?? 'var(--text-soft)' } : {}), hit: false };
}

function styled(before: Style, said: string): Style {
  const codes = said.replaceAll(':', ';').split(';').map(Number);
  let style = before;
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 38 || code === 48) {
      const [colour, used] = said256(codes.slice(i + 1));
      style = { ...style, [code === 38 ? 'colour' : 'ground']: colour };
      i += used;
    } else style = after(style, code);
  }
  return style;
}

function after(style: Style, code: number): Style {
  if (code === 0) return PLAIN;
  if (code === 1) return { ...style, bold: true };
  if (code === 2) return { ...style, dim: true };
  if (code === 3) return { ...style, italic: true };
  if (code === 4) return { ...style, under: true };
  if (code === 7) return { ...style, swapped: true };
  if (code === 9) return { ...style, struck: true };
  if (code === 22) return { ...style, bold: false, dim: false };
  if (code === 23) return { ...style, italic: false };
  if (code === 24) return { ...style, under: false };
  if (code === 27) return { ...style, swapped: false };
  if (code === 29) return { ...style, struck: false };
  if (code === 39) return { ...style, colour: null };
  if (code === 49) return { ...style, ground: null };
  const role = (first: number) => ROLES[code - first] ?? null;
  if (code >= 30 && code <= 37) return { ...style, colour: role(30) };
  if (code >= 90 && code <= 97) return { ...style, colour: role(90) };
  if (code >= 40 && code <= 47) return { ...style, ground: role(40) };
  if (code >= 100 && code <= 107) return { ...style, ground: role(100) };
  return style;
}

/** A colour by number (`5;n`) or by its red, green and blue (`2;r;g;b`), and how many codes that took. */
function said256(codes: number[]): [string | null, number] {
  const [how, a = 0, b = 0, c = 0] = codes;
  if (how === 2) return [rgb(a, b, c), 4];
  if (how !== 5) return [null, codes.length];
  if (a < 16) return [ROLES[a % 8] ?? null, 2];
  if (a >= 232) {
    const grey = 8 + (a - 232) * 10;
    return [rgb(grey, grey, grey), 2];
  }
  const level = (n: number) => (n === 0 ? 0 : 55 + n * 40);
  const n = a - 16;
  return [rgb(level(Math.floor(n / 36)), level(Math.floor(n / 6) % 6), level(n % 6)), 2];
}

function rgb(...parts: number[]): string {
  return `rgb(${parts.map((one) => Math.max(0, Math.min(255, Math.round(one) || 0))).join(' ')})`;
}
