/** The page as it is seen now, as one file that needs nothing else: it opens offline and can be mailed. */

/** What a browser would do, ask for or load; a saved view only shows. */
const LEFT_OUT =
  'script, link, base, meta[http-equiv], noscript, iframe, object, embed, .skip, [data-testid=notices], [data-unsaved]';

export async function snapshotOf(
  source: Document,
  said: { title: string; address: string; when: Date },
): Promise<string> {
  const root = source.documentElement.cloneNode(true) as HTMLElement;
  // A clone has the same elements in the same order: what only the living page knows is carried over by place.
  freezeFields(source.documentElement, root);
  freezeScrolls(source.documentElement, root);
  await freezePictures(source.documentElement, root);
  for (const one of root.querySelectorAll(LEFT_OUT)) one.remove();
  for (const one of root.querySelectorAll('*')) harmless(one);
  const head = root.querySelector('head');
  const style = source.createElement('style');
  style.textContent = `${stylesOf(source)}\nmain { min-height: 0 !important; }\n.saved { padding: 8px 24px; border-top: 1px solid var(--line); color: var(--text-faint); font-size: 11px; }`;
  head?.append(style);
  const foot = source.createElement('footer');
  foot.className = 'saved';
  foot.textContent = `${said.title} · seen ${said.when.toISOString().slice(0, 16).replace('T', ' ')} UTC at ${said.address} · Voxloop, research use only, not a medical device`;
  root.querySelector('body')?.append(foot);
  return `<!doctype html>\n<meta charset="utf-8">\n<meta http-equiv="content-security-policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">\n${root.outerHTML}`;
}

export function saveAs(name: string, html: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([html], { type: 'text/html' }));
  link.download = `${name.replace(/[^\p{L}\p{N}._-]+/gu, '-').slice(0, 80) || 'view'}.html`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function pairs<E extends Element>(from: Element, to: Element, selector: string): [E, E][] {
  const there = to.querySelectorAll<E>(selector);
  return [...from.querySelectorAll<E>(selector)].flatMap((one, i) => {
    const twin = there[i];
    return twin ? [[one, twin] as [E, E]] : [];
  });
}

function freezeFields(from: Element, to: Element): void {
  for (const [one, twin] of pairs<HTMLInputElement>(from, to, 'input')) {
    twin.setAttribute('value', one.value);
    twin.toggleAttribute('checked', one.checked);
    twin.disabled = true;
  }
  for (const [one, twin] of pairs<HTMLTextAreaElement>(from, to, 'textarea')) twin.textContent = one.value;
  for (const [one, twin] of pairs<HTMLSelectElement>(from, to, 'select'))
    for (const [i, option] of [...twin.options].entries())
      option.toggleAttribute('selected', i === one.selectedIndex);
}

/** A list that was scrolled is moved up by as much, for nobody scrolls it again. */
function freezeScrolls(from: Element, to: Element): void {
  for (const [one, twin] of pairs<HTMLElement>(from, to, '*')) {
    if (!one.scrollTop && !one.scrollLeft) continue;
    for (const child of twin.children)
      if (child instanceof HTMLElement && getComputedStyle(one).overflow !== 'visible')
        child.style.translate = `${-one.scrollLeft}px ${-one.scrollTop}px`;
  }
}

async function freezePictures(from: Element, to: Element): Promise<void> {
  const drawn = pairs<HTMLCanvasElement>(from, to, 'canvas').map(
    ([one, twin]) => [twin, one, drawing(one)] as const,
  );
  const loaded = pairs<HTMLImageElement>(from, to, 'img').map(
    ([one, twin]) => [twin, one, drawing(one)] as const,
  );
  for (const [twin, one, picture] of [...drawn, ...loaded]) {
    const image = document.createElement('img');
    image.alt = one.getAttribute('aria-label') ?? one.getAttribute('alt') ?? '';
    image.className = one.className;
    const box = one.getBoundingClientRect();
    image.style.cssText = `${one.style.cssText};width:${box.width}px;height:${box.height}px`;
    if (picture) image.src = picture;
    twin.replaceWith(image);
  }
}

/** As data in the address; nothing for what may not be read or has no size. */
function drawing(one: HTMLCanvasElement | HTMLImageElement): string {
  try {
    if (one instanceof HTMLCanvasElement) return one.width && one.height ? one.toDataURL('image/png') : '';
    if (!one.naturalWidth) return '';
    const canvas = document.createElement('canvas');
    canvas.width = one.naturalWidth;
    canvas.height = one.naturalHeight;
    canvas.getContext('2d')?.drawImage(one, 0, 0);
    return canvas.toDataURL('image/png');
  } catch {
    return '';
  }
}

/** Links lead nowhere without the server, and no attribute may run anything. */
function harmless(one: Element): void {
  for (const { name } of [...one.attributes])
    if (
      name.startsWith('on') ||
      name === 'href' ||
      name === 'action' ||
      name === 'formaction' ||
      name === 'srcset'
    )
      if (
        !(
          name === 'href' &&
          one.namespaceURI === 'http://www.w3.org/2000/svg' &&
          one.getAttribute(name)?.startsWith('#')
        )
      )
        one.removeAttribute(name);
}

function stylesOf(source: Document): string {
  return [...source.styleSheets]
    .flatMap((sheet) => {
      try {
        return [...sheet.cssRules].map((rule) => rule.cssText);
      } catch {
        return [];
      }
    })
    .join('\n')
    .replaceAll('</', '<\\/');
}
