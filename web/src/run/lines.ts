/** Where the lines of a long log lie on the page: in blocks, some of whose heights are known and the others guessed. */

export const BLOCK = 100;
/** More lines than these would be higher than browsers let a page be: the ones before are in the file. */
export const MOST_LINES = 800_000;

export interface Block {
  texts: (string | undefined)[];
  times: (number | undefined)[];
}

/** How many lines a block has, of as many as there are in all. */
export function sizeOf(block: number, total: number): number {
  return Math.max(0, Math.min(BLOCK, total - block * BLOCK));
}

/** Blocks with some lines put in where they belong; those that were there are left as they are. */
export function put(
  blocks: ReadonlyMap<number, Block>,
  first: number,
  texts: readonly string[],
  times: readonly number[],
): Map<number, Block> {
  const changed = new Map(blocks);
  const renewed = new Set<number>();
  texts.forEach((text, i) => {
    const line = first + i;
    const number = Math.floor(line / BLOCK);
    const before = changed.get(number);
    const block =
      before && renewed.has(number)
        ? before
        : { texts: [...(before?.texts ?? [])], times: [...(before?.times ?? [])] };
    block.texts[line % BLOCK] = text;
    block.times[line % BLOCK] = times[i];
    renewed.add(number);
    changed.set(number, block);
  });
  return changed;
}

/** Whether all lines of a block are here. */
export function isWhole(block: Block | undefined, size: number): boolean {
  if (!block) return size === 0;
  for (let i = 0; i < size; i++) if (block.texts[i] === undefined) return false;
  return true;
}

/** The stretch of blocks, at most five long, that begins with the first that is missing. */
export function missing(
  blocks: ReadonlyMap<number, Block>,
  from: number,
  to: number,
  total: number,
): { first: number; count: number } | null {
  const lacks = (n: number) => !isWhole(blocks.get(n), sizeOf(n, total));
  for (let n = from; n <= to; n++) {
    if (!lacks(n)) continue;
    let end = n;
    while (end < to && end - n < 4 && lacks(end + 1)) end += 1;
    return { first: n * BLOCK, count: (end - n) * BLOCK + sizeOf(end, total) };
  }
  return null;
}

/** What lies above each block: `tops[n]` pixels above block n, and the whole height at the end. */
export function topsOf(count: number, heightOf: (block: number) => number): number[] {
  const tops = [0];
  for (let n = 0; n < count; n++) tops.push((tops[n] ?? 0) + heightOf(n));
  return tops;
}

/** The last block that begins at or above a place. */
export function blockAt(tops: readonly number[], place: number): number {
  let [low, high] = [0, Math.max(0, tops.length - 2)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((tops[middle] ?? 0) <= place) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** The hit after or before a line, and round again at the ends. */
export function nextHit(hits: readonly number[], line: number, step: 1 | -1): number | null {
  if (hits.length === 0) return null;
  if (step === 1) return hits.find((hit) => hit > line) ?? hits[0] ?? null;
  return hits.findLast((hit) => hit < line) ?? hits.at(-1) ?? null;
}
