/** Markdown as a tree of harmless elements: what a person wrote never becomes markup of the page. */

export interface Leaf {
  text: string;
}

export interface Branch {
  tag: string;
  href: string | null;
  /** A box that was ticked, or not; null for what is no box. */
  ticked: boolean | null;
  children: (Leaf | Branch)[];
}

export type Part = Leaf | Branch;

const PLAIN = new Set(
  'p ul ol li blockquote pre code em strong del hr br table thead tbody tr th td section sup'.split(' '),
);
/** The page has its own headings above these. */
const HEADINGS: Record<string, string> = { h1: 'h3', h2: 'h4', h3: 'h5', h4: 'h6', h5: 'h6', h6: 'h6' };

/** Reads Markdown; the library is loaded the first time. */
export async function read(text: string): Promise<Part[]> {
  const [{ micromark }, { gfm, gfmHtml }] = await Promise.all([
    import('micromark'),
    import('micromark-extension-gfm'),
  ]);
  const html = micromark(text, { extensions: [gfm()], htmlExtensions: [gfmHtml()] });
  // A document of its own that is shown nowhere: nothing in it runs, and nothing is loaded.
  return parts(new DOMParser().parseFromString(html, 'text/html').body);
}

function parts(node: Node): Part[] {
  return [...node.childNodes].flatMap((child): Part[] => {
    if (child.nodeType === Node.TEXT_NODE) return [{ text: child.textContent ?? '' }];
    if (!(child instanceof Element)) return [];
    const tag = child.localName;
    if (tag === 'a') {
      const href = safeLink(child.getAttribute('href'));
      return [branch(href ? 'a' : 'span', child, href)];
    }
    // A picture from elsewhere would tell who looks at it: its words stand for it.
    if (tag === 'img') return [{ text: child.getAttribute('alt') ?? '' }];
    if (tag === 'input') return [{ ...branch('input', child), ticked: child.hasAttribute('checked') }];
    const heading = HEADINGS[tag];
    if (heading) return [branch(heading, child)];
    return PLAIN.has(tag) ? [branch(tag, child)] : parts(child);
  });
}

function branch(tag: string, node: Element, href: string | null = null): Branch {
  return { tag, href, ticked: null, children: parts(node) };
}

/** Only what begins with http:// or https:// leads anywhere. */
export function safeLink(href: string | null): string | null {
  if (!href || !/^https?:\/\//i.test(href)) return null;
  try {
    return new URL(href).href;
  } catch {
    return null;
  }
}
