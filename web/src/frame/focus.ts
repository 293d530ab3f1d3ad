/** Where a reader's attention goes when another page has come: its heading, which a screen reader then says. */

const PATIENCE_MS = 5000;

/** Focuses the heading, at once or as soon as it is there; a page that takes the focus itself keeps it. Returns how to stop. */
export function focusHeading(main: HTMLElement): () => void {
  const take = (): boolean => {
    const active = document.activeElement;
    const taken =
      active !== null && active !== main && (main.contains(active) || active.closest('dialog') !== null);
    const heading = main.querySelector('h1');
    if (!taken && heading) {
      heading.tabIndex = -1;
      heading.focus({ preventScroll: true });
    }
    return taken || heading !== null;
  };
  if (take()) return () => {};
  const observer = new MutationObserver(() => {
    if (take()) stop();
  });
  const timer = setTimeout(() => {
    // A page without a heading is begun at its top.
    if (!take()) main.focus({ preventScroll: true });
    stop();
  }, PATIENCE_MS);
  const stop = () => {
    observer.disconnect();
    clearTimeout(timer);
  };
  observer.observe(main, { childList: true, subtree: true });
  return stop;
}
