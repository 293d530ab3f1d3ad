import { json, part } from './client';
import type { components } from './schema';

type Said = components['schemas'];
export type RunValues = Said['RunValues'];
export type ValueColumn = Said['ValueColumn'];
export type ValueLevel = Said['ValueLevel'];
export type Importance = Said['Importance'];
export type ParamImportance = Said['ParamImportance'];

export const importance = {
  /** Whole columns of all runs that a query fits, for plots. */
  runValues: (q: string, columns: readonly string[], statistic: string, signal?: AbortSignal) =>
    json<RunValues>(
      `/runs/values?q=${part(q)}&statistic=${part(statistic)}${columns.map((one) => `&column=${part(one)}`).join('')}`,
      signal,
    ),
  /** Which params go with a metric; without one, only how they vary. */
  importance: (
    q: string,
    metric: string | null,
    statistic: string,
    better: string | null,
    signal?: AbortSignal,
  ) =>
    json<Importance>(
      `/runs/importance?q=${part(q)}&statistic=${part(statistic)}${metric ? `&metric=${part(metric)}` : ''}${better ? `&better=${better}` : ''}`,
      signal,
    ),
};
