import { BASE, json, part, send } from './client';
import type { components } from './schema';
import type { Completion, Project, RunChanges, RunColumn, RunDetail, RunList, RunRows } from './types';

export type RunGroups = components['schemas']['RunGroups'];
export type RunGroup = components['schemas']['RunGroup'];
export type GroupCell = components['schemas']['GroupCell'];

/** The question of a table of runs as the end of an address. */
function asked(question: {
  q: string;
  sort?: string | undefined;
  columns: readonly string[];
}): URLSearchParams {
  const query = new URLSearchParams();
  if (question.q) query.set('q', question.q);
  if (question.sort) query.set('sort', question.sort);
  for (const column of question.columns) query.append('column', column);
  return query;
}

/** Where the whole table of runs is to be had as CSV. */
export function tableUrl(question: Parameters<typeof asked>[0]): string {
  return `${BASE}/runs/table.csv?${asked(question)}`;
}

export const runs = {
  project: (signal?: AbortSignal) => json<Project>('/project', signal),
  runs: (signal?: AbortSignal, limit = 1000) => json<RunList>(`/runs?limit=${limit}`, signal),
  runColumns: (q: string, signal?: AbortSignal) => json<RunColumn[]>(`/runs/columns?q=${part(q)}`, signal),
  runRows: (question: Parameters<typeof asked>[0], offset: number, limit: number, signal?: AbortSignal) => {
    const query = asked(question);
    query.set('offset', String(offset));
    query.set('limit', String(limit));
    return json<RunRows>(`/runs/rows?${query}`, signal);
  },
  runGroups: (
    question: Parameters<typeof asked>[0] & {
      by: readonly string[];
      order: readonly string[];
      figure: string;
    },
    signal?: AbortSignal,
  ) => {
    const query = asked(question);
    for (const column of question.by) query.append('by', column);
    for (const term of question.order) query.append('order', term);
    query.set('figure', question.figure);
    return json<RunGroups>(`/runs/groups?${query}`, signal);
  },
  /** What may stand at a place of a query about runs, or about what they logged. */
  completions: (text: string, position: number, signal?: AbortSignal, scope: 'run' | 'media' = 'run') =>
    json<Completion[]>(`/query/completions?text=${part(text)}&position=${position}&scope=${scope}`, signal),
  editRun: (id: string, changes: RunChanges) => send('PATCH', `/runs/${part(id)}`, changes),
  /** Of all of them, or of none. */
  editRuns: (changes: Readonly<Record<string, RunChanges>>) => send('PATCH', '/runs', { changes }),
  deleteRuns: (ids: readonly string[]) => send('POST', '/runs/delete', { runs: ids }),
  deleteRun: (id: string) => send('DELETE', `/runs/${part(id)}`),
  run: (id: string, signal?: AbortSignal) => json<RunDetail>(`/runs/${part(id)}`, signal),
};
