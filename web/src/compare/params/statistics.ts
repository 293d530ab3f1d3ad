/** What points say together, by ranks: no line is assumed, and no outlier decides. */
import type { Goal } from './table';

/** The place of each value among all, from 1; equal ones share the mean of their places. */
export function ranks(values: readonly number[]): number[] {
  const order = values.map((_, at) => at).sort((a, b) => (values[a] ?? 0) - (values[b] ?? 0));
  const found = new Array<number>(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from + 1;
    while (to < order.length && values[order[to] ?? 0] === values[order[from] ?? 0]) to++;
    for (let at = from; at < to; at++) found[order[at] ?? 0] = (from + 1 + to) / 2;
    from = to;
  }
  return found;
}

/** Spearman's rank correlation; null where there are fewer than three pairs or one of both is always the same. */
export function spearman(x: readonly number[], y: readonly number[]): number | null {
  if (x.length < 3) return null;
  const middle = (x.length + 1) / 2;
  const [a, b] = [ranks(x), ranks(y)];
  let [both, left, right] = [0, 0, 0];
  for (let at = 0; at < a.length; at++) {
    const [u, v] = [(a[at] ?? 0) - middle, (b[at] ?? 0) - middle];
    both += u * v;
    left += u * u;
    right += v * v;
  }
  return left && right ? both / Math.sqrt(left * right) : null;
}

/** How far from 0 Spearman's rho comes by chance once in twenty times, for so many pairs. */
export function chanceOf(pairs: number): number {
  return Math.min(1, 1.96 / Math.sqrt(Math.max(1, pairs - 1)));
}

export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2
    ? (sorted[middle] ?? null)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

/** The medians of parts with as many points each, from left to right; nothing for fewer than four points a part. */
export function movingMedian(x: readonly number[], y: readonly number[], most = 9): [number, number][] {
  const parts = Math.min(most, Math.floor(x.length / 4));
  if (parts < 2) return [];
  const order = x.map((_, at) => at).sort((a, b) => (x[a] ?? 0) - (x[b] ?? 0));
  return Array.from({ length: parts }, (_, part) => {
    const mine = order.slice(
      Math.round((part * order.length) / parts),
      Math.round(((part + 1) * order.length) / parts),
    );
    return [median(mine.map((at) => x[at] ?? 0)) ?? 0, median(mine.map((at) => y[at] ?? 0)) ?? 0];
  });
}

/** The points that no other is better than in one thing without being worse in the other, from the best x on. */
export function pareto(x: readonly number[], y: readonly number[], better: [Goal, Goal]): number[] {
  const [signX, signY] = better.map((goal) => (goal === 'max' ? -1 : 1)) as [number, number];
  const cost = (at: number): [number, number] => [signX * (x[at] ?? 0), signY * (y[at] ?? 0)];
  const order = x
    .map((_, at) => at)
    .sort((a, b) => {
      const [[ax, ay], [bx, by]] = [cost(a), cost(b)];
      return ax - bx || ay - by;
    });
  const front: number[] = [];
  let best: [number, number] | null = null;
  for (const at of order) {
    const [cx, cy] = cost(at);
    // Two runs in one place are both on the front.
    if (best === null || cy < best[1] || (cy === best[1] && cx === best[0])) {
      front.push(at);
      best = [cx, cy];
    }
  }
  return front;
}
