/** How the beginning of a file is shown. */

const IMAGES: Record<string, string> = {
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  bmp: 'image/bmp',
};

/** The type of an image that a browser draws from its bytes alone; SVG is none, for it can name other files. */
export function imageType(path: string): string | null {
  return IMAGES[path.slice(path.lastIndexOf('.') + 1).toLowerCase()] ?? null;
}

/** JSON that stands in one line, in many; what is cut off or no JSON stays as it is. */
export function pretty(text: string, whole: boolean): string {
  if (!whole || text.trimEnd().includes('\n')) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
