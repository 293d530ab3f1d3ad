import { BASE, json, part, reply } from './client';
import type { CurveName, Curves, Points, Series } from './types';

/** Which curves, along what, and which part of them. */
export interface CurvesQuestion {
  q: string;
  by: 'step' | 'epoch' | 'time' | 'relative' | 'metric';
  metric?: string | null;
  range?: readonly [number, number] | null;
  max: number;
  limit: number;
}

/** What an answer was told to be, so that one that is the same is not read twice. */
const tags = new WeakMap<Curves, string>();

function axis({ by, metric, range }: Pick<CurvesQuestion, 'by' | 'metric' | 'range'>): URLSearchParams {
  const query = new URLSearchParams({ by });
  if (metric) query.set('x', metric);
  if (range) {
    query.set('from', String(range[0]));
    query.set('to', String(range[1]));
  }
  return query;
}

/** Where all points of some series are to be had as CSV. */
export function pointsUrl(
  ids: readonly Series['id'][],
  along: Pick<CurvesQuestion, 'by' | 'metric' | 'range'>,
): string {
  const query = axis(along);
  for (const id of ids) query.append('id', String(id));
  return `${BASE}/curves/points.csv?${query}`;
}

export const series = {
  series: (run: string, signal?: AbortSignal) => json<Series[]>(`/runs/${part(run)}/series`, signal),
  points: (id: Series['id'], signal?: AbortSignal, max = 1000) =>
    json<Points>(`/series/${part(String(id))}/points?max=${max}`, signal),
  curveNames: (q: string, signal?: AbortSignal) => json<CurveName[]>(`/curves/names?q=${part(q)}`, signal),
  /** The curves of a question; `before` again where nothing has changed since. */
  curves: async (question: CurvesQuestion, signal?: AbortSignal, before?: Curves): Promise<Curves> => {
    const query = axis(question);
    query.set('q', question.q);
    query.set('max', String(question.max));
    query.set('limit', String(question.limit));
    const answer = await reply(`${BASE}/curves?${query}`, signal);
    const tag = answer.headers.get('etag') ?? '';
    if (before && tag && tags.get(before) === tag) {
      void answer.body?.cancel();
      return before;
    }
    const curves = (await answer.json()) as Curves;
    tags.set(curves, tag);
    return curves;
  },
};
