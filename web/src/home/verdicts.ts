/** What became of each experiment, worst news first. */
import type { Verdict } from '../lib/api/home';
import { number } from '../lib/format';

export const WORDS: Record<Verdict['word'], { sign: string; text: string }> = {
  worse: { sign: '▼', text: 'worse' },
  better: { sign: '▲', text: 'new best' },
  same: { sign: '=', text: 'as good' },
  first: { sign: '•', text: 'first run' },
};
const ORDER: readonly Verdict['word'][] = ['worse', 'same', 'better', 'first'];

/** The worse ones first; of one kind, the one that finished last. */
export function ordered(verdicts: readonly Verdict[]): Verdict[] {
  return [...verdicts].sort((a, b) => ORDER.indexOf(a.word) - ORDER.indexOf(b.word) || b.ended - a.ended);
}

/** The sentence above them. */
export function summary(verdicts: readonly Verdict[]): string {
  const worse = verdicts.filter((one) => one.word === 'worse').length;
  if (worse === 0) return 'Nothing got worse';
  return 'What got worse';
}

/** A difference with its sign; a minus is made one where it is shown. */
export function changeOf(before: number, now: number): string {
  const change = now - before;
  const text = number(Math.abs(change));
  return `${change < 0 ? '-' : '+'}${text}`;
}
