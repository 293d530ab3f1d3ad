/** Values that curves have, as colours, strokes and charts of their own. */
import { COLOURS, STROKES } from '../charts/colours';
import type { Hue } from '../charts/picture';

const order = new Intl.Collator('en', { numeric: true });

export function say(value: unknown): string {
  if (value === null || value === undefined) return 'none';
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** Each value once: numbers as numbers, the rest as people sort them. */
export function groupsOf(values: Iterable<string>): string[] {
  return [...new Set(values)].sort((a, b) => {
    const [x, y] = [numberOf(a), numberOf(b)];
    return x !== null && y !== null ? x - y : order.compare(a, b);
  });
}

export interface Colours {
  hues: ReadonlyMap<string, Hue>;
  /** A stroke beside the colour, where colours are too few. */
  strokes: ReadonlyMap<string, number>;
  /** How more values than colours are told apart, in words. */
  told: string | null;
}

/** Up to eight values have a colour each. More numbers become a ramp from cool to warm; more words share colours, and the
 *  stroke tells them apart unless it already says something else. */
export function coloursOf(groups: readonly string[], strokeFree: boolean): Colours {
  if (groups.length <= COLOURS)
    return { hues: new Map(groups.map((group, i) => [group, i])), strokes: new Map(), told: null };
  const numbers = groups.map(numberOf).filter((value) => value !== null);
  if (numbers.length >= groups.length - 1) {
    const shares = ramp(numbers);
    let next = 0;
    const hues = groups.map((group): [string, Hue] => [
      group,
      numberOf(group) === null ? null : { share: shares[next++] ?? 0 },
    ]);
    return {
      hues: new Map(hues),
      strokes: new Map(),
      told: `${groups.length} values, from cool (low) to warm (high).`,
    };
  }
  // Beyond what colours and strokes can say together, dashes only make it harder to read.
  const stroked = strokeFree && groups.length <= COLOURS * STROKES.length;
  return {
    hues: new Map(groups.map((group, i) => [group, i % COLOURS])),
    strokes: new Map(stroked ? groups.map((group, i) => [group, Math.floor(i / COLOURS)]) : []),
    told: `${groups.length} values share ${COLOURS} colours${
      stroked ? '; the stroke tells them apart' : ''
    }. Point at a line for its name.`,
  };
}

/** Where numbers lie between the lowest and the highest; by their size in decades where they span several. */
function ramp(numbers: readonly number[]): number[] {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const wide = low > 0 && high / low >= 50;
  const place = (value: number) => (wide ? Math.log(value) : value);
  const span = place(high) - place(low) || 1;
  return numbers.map((value) => (place(value) - place(low)) / span);
}

function numberOf(text: string): number | null {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : null;
}
