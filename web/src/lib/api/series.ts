import { json, part } from './client';
import type { CurveName, Curves, Points, Series } from './types';

export const series = {
  series: (run: string, signal?: AbortSignal) => json<Series[]>(`/runs/${part(run)}/series`, signal),
  points: (id: Series['id'], signal?: AbortSignal, max = 1000) =>
    json<Points>(`/series/${part(String(id))}/points?max=${max}`, signal),
  curveNames: (q: string, signal?: AbortSignal) => json<CurveName[]>(`/curves/names?q=${part(q)}`, signal),
  curves: (q: string, max: number, signal?: AbortSignal) =>
    json<Curves>(`/curves?q=${part(q)}&max=${max}&limit=500`, signal),
};
