/** Markdown as elements of the page: built one by one from a list of what is allowed, never as HTML that somebody logged. */

const ALLOWED = new Set(
  'p strong em del code pre ul ol li blockquote table thead tbody tr th td hr br sup sub input'.split(' '),
);

/** Where a link may lead: to the web, and nowhere else. */
export function isWebAddress(href: string): boolean {
  return /^https?:\/\/[^\s]+$/i.test(href);
}

/** Markdown as a part of the document. What reads it is fetched when the first text asks for it. */
export async function markdown(text: string): Promise<DocumentFragment> {
  const [{ micromark }, { gfm, gfmHtml }] = await Promise.all([
    import('micromark'),
    import('micromark-extension-gfm'),
  ]);
  const html = micromark(text, { extensions: [gfm()], htmlExtensions: [gfmHtml()] });
  // Parsed apart from the page, where nothing is loaded or run.
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  const made = document.createDocumentFragment();
  made.append(...[...parsed.body.childNodes].flatMap(copied));
  return made;
}

function copied(node: Node): Node[] {
  if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.textContent ?? '')];
  if (!(node instanceof Element)) return [];
  const name = node.tagName.toLowerCase();
  const inner = () => [...node.childNodes].flatMap(copied);
  if (name === 'img')
    return [document.createTextNode(`[image: ${node.getAttribute('alt') || 'without a name'}]`)];
  const heading = /^h([1-6])$/.exec(name);
  // The page's own headings stand above those of a text.
  const element = document.createElement(
    heading
      ? `h${Math.min(6, Number(heading[1]) + 2)}`
      : name === 'a'
        ? 'a'
        : ALLOWED.has(name)
          ? name
          : 'span',
  );
  if (element instanceof HTMLAnchorElement) {
    const href = node.getAttribute('href') ?? '';
    if (!isWebAddress(href)) return inner();
    element.href = href;
    element.target = '_blank';
    element.rel = 'noreferrer noopener';
  }
  if (element instanceof HTMLInputElement) {
    element.type = 'checkbox';
    element.disabled = true;
    element.checked = node.hasAttribute('checked');
    element.ariaLabel = element.checked ? 'done' : 'to do';
    return [element];
  }
  const align = node.getAttribute('align');
  if (align && /^(left|right|center)$/.test(align)) element.style.textAlign = align;
  element.append(...inner());
  return [element];
}
