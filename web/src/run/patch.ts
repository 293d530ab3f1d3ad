/** A patch as `git diff` writes it, as files and their lines. */

export interface PatchLine {
  kind: 'added' | 'removed' | 'same' | 'place' | 'said';
  text: string;
  before: number | null;
  after: number | null;
}

export interface PatchFile {
  name: string;
  added: number;
  removed: number;
  lines: PatchLine[];
}

/** The files of a patch, each with its changed lines and their numbers before and after. */
export function parsePatch(patch: string): PatchFile[] {
  const files: PatchFile[] = [];
  let file: PatchFile | undefined;
  let [before, after] = [0, 0];
  // Within a hunk a line that begins with `---` is one that was removed.
  let [leftBefore, leftAfter] = [0, 0];
  const lines = patch.split('\n');
  if (lines.at(-1) === '') lines.pop();
  for (const raw of lines) {
    const line = raw.replace(/\r$/, '');
    const inside = leftBefore > 0 || leftAfter > 0;
    if (!inside && line.startsWith('diff --git ')) {
      file = { name: nameOf(line), added: 0, removed: 0, lines: [] };
      files.push(file);
      continue;
    }
    file ??= begin(files);
    const place = inside ? null : /^@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (place) {
      [before, after] = [Number(place[1]), Number(place[3])];
      [leftBefore, leftAfter] = [Number(place[2] ?? 1), Number(place[4] ?? 1)];
      file.lines.push({ kind: 'place', text: line, before: null, after: null });
    } else if (inside && line.startsWith('+')) {
      file.added += 1;
      leftAfter -= 1;
      file.lines.push({ kind: 'added', text: line.slice(1), before: null, after: after++ });
    } else if (inside && line.startsWith('-')) {
      file.removed += 1;
      leftBefore -= 1;
      file.lines.push({ kind: 'removed', text: line.slice(1), before: before++, after: null });
    } else if (inside && (line.startsWith(' ') || line === '')) {
      leftBefore -= 1;
      leftAfter -= 1;
      file.lines.push({ kind: 'same', text: line.slice(1), before: before++, after: after++ });
    } else if (!/^(index |--- |\+\+\+ )/.test(line)) {
      file.lines.push({ kind: 'said', text: line, before: null, after: null });
    }
  }
  return files;
}

function begin(files: PatchFile[]): PatchFile {
  const file: PatchFile = { name: 'changes', added: 0, removed: 0, lines: [] };
  files.push(file);
  return file;
}

/** `diff --git a/x b/x`; names with odd letters stand in quotes. */
function nameOf(line: string): string {
  const quoted = / "b\/(.*)"$/.exec(line);
  return quoted?.[1] ?? / b\/(.*)$/.exec(line)?.[1] ?? line.slice('diff --git '.length);
}
