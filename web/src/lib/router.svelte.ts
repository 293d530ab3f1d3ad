/** The current address as reactive state over the History API. */
import { parseRoute, type Route } from './route';
import { keepScroll, restoreScroll } from './scroll';

class Router {
  route: Route = $state.raw(parseRoute(location.pathname, location.search));
  /** What the address will be: browsers refuse hundreds of changes a second, as a dragged slider makes. */
  #wanted: string | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** The entry of the browser's history that is shown, by which its scrolling is remembered. */
  #entry = entryOf(history.state) ?? newEntry();

  constructor() {
    history.scrollRestoration = 'manual';
    history.replaceState({ entry: this.#entry }, '');
    restoreScroll(this.#entry);
    addEventListener('popstate', () => {
      keepScroll(this.#entry);
      this.#entry = entryOf(history.state) ?? newEntry();
      this.#wanted = null;
      this.#read(location.href);
      restoreScroll(this.#entry);
    });
    addEventListener('pagehide', () => {
      keepScroll(this.#entry);
      this.#write();
    });
    document.addEventListener('click', (event) => this.#follow(event));
  }

  /** Opens an address as a new step in the browser's history. */
  go(url: string): void {
    this.#write();
    keepScroll(this.#entry);
    this.#entry = newEntry();
    history.pushState({ entry: this.#entry }, '', url);
    this.#read(url);
    scrollTo(0, 0);
  }

  /** Changes keys of the query in place; null removes a key. */
  set(changes: Record<string, string | null | undefined>): void {
    const url = new URL(this.#wanted ?? location.href, location.href);
    for (const [key, value] of Object.entries(changes)) {
      if (value === null || value === undefined || value === '') url.searchParams.delete(key);
      else url.searchParams.set(key, value);
    }
    const next = url.pathname + url.search;
    if (next === (this.#wanted ?? location.pathname + location.search)) return;
    this.#wanted = next;
    this.#timer ??= setTimeout(() => this.#write(), 120);
    this.#read(next);
  }

  #read(url: string): void {
    const { pathname, search } = new URL(url, location.href);
    this.route = parseRoute(pathname, search);
  }

  #write(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#wanted !== null) history.replaceState({ entry: this.#entry }, '', this.#wanted);
    this.#wanted = null;
  }

  /** Ordinary links stay inside the page; modified clicks and downloads are the browser's. */
  #follow(event: MouseEvent): void {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest('a') : null;
    if (!link || link.target || link.hasAttribute('download') || link.origin !== location.origin) return;
    if (link.pathname.startsWith('/api/')) return;
    event.preventDefault();
    this.go(link.pathname + link.search);
  }
}

function entryOf(state: unknown): string | null {
  const entry = state && typeof state === 'object' && 'entry' in state ? state.entry : null;
  return typeof entry === 'string' ? entry : null;
}

function newEntry(): string {
  return `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`;
}

export const router = new Router();
