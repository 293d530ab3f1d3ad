/** Markdown that was stored as a tree of the few elements that text needs. What it holds is never trusted as HTML. */

export type Piece = string | { tag: string; href: string | null; children: Piece[] };

const TAGS = new Set(
  'p h1 h2 h3 h4 h5 h6 ul ol li blockquote pre code em strong del a hr br table thead tbody tr th td'.split(
    ' ',
  ),
);

/** micromark escapes raw HTML; what it makes is read in a document that loads and runs nothing, and only known elements stay. */
export async function markdownPieces(text: string): Promise<Piece[]> {
  const [{ micromark }, { gfm, gfmHtml }] = await Promise.all([
    import('micromark'),
    import('micromark-extension-gfm'),
  ]);
  const html = micromark(text, { extensions: [gfm()], htmlExtensions: [gfmHtml()] });
  return pieces(new DOMParser().parseFromString(html, 'text/html').body);
}

/** A link, if it leads to the web: nothing else is followed. */
export function safeLink(href: string | null): string | null {
  return href !== null && /^https?:\/\//i.test(href) ? href : null;
}

function pieces(parent: Node): Piece[] {
  return [...parent.childNodes].flatMap((node): Piece[] => {
    if (node.nodeType === Node.TEXT_NODE) return node.textContent ? [node.textContent] : [];
    if (!(node instanceof Element)) return [];
    const tag = node.tagName.toLowerCase();
    if (tag === 'img') return [node.getAttribute('alt') || 'an image'];
    if (tag === 'input') return [node.hasAttribute('checked') ? '☑ ' : '☐ '];
    if (!TAGS.has(tag)) return pieces(node);
    // The page has one title of its own.
    const shown = /^h[1-6]$/.test(tag) ? `h${Math.min(6, Number(tag[1]) + 2)}` : tag;
    return [
      { tag: shown, href: tag === 'a' ? safeLink(node.getAttribute('href')) : null, children: pieces(node) },
    ];
  });
}
