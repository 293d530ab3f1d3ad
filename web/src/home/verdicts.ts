/** What became of each experiment, worst news first. */
import type { Verdict } from '../lib/api/home';
import { number, score } from '../lib/format';

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
  if (verdicts.some((one) => one.word === 'worse')) return 'What got worse';
  if (verdicts.every((one) => one.word === 'first')) return 'First results';
  return verdicts.some((one) => one.dropped_total > 0) ? 'Only single cases got worse' : 'Nothing got worse';
}

/** A figure among others of its kind: a score has three decimals, so that columns line up. */
export function figure(value: number): string {
  return Math.abs(value) <= 1 ? score(value) : number(value);
}

/** A difference with its sign, as exact as its figures are told. */
export function changeOf(before: number, now: number): string {
  const change = now - before;
  const small = Math.abs(before) <= 1 && Math.abs(now) <= 1;
  const text = small ? score(Math.abs(change)) : number(Math.abs(change));
  return `${change < 0 ? '−' : '+'}${text}`;
}
