/** What the page of one run asks beside the run itself. */
import { readNumber } from './cases';
import { BASE, json, part, reply, send } from './client';
import type { components } from './schema';
import type { RunStatus } from './types';

type Said = components['schemas'];

export type Relative = Omit<Said['Relative'], 'status'> & { status: RunStatus };
export type Relatives = Omit<Said['Relatives'], 'previous' | 'next' | 'parent' | 'children'> & {
  previous: Relative | null;
  next: Relative | null;
  parent: Relative | null;
  children: Relative[];
};
export type KeyFigure = Said['KeyFigure'];
export type WorstCase = Omit<Said['WorstCase'], 'last' | 'best'> & Record<'last' | 'best', number | null>;
export type WorstCases = Omit<Said['WorstCases'], 'cases'> & { cases: WorstCase[] };
export type Notes = Said['Notes'];
export type ConsoleLines = Said['ConsoleLines'];
export type ConsoleHits = Said['ConsoleHits'];

const at = (id: string) => `/runs/${part(id)}`;

/** A run as one HTML file; with `anonymous`, without pictures and names of cases. */
export const reportUrl = (id: string, anonymous = false): string =>
  `${BASE}${at(id)}/report.html${anonymous ? '?anonymous=true&pictures=false' : ''}`;
/** Where all that a run printed is to be had as a text file. */
export const consoleFileUrl = (id: string): string => `${BASE}${at(id)}/console.txt`;

/** Where a blob is to be had as a file. */
export const blobUrl = (digest: string, filename: string): string =>
  `${BASE}/blobs/${part(digest)}/${part(filename)}`;

export const run = {
  relatives: (id: string, signal?: AbortSignal) => json<Relatives>(`${at(id)}/relatives`, signal),
  keyFigures: (id: string, signal?: AbortSignal) => json<KeyFigure[]>(`${at(id)}/figures`, signal),
  worstCases: async (
    id: string,
    metric: string | null,
    limit: number,
    signal?: AbortSignal,
  ): Promise<WorstCases> => {
    const of = metric ? `&metric=${part(metric)}` : '';
    const said = await json<Said['WorstCases']>(`${at(id)}/worst?limit=${limit}${of}`, signal);
    const cases = said.cases.map((one) => ({
      ...one,
      last: readNumber(one.last),
      best: readNumber(one.best),
    }));
    return { ...said, cases };
  },
  /** The last lines that a run printed. */
  consoleTail: (id: string, count: number, signal?: AbortSignal) =>
    json<ConsoleLines>(`${at(id)}/console/lines?count=${count}`, signal),
  /** The last of the lines that came since a mark. */
  consoleSince: (id: string, mark: string, count: number, signal?: AbortSignal) =>
    json<ConsoleLines>(`${at(id)}/console/lines?count=${count}&since=${part(mark)}`, signal),
  consoleRange: (id: string, from: number, count: number, signal?: AbortSignal) =>
    json<ConsoleLines>(`${at(id)}/console/lines?from=${from}&count=${count}`, signal),
  findInConsole: (id: string, text: string, signal?: AbortSignal) =>
    json<ConsoleHits>(`${at(id)}/console/hits?text=${part(text)}`, signal),
  /** Changes notes that are still as they were read; `leaving` outlives the page. */
  changeNotes: async (id: string, text: string, before: string, leaving = false): Promise<Notes> => {
    if (!leaving) return send<Notes>('PUT', `${at(id)}/notes`, { text, before });
    const response = await reply(`${BASE}${at(id)}/notes`, undefined, {
      method: 'PUT',
      body: JSON.stringify({ text, before }),
      headers: { 'content-type': 'application/json' },
      keepalive: true,
    });
    return (await response.json()) as Notes;
  },
  blobText: async (digest: string, filename: string, signal?: AbortSignal) =>
    (await reply(blobUrl(digest, filename), signal)).text(),
};
