import { BASE, json, part, reply, send } from './client';
import type { components } from './schema';

type Said = components['schemas'];
export type DatasetSummary = Said['DatasetSummary'];
export type Dataset = Said['Dataset'];
export type DatasetVersion = Said['DatasetVersion'];
export type DatasetSplit = Said['DatasetSplit'];
export type DatasetCases = Said['DatasetCases'];
export type DatasetCase = Said['DatasetCase'];
export type CaseNumbers = Said['CaseNumbers'];
export type DatasetCheck = Said['DatasetCheck'];
export type CheckJob = Said['CheckJob'];
export type CheckReport = Said['CheckReport'];
export type DatasetFinding = Said['DatasetFinding'];
export type FindingKind = Said['FindingKind'];
export type CaseView = Said['CaseView'];
export type ViewPlane = Said['ViewPlane'];

/** A version of a dataset; null is the newest. */
export interface Which {
  name: string;
  version: number | null;
}

/** A case of a version; the scans that are kept for testing have ids of their own. */
export interface WhichCase extends Which {
  case: string;
  test: boolean;
}

function place({ name, version }: Which, end = '', query: Record<string, string> = {}): string {
  const asked = new URLSearchParams({ ...(version === null ? {} : { version: String(version) }), ...query });
  return `/datasets/${part(name)}${end}${asked.size ? `?${asked}` : ''}`;
}

function ofCase(which: WhichCase, query: Record<string, string> = {}): Record<string, string> {
  return { case: which.case, ...(which.test ? { test: 'true' } : {}), ...query };
}

export interface SliceWish {
  plane: string;
  index: number;
  channel: number;
  look: string;
  window: { low: number; high: number } | null;
}

/** Where a slice is to be had as a picture. */
export function sliceUrl(which: WhichCase, wish: SliceWish): string {
  const { plane, index, channel, look, window } = wish;
  return (
    BASE +
    place(
      which,
      '/slice',
      ofCase(which, {
        plane,
        index: String(index),
        look,
        ...(channel ? { channel: String(channel) } : {}),
        ...(window ? { low: String(window.low), high: String(window.high) } : {}),
      }),
    )
  );
}

export function tileUrl(which: WhichCase, value: number | null): string {
  return BASE + place(which, '/tile', ofCase(which, value === null ? {} : { value: String(value) }));
}

export const datasets = {
  datasets: (signal?: AbortSignal) => json<DatasetSummary[]>('/datasets', signal),
  dataset: (which: Which, signal?: AbortSignal) => json<Dataset>(place(which), signal),
  datasetCases: (which: Which, signal?: AbortSignal) => json<DatasetCases>(place(which, '/cases'), signal),
  datasetCheck: (which: Which, signal?: AbortSignal) => json<DatasetCheck>(place(which, '/check'), signal),
  checkJob: (which: Which, signal?: AbortSignal) => json<CheckJob | null>(place(which, '/check/job'), signal),
  startCheck: (which: Which) => send<DatasetCheck>('POST', place(which, '/check')),
  stopCheck: (which: Which) => send<DatasetCheck>('DELETE', place(which, '/check')),
  caseView: (which: WhichCase, signal?: AbortSignal) =>
    json<CaseView>(place(which, '/view', ofCase(which)), signal),
  /** A picture as an address of its own, so that a refusal can be read; whoever has it gives it back. */
  picture: async (url: string, signal?: AbortSignal): Promise<string> =>
    URL.createObjectURL(await (await reply(url, signal)).blob()),
};
