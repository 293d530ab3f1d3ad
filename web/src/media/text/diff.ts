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

/** How far along `a` each diagonal reaches, around diagonal 0 at `middle`. */
interface Reach {
  far: Int32Array;
  middle: number;
}

const at = ({ far, middle }: Reach, k: number) => far[middle + k] ?? -1;

/** Whether the furthest way to diagonal `k` with `changes` changes comes down, by a new line, and not across. */
function comesDown(reach: Reach, k: number, changes: number): boolean {
  return k === -changes || (k !== changes && at(reach, k - 1) < at(reach, k + 1));
}

function script(a: readonly string[], b: readonly string[]): Line[] | null {
  const most = Math.min(a.length + b.length, MOST_CHANGES);
  const reach: Reach = { far: new Int32Array(2 * most + 3), middle: most + 1 };
  const trace: Reach[] = [];
  for (let changes = 0; changes <= most; changes++) {
    // As it was before these changes, as far as they look.
    const from = reach.middle - changes - 1;
    trace.push({ far: reach.far.slice(from, reach.middle + changes + 2), middle: changes + 1 });
    for (let k = -changes; k <= changes; k += 2) {
      let x = comesDown(reach, k, changes) ? at(reach, k + 1) : at(reach, k - 1) + 1;
      while (x < a.length && x - k < b.length && a[x] === b[x - k]) x++;
      reach.far[reach.middle + k] = x;
      if (x >= a.length && x - k >= b.length) return walk(a, b, trace);
    }
  }
  return null;
}

/** The way back through the furthest places that were reached. */
function walk(a: readonly string[], b: readonly string[], trace: readonly Reach[]): Line[] {
  const found: Line[] = [];
  let [x, y] = [a.length, b.length];
  for (let changes = trace.length - 1; changes >= 0; changes--) {
    const reach = trace[changes];
    if (!reach) break;
    const k = x - y;
    const down = comesDown(reach, k, changes);
    const formerK = down ? k + 1 : k - 1;
    const formerX = changes === 0 ? 0 : at(reach, formerK);
    const formerY = changes === 0 ? 0 : formerX - formerK;
    while (x > formerX && y > formerY) {
      found.push({ kind: 'same', text: a[--x] ?? '' });
      y--;
    }
    if (changes === 0) break;
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
