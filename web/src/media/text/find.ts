/** Where a word is in a text. */

export interface Piece {
  text: string;
  /** The place among all matches, or null where this is none. */
  match: number | null;
}

/** The places of a word, in a text as a person reads it: large or small letters are one. */
export function places(text: string, word: string, most = 1000): { found: number[]; matches: number } {
  const small = text.toLowerCase();
  const [where, what] = small.length === text.length ? [small, word.toLowerCase()] : [text, word];
  const found: number[] = [];
  let matches = 0;
  for (let at = what ? where.indexOf(what) : -1; at >= 0; at = where.indexOf(what, at + what.length)) {
    matches++;
    if (found.length < most) found.push(at);
  }
  return { found, matches };
}

/** A part of a text, which begins at `start` of the whole, cut at the matches that lie in it. */
export function pieces(text: string, start: number, found: readonly number[], length: number): Piece[] {
  if (length === 0) return [{ text, match: null }];
  const cut: Piece[] = [];
  let at = 0;
  found.forEach((place, match) => {
    const from = place - start;
    if (from < at || from + length > text.length) return;
    if (from > at) cut.push({ text: text.slice(at, from), match: null });
    cut.push({ text: text.slice(from, from + length), match });
    at = from + length;
  });
  if (at < text.length) cut.push({ text: text.slice(at), match: null });
  return cut;
}
