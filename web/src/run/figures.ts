/** What a run came to, and how that compares with another run. */
import type { KeyFigure } from '../lib/api/run';

/** Of a series whose best is known, the best counts; of any other, the last. */
export function worthOf(figure: KeyFigure): number | null {
  return figure.goal ? figure.best : figure.last;
}

export interface Change {
  by: number;
  /** Null where nobody said which way is better, or where nothing changed. */
  better: boolean | null;
}

/** How far a figure is from the same one of another run. */
export function changeOf(figure: KeyFigure, other: KeyFigure | undefined): Change | null {
  const [mine, theirs] = [worthOf(figure), other ? worthOf(other) : null];
  if (mine === null || theirs === null) return null;
  const by = mine - theirs;
  return { by, better: figure.goal && by !== 0 ? by > 0 === (figure.goal === 'max') : null };
}

/** The same series in another run's figures. */
export function sameIn(figures: readonly KeyFigure[] | null, wanted: KeyFigure): KeyFigure | undefined {
  return figures?.find((one) => labelOf(one) === labelOf(wanted));
}

/** `val/dice · spleen`. */
export function labelOf(figure: KeyFigure): string {
  return [figure.name, ...Object.values(figure.context).map(String)].join(' · ');
}

/** What is worth a chart on the first look: the main metric, and the loss. */
export function worthSeeing(figures: readonly KeyFigure[]): KeyFigure[] {
  const drawn = figures.filter((one) => one.count > 1);
  const isLoss = (one: KeyFigure) => /loss/i.test(one.name);
  const main = drawn.find((one) => one.goal && !isLoss(one)) ?? drawn.find((one) => !isLoss(one));
  const loss = drawn.find((one) => one.name === 'train/loss') ?? drawn.find(isLoss);
  return [main, loss].filter((one) => one !== undefined);
}

/** The figures with a goal, as cards; all others are rows of a table. With no goal at all, the first few are cards. */
export function cards(figures: readonly KeyFigure[], most: number): KeyFigure[] {
  const defined = figures.filter((one) => one.goal && one.count > 0);
  return (defined.length ? defined : figures).slice(0, most);
}
