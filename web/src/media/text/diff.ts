/** What changed between two texts, line by line. */

export interface Line {
  kind: 'same' | 'gone' | 'new';
  text: string;
}

/** More changes than this are another text, and would take long to find. */
const MOST_CHANGES = 1500;

/** The lines of both texts in order (Myers' shortest edit script); null where they have too little in common. */
export function diff(before: string, after: string): Line[] | null {
  const [a, b] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < a.length && start < b.length && a[start] === b[start]) start++;
  let end = 0;
  while (end < a.length - start && end < b.length - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const middle = script(a.slice(start, a.length - end), b.slice(start, b.length - end));
  if (!middle) return null;
  const same = (text: string): Line => ({ kind: 'same', text });
  return [...a.slice(0, start).map(same), ...middle, ...a.slice(a.length - end).map(same)];
}

function script(a: readonly string[], b: readonly string[]): Line[] | null {
  const most = Math.min(a.length + b.length, MOST_CHANGES);
  const reach = new Map<number, number>([[1, 0]]);
  const trace: Map<number, number>[] = [];
  for (let changes = 0; changes <= most; changes++) {
    trace.push(new Map(reach));
    for (let k = -changes; k <= changes; k += 2) {
      const down = k === -changes || (k !== changes && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
      let x = down ? (reach.get(k + 1) ?? 0) : (reach.get(k - 1) ?? 0) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach.set(k, x);
      if (x >= a.length && x - k >= b.length) return walk(a, b, trace, changes);
    }
  }
  return null;
}

/** The way back through the furthest places that were reached. */
function walk(
  a: readonly string[],
  b: readonly string[],
  trace: Map<number, number>[],
  changes: number,
): Line[] {
  const found: Line[] = [];
  let [x, y] = [a.length, b.length];
  for (let d = changes; d >= 0; d--) {
    const reach = trace[d] ?? new Map<number, number>();
    const k = x - y;
    const down = k === -d || (k !== d && (reach.get(k - 1) ?? -1) < (reach.get(k + 1) ?? -1));
    const formerK = down ? k + 1 : k - 1;
    const formerX = d === 0 ? 0 : (reach.get(formerK) ?? 0);
    const formerY = d === 0 ? 0 : formerX - formerK;
    while (x > formerX && y > formerY && x > 0 && y > 0) {
      found.push({ kind: 'same', text: a[--x] ?? '' });
      y--;
    }
    if (d === 0) break;
    if (down) found.push({ kind: 'new', text: b[--y] ?? '' });
    else found.push({ kind: 'gone', text: a[--x] ?? '' });
  }
  return found.reverse();
}

/** The changes with a few lines around them; a number is how many same lines are left out there. */
export function condensed(lines: readonly Line[], around = 3): (Line | number)[] {
  const near = new Uint8Array(lines.length);
  lines.forEach((line, at) => {
    if (line.kind !== 'same') near.fill(1, Math.max(0, at - around), at + around + 1);
  });
  const found: (Line | number)[] = [];
  lines.forEach((line, at) => {
    const last = found.at(-1);
    if (near[at]) found.push(line);
    else if (typeof last === 'number') found[found.length - 1] = last + 1;
    else found.push(1);
  });
  return found;
}
