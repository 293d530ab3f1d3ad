/** The only file that talks to the server. Every call takes an AbortSignal and fails with an ApiError. */
export const BASE = '/api/v1';

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

/** An answer, or an ApiError. */
export async function reply(url: string, signal?: AbortSignal, how: RequestInit = {}): Promise<Response> {
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

export async function json<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await reply(BASE + path, signal)).json()) as T;
}

/** Sends something as JSON and reads what comes back, if anything does. */
export async function send<T = void>(
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body?: unknown,
  signal?: AbortSignal,
): Promise<T> {
  const said =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await reply(BASE + path, signal, { method, ...said });
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

/** Writes a text as a part of an address. */
export const part = encodeURIComponent;

/** After an answer that is no stream, as a proxy gives while the server restarts, browsers do not try again by themselves. */
const AGAIN_MS = 2000;

/** Calls back with each change of the project, and with whether the stream is up. Returns how to stop. */
export function watchEvents(onChange: () => void, onLink: (up: boolean) => void): () => void {
  let source: EventSource;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const open = () => {
    source = new EventSource(`${BASE}/events`);
    source.addEventListener('open', () => onLink(true));
    source.addEventListener('error', () => {
      onLink(false);
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(open, AGAIN_MS);
    });
    source.addEventListener('change', onChange);
  };
  open();
  return () => {
    clearTimeout(timer);
    source.close();
  };
}
