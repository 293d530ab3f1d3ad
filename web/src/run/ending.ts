/** Why a run ended: the last traceback that it printed, or else its last lines. */

const MOST = 60;
const LAST = 12;
// biome-ignore lint/suspicious/noControlCharactersInRegex: colours come in between
const COLOURS = /\x1b\[[0-?]*[ -/]*[@-~]/g;

export interface Ending {
  /** Which of the lines is the first that is told. */
  first: number;
  lines: string[];
  traceback: boolean;
}

/** The end of the lines that a run printed last. Of a long traceback, its end: there stands what went wrong. */
export function endOf(lines: readonly string[]): Ending {
  const plain = lines.map((line) => line.replace(COLOURS, ''));
  let start = plain.findLastIndex((line) => /Traceback \(most recent call last\)/.test(line));
  // Several in a chain belong together: the first is the reason of the others.
  while (start > 0) {
    const link = plain.slice(0, start).findLastIndex((line) => line.trim() !== '');
    if (!/^(During handling of|The above exception was)/.test(plain[link]?.trim() ?? '')) break;
    const former = plain
      .slice(0, link)
      .findLastIndex((line) => /Traceback \(most recent call last\)/.test(line));
    if (former < 0) break;
    start = former;
  }
  const first = Math.max(0, start < 0 ? lines.length - LAST : Math.max(start, lines.length - MOST));
  return { first, lines: lines.slice(first), traceback: start >= 0 };
}
