/** What changed from one version to another: files by their digests, metadata by their paths. */
import type { ArtifactFile, VersionDetail } from '../lib/api/artifacts';
import type { ParamValue } from '../lib/api/types';
import { type ParamNode, paramTree } from '../lib/params';

export interface FileChange {
  path: string;
  how: 'added' | 'removed' | 'changed';
  before: ArtifactFile | null;
  after: ArtifactFile | null;
}

export interface ValueChange {
  path: string;
  before: string | null;
  after: string | null;
}

export interface Difference {
  files: FileChange[];
  same: number;
  metadata: ValueChange[];
  sameMetadata: number;
}

type Told = Pick<VersionDetail, 'files' | 'metadata'>;

export function difference(before: Told, after: Told): Difference {
  const old = new Map(before.files.map((file) => [file.path, file]));
  const now = new Map(after.files.map((file) => [file.path, file]));
  const files: FileChange[] = [];
  for (const path of [...new Set([...old.keys(), ...now.keys()])].sort()) {
    const [was, is] = [old.get(path) ?? null, now.get(path) ?? null];
    if (was && is && was.digest === is.digest) continue;
    files.push({
      path,
      how: was === null ? 'added' : is === null ? 'removed' : 'changed',
      before: was,
      after: is,
    });
  }
  const said = leaves(before.metadata);
  const says = leaves(after.metadata);
  const metadata: ValueChange[] = [];
  let sameMetadata = 0;
  for (const path of new Set([...said.keys(), ...says.keys()])) {
    const [was, is] = [said.get(path) ?? null, says.get(path) ?? null];
    if (was === is) sameMetadata += 1;
    else metadata.push({ path, before: was, after: is });
  }
  const same = [...now].filter(([path, file]) => old.get(path)?.digest === file.digest).length;
  return { files, same, metadata, sameMetadata };
}

function leaves(tree: Record<string, ParamValue>): Map<string, string> {
  const found = new Map<string, string>();
  const visit = (node: ParamNode) => {
    if (node.text !== null) found.set(node.path, node.text);
    else for (const child of node.children) visit(child);
  };
  for (const node of paramTree(tree)) visit(node);
  return found;
}
