import { json, part, reply } from './client';
import type { components } from './schema';

type Said = components['schemas'];
export type MediaGroups = Said['MediaGroups'];
export type MediaGroup = Said['MediaGroup'];
export type MediaRecord = Said['MediaRecord'];
/** What a medium holds; one in a table's cell is no more than this. */
export type Content = Omit<MediaRecord, 'id' | 'run_id' | 'name' | 'context' | 'step' | 'epoch' | 'time'>;
export type Picture = Said['Picture'];
export type PictureBox = Said['PictureBox'];
export type Figure = Said['Figure'];
export type Distribution = Said['Distribution'];
export type Words = Said['Words'];
export type WordsPart = Said['WordsPart'];
export type MediaTable = Said['Table'];
export type TableRows = Said['TableRows'];
export type TableGroups = Said['TableGroups'];
export type TableGroup = Said['TableGroup'];
export type Clip = Said['Clip'];
export type VolumeHead = Said['VolumeHead'];
export type Heat = Said['Heat'];
export type HeatColumn = Said['HeatColumn'];
export type Slice = Said['Slice'];

/** The numbers of an image: `data[(y * width + x) * channels + channel]`. */
export interface Values {
  width: number;
  height: number;
  channels: number;
  data: Uint8Array | Float32Array;
  /** The window that shows most of them. */
  low: number;
  high: number;
}

/** Filters by column, and a column to sort by with a minus before it for downwards. */
export interface TableQuestion {
  sort: string | null;
  where: Record<string, string>;
}

function asked({ sort, where }: TableQuestion): URLSearchParams {
  const query = new URLSearchParams();
  if (sort) query.set('sort', sort);
  if (Object.keys(where).length) query.set('where', JSON.stringify(where));
  return query;
}

/** Where a logged table is to be had as CSV. */
export function tableFile(url: string, question: TableQuestion): string {
  return `${url}/table.csv?${asked(question)}`;
}

async function told<T>(url: string, signal?: AbortSignal): Promise<T> {
  return (await (await reply(url, signal)).json()) as T;
}

export const media = {
  media: (q: string, signal?: AbortSignal) => json<MediaGroups>(`/media?q=${part(q)}`, signal),
  mediaRecords: (ids: readonly number[], signal?: AbortSignal) =>
    json<MediaRecord[]>(`/media/records?${ids.map((id) => `id=${id}`).join('&')}`, signal),
  heat: (run: string, name: string, context: MediaGroup['context'], central: boolean, signal?: AbortSignal) =>
    json<Heat>(
      `/media/heat?run=${part(run)}&name=${part(name)}&context=${part(JSON.stringify(context))}&central=${central}`,
      signal,
    ),
  slice: (url: string, signal?: AbortSignal) => told<Slice>(url, signal),
  text: (url: string, start: number, count: number, find: string, signal?: AbortSignal) =>
    told<WordsPart>(`${url}?start=${start}&count=${count}&find=${part(find)}`, signal),
  tableRows: (url: string, question: TableQuestion, offset: number, limit: number, signal?: AbortSignal) => {
    const query = asked(question);
    query.set('offset', String(offset));
    query.set('limit', String(limit));
    return told<TableRows>(`${url}/rows?${query}`, signal);
  },
  tableGroups: (url: string, by: string, question: TableQuestion, signal?: AbortSignal) => {
    const query = asked({ ...question, sort: null });
    query.set('by', by);
    return told<TableGroups>(`${url}/groups?${query}`, signal);
  },
  figure: (url: string, signal?: AbortSignal) => told<unknown>(url, signal),
  bytes: async (url: string, signal?: AbortSignal) => (await reply(url, signal)).blob(),
  values: async (url: string, signal?: AbortSignal): Promise<Values> => {
    const response = await reply(url, signal);
    const [height = 0, width = 0, channels = 1] = (response.headers.get('x-shape') ?? '')
      .split(',')
      .map(Number);
    const [low = 0, high = 1] = (response.headers.get('x-window') ?? '').split(',').map(Number);
    const buffer = await response.arrayBuffer();
    const whole = response.headers.get('x-shape')?.endsWith('uint8');
    return {
      width,
      height,
      channels,
      data: whole ? new Uint8Array(buffer) : new Float32Array(buffer),
      low,
      high,
    };
  },
};
