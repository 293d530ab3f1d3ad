import { json, part } from './client';
import type { components } from './schema';

export type CaseBoard = components['schemas']['CaseBoard'];
export type CaseEpochs = components['schemas']['CaseEpochs'];

export const cases = {
  /** The cases of several runs side by side. */
  caseBoard: (runs: readonly string[], metric: string | null, signal?: AbortSignal) => {
    const query = new URLSearchParams(runs.map((run) => ['run', run]));
    if (metric) query.set('metric', metric);
    return json<CaseBoard>(`/cases?${query}`, signal);
  },
  caseEpochs: (run: string, metric: string, signal?: AbortSignal) =>
    json<CaseEpochs>(`/cases/epochs?run=${part(run)}&metric=${part(metric)}`, signal),
};
