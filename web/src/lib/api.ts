/** The only file that talks to the server. Every call takes an AbortSignal and fails with an ApiError. */
import type {
  CaseTable,
  CaseVolume,
  CaseVolumes,
  Completion,
  CurveName,
  Curves,
  Points,
  Project,
  RunChanges,
  RunColumn,
  RunDetail,
  RunList,
  RunRows,
  Series,
} from './api/types';

const BASE = '/api/v1';

export type ApiFault = 'unreachable' | 'missing' | 'refused' | 'broken';

/** A failed call, in words a person can act on. */
export class ApiError extends Error {
  constructor(
    readonly fault: ApiFault,
    readonly title: string,
    readonly detail: string,
    readonly status: number | null = null,
    /** Where in a query, counted in characters. */
    readonly position: number | null = null,
  ) {
    super(detail ? `${title}: ${detail}` : title);
    this.name = 'ApiError';
  }
}

/** Makes an ApiError of a reply; the server writes {"title", "detail"}, a proxy in between may write anything. */
export function errorOf(status: number, body: string): ApiError {
  const fault: ApiFault =
    status === 404 || status === 410 ? 'missing' : status >= 400 && status < 500 ? 'refused' : 'broken';
  let title = fault === 'missing' ? 'Not found' : fault === 'refused' ? 'Refused' : 'The server failed';
  let detail = `The server answered ${status}.`;
  let position: number | null = null;
  try {
    const said: unknown = JSON.parse(body);
    if (said && typeof said === 'object') {
      const { title: t, detail: d, position: p } = said as Record<string, unknown>;
      if (typeof t === 'string' && t) title = t;
      if (typeof d === 'string' && d) detail = d;
      if (typeof p === 'number') position = p;
    }
  } catch {
    // Not JSON: the status alone has to do.
  }
  return new ApiError(fault, title, detail, status, position);
}

/** True for the rejection that an aborted call gives; nobody needs to hear of it. */
export function wasAborted(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

async function reply(url: string, signal?: AbortSignal, how: RequestInit = {}): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, {
      ...how,
      signal: signal ?? null,
      headers: { accept: 'application/json, */*', ...how.headers },
    });
  } catch (error) {
    if (wasAborted(error)) throw error;
    throw new ApiError(
      'unreachable',
      'The server does not answer',
      'Is `voxloop serve` still running? The page reconnects by itself when it is back.',
    );
  }
  if (!response.ok) throw errorOf(response.status, await response.text().catch(() => ''));
  return response;
}

async function json<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await reply(BASE + path, signal)).json()) as T;
}

const part = encodeURIComponent;

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

export const api = {
  project: (signal?: AbortSignal) => json<Project>('/project', signal),
  runs: (signal?: AbortSignal, limit = 1000) => json<RunList>(`/runs?limit=${limit}`, signal),
  runColumns: (q: string, signal?: AbortSignal) => json<RunColumn[]>(`/runs/columns?q=${part(q)}`, signal),
  runRows: (question: Parameters<typeof asked>[0], offset: number, limit: number, signal?: AbortSignal) => {
    const query = asked(question);
    query.set('offset', String(offset));
    query.set('limit', String(limit));
    return json<RunRows>(`/runs/rows?${query}`, signal);
  },
  curveNames: (q: string, signal?: AbortSignal) => json<CurveName[]>(`/curves/names?q=${part(q)}`, signal),
  curves: (q: string, max: number, signal?: AbortSignal) =>
    json<Curves>(`/curves?q=${part(q)}&max=${max}&limit=500`, signal),
  completions: (text: string, position: number, signal?: AbortSignal) =>
    json<Completion[]>(`/query/completions?text=${part(text)}&position=${position}`, signal),
  editRun: async (id: string, changes: RunChanges): Promise<void> => {
    await reply(`${BASE}/runs/${part(id)}`, undefined, {
      method: 'PATCH',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(changes),
    });
  },
  deleteRun: async (id: string): Promise<void> => {
    await reply(`${BASE}/runs/${part(id)}`, undefined, { method: 'DELETE' });
  },
  run: (id: string, signal?: AbortSignal) => json<RunDetail>(`/runs/${part(id)}`, signal),
  series: (run: string, signal?: AbortSignal) => json<Series[]>(`/runs/${part(run)}/series`, signal),
  points: (series: Series['id'], signal?: AbortSignal, max = 1000) =>
    json<Points>(`/series/${part(String(series))}/points?max=${max}`, signal),
  cases: (run: string, metric: string, signal?: AbortSignal) =>
    json<CaseTable>(`/runs/${part(run)}/cases?metric=${part(metric)}`, signal),
  volumes: (run: string, signal?: AbortSignal) => json<CaseVolumes[]>(`/runs/${part(run)}/volumes`, signal),
  volume: (run: string, caseId: string, step: number | null, signal?: AbortSignal) =>
    json<CaseVolume>(
      `/runs/${part(run)}/volumes/${part(caseId)}${step === null ? '' : `?step=${step}`}`,
      signal,
    ),
  /** A blob as a file: the name carries the extension by which the viewer knows the format. */
  blob: async (url: string, signal?: AbortSignal): Promise<File> => {
    const response = await reply(url, signal);
    const name = decodeURIComponent(url.split('?')[0]?.split('/').pop() ?? 'volume.nii.gz');
    return new File([await response.blob()], name);
  },
};

/** Calls back with each change of the project, and with whether the stream is up. Returns how to stop. */
export function watchEvents(onChange: () => void, onLink: (up: boolean) => void): () => void {
  const source = new EventSource(`${BASE}/events`);
  source.addEventListener('open', () => onLink(true));
  source.addEventListener('error', () => onLink(false));
  source.addEventListener('change', onChange);
  return () => source.close();
}
