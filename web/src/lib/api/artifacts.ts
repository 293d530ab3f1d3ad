/** Artifacts: names, versions, files, aliases, where they come from, and the space that they take. */
import { BASE, json, part, send } from './client';
import type { components } from './schema';
import type { ParamValue } from './types';

type Said = components['schemas'];
type Tree = Record<string, ParamValue>;

export type ArtifactRow = Said['ArtifactRow'];
export type ArtifactRows = Said['ArtifactRows'];
export type VersionRow = Said['ArtifactVersionRow'];
export type NamedArtifact = Said['NamedArtifact'];
export type ArtifactFile = Said['ArtifactFile'];
export type RunName = Said['RunName'];
export type MakingRun = Omit<Said['MakingRun'], 'params'> & { params: Tree };
export type VersionDetail = Omit<Said['ArtifactVersionDetail'], 'metadata' | 'made_by'> & {
  metadata: Tree;
  made_by: MakingRun | null;
};
export type FilePreview = Said['FilePreview'];
export type LineageNode = Said['LineageNode'];
export type LineageEdge = Said['LineageEdge'];
export type Lineage = Said['Lineage'];
export type Usage = Said['Usage'];
export type PrunePlan = Said['PrunePlan'];
export type PruneOrder = Said['PruneOrder'];
export type Disk = Said['Disk'];
export type Freed = Said['Freed'];

export interface ArtifactQuestion {
  q: string;
  kind: string | null;
  sort: string;
  limit: number;
  offset: number;
}

/** What is to stay, as the rules of `voxloop models prune` say it. */
export type Keeping = Omit<PruneOrder, 'refs'>;

const version = (ref: string) => `/artifacts/versions/${part(ref)}`;

/** Where one file of a version is to be had under its own name. */
export function fileUrl(ref: string, path: string): string {
  return `${BASE}${version(ref)}/file?path=${part(path)}`;
}

/** Where all files of a version are to be had as a zip. */
export function zipUrl(ref: string): string {
  return `${BASE}${version(ref)}/zip`;
}

function keeping(asked: Keeping): string {
  const query = new URLSearchParams();
  for (const rule of asked.keep) query.append('keep', rule);
  if (asked.last) query.set('last', String(asked.last));
  if (asked.name && asked.name !== '*') query.set('name', asked.name);
  if (asked.kind) query.set('kind', asked.kind);
  return String(query);
}

export const artifacts = {
  artifactRows: (asked: ArtifactQuestion, signal?: AbortSignal) => {
    const query = new URLSearchParams({
      sort: asked.sort,
      limit: String(asked.limit),
      offset: String(asked.offset),
    });
    if (asked.q) query.set('q', asked.q);
    if (asked.kind) query.set('kind', asked.kind);
    return json<ArtifactRows>(`/artifacts/rows?${query}`, signal);
  },
  namedArtifact: (name: string, signal?: AbortSignal) =>
    json<NamedArtifact>(`/artifacts/named/${part(name)}`, signal),
  artifactVersion: (ref: string, signal?: AbortSignal) => json<VersionDetail>(version(ref), signal),
  deleteVersion: (ref: string) => send('DELETE', version(ref)),
  artifactPreview: (ref: string, path: string, signal?: AbortSignal) =>
    json<FilePreview>(`${version(ref)}/preview?path=${part(path)}`, signal),
  artifactLineage: (ref: string, depth: number | null, signal?: AbortSignal) =>
    json<Lineage>(`${version(ref)}/lineage${depth === null ? '' : `?depth=${depth}`}`, signal),
  moveAlias: (name: string, alias: string, to: number) =>
    send<Said['AliasMoved']>('PUT', `/artifacts/named/${part(name)}/aliases/${part(alias)}`, { version: to }),
  removeAlias: (name: string, alias: string) =>
    send('DELETE', `/artifacts/named/${part(name)}/aliases/${part(alias)}`),
  disk: (signal?: AbortSignal) => json<Disk>('/artifacts/disk', signal),
  prunePlan: (asked: Keeping, signal?: AbortSignal) =>
    json<PrunePlan>(`/artifacts/prunable?${keeping(asked)}`, signal),
  prune: (order: PruneOrder) => send<Freed>('POST', '/artifacts/prune', order),
  collectGarbage: () => send<Freed>('POST', '/artifacts/collect'),
};
