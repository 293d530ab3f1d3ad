/** The files of a version as folders in folders, and as the rows that are in sight. */
import type { ArtifactFile } from '../lib/api/artifacts';

export interface FileNode {
  name: string;
  path: string;
  bytes: number;
  /** How many files it is, and how many of them are missing. */
  files: number;
  missing: number;
  file: ArtifactFile | null;
  children: FileNode[];
}

export interface FileRow {
  node: FileNode;
  depth: number;
  open: boolean;
}

const words = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** Folders first, then files, each as people sort names. */
export function fileTree(files: readonly ArtifactFile[]): FileNode[] {
  const root = folder('', '');
  const folders = new Map([['', root]]);
  for (const file of files) {
    const parts = file.path.split('/');
    let above = root;
    for (let depth = 1; depth < parts.length; depth++) {
      const path = parts.slice(0, depth).join('/');
      // A path that begins with a slash has a folder without a name.
      let mine = folders.get(`${path}/`);
      if (!mine) {
        mine = folder(parts[depth - 1] || '/', path);
        folders.set(`${path}/`, mine);
        above.children.push(mine);
      }
      above = mine;
    }
    const missing = file.missing ? 1 : 0;
    const name = parts.at(-1) || file.path;
    above.children.push({ name, path: file.path, bytes: file.bytes, files: 1, missing, file, children: [] });
  }
  return sum(root).children;
}

/** The rows in sight: what is open, or, where something is searched for, whatever leads to it. */
export function fileRows(nodes: readonly FileNode[], open: ReadonlySet<string>, filter: string): FileRow[] {
  const wanted = filter.trim().toLowerCase();
  const rows: FileRow[] = [];
  const add = (node: FileNode, depth: number) => {
    if (wanted && !has(node, wanted)) return;
    const shown = node.file === null && (wanted !== '' || open.has(node.path));
    rows.push({ node, depth, open: shown });
    if (shown) for (const child of node.children) add(child, depth + 1);
  };
  for (const node of nodes) add(node, 0);
  return rows;
}

/** The folders that are open at first: all of a small tree, the outermost of a large one. */
export function openAtFirst(nodes: readonly FileNode[], most = 40): Set<string> {
  const found = new Set<string>();
  let count = nodes.length;
  let ring = nodes.filter((node) => node.file === null);
  while (ring.length > 0) {
    count += ring.reduce((sum, node) => sum + node.children.length, 0);
    if (count > most) break;
    for (const node of ring) found.add(node.path);
    ring = ring.flatMap((node) => node.children.filter((child) => child.file === null));
  }
  return found;
}

function folder(name: string, path: string): FileNode {
  return { name, path, bytes: 0, files: 0, missing: 0, file: null, children: [] };
}

function sum(node: FileNode): FileNode {
  for (const child of node.children) {
    if (child.file === null) sum(child);
    node.bytes += child.bytes;
    node.files += child.files;
    node.missing += child.missing;
  }
  node.children.sort(
    (a, b) => Number(a.file !== null) - Number(b.file !== null) || words.compare(a.name, b.name),
  );
  return node;
}

function has(node: FileNode, wanted: string): boolean {
  return node.path.toLowerCase().includes(wanted) || node.children.some((child) => has(child, wanted));
}
