/** The words on a lineage's nodes, where they lead, and the whole as a picture of its own. */
import type { LineageNode } from '../lib/api/artifacts';
import { address } from '../lib/route';
import type { Layout, Placed } from './layout';

/** As many letters as a node has room for, at the size that they are written. */
const TITLE = 23;
const BELOW = 29;

export interface Words {
  title: string;
  below: string;
  /** Said whole, for whoever hears it or points at it. */
  whole: string;
}

export function wordsOf(node: Placed): Words {
  if (!('node' in node)) {
    const count = node.count.toLocaleString('en-US');
    if (node.here === 0)
      return {
        title: `+ ${count} more`,
        below: '',
        whole: `${count} more; voxloop models lineage lists them all`,
      };
    return node.what === 'more'
      ? { title: `+ ${count} more`, below: '', whole: `Show more of the ${count} that are not shown` }
      : { title: `⋯ ${count} steps`, below: '', whole: `Show the ${count} steps in between` };
  }
  const { node: one } = node;
  const title = one.what === 'run' ? one.name || one.id : one.id;
  const kind = one.gone ? 'deleted' : one.kind;
  const below = [one.what === 'run' ? `run · ${kind}` : kind, ...one.aliases].join(' · ');
  const whole = `${one.what === 'run' ? 'Run' : one.kind || 'Version'} ${title}, ${[kind, ...one.aliases].join(', ')}`;
  return { title: short(title, TITLE), below: short(below, BELOW), whole };
}

/** Where a node leads; nowhere if it is gone. */
export function placeOf(node: LineageNode): string | null {
  if (node.gone) return null;
  if (node.what === 'run') return address('run', node.id);
  if (node.kind === 'dataset') return address('data', node.name, { v: node.version });
  return address('artifacts', node.name, { v: node.version, tab: 'lineage' });
}

/** The end of a long name tells its version, so its middle goes. */
export function short(text: string, most: number): string {
  const letters = [...text];
  if (letters.length <= most) return text;
  const end = Math.floor((most - 1) * 0.4);
  return `${letters.slice(0, most - 1 - end).join('')}…${letters.slice(-end).join('')}`;
}

/** The colours of a picture that nobody's style sheet reaches. */
export interface Ink {
  ground: string;
  raised: string;
  line: string;
  text: string;
  soft: string;
  accent: string;
}

/** The whole lineage as a file of its own; every name in it is text. */
export function pictureOf(layout: Layout, ink: Ink): string {
  const ways = layout.ways.map(
    (way) =>
      `<path d="${way.path}" fill="none" stroke="${ink.line}" stroke-width="1.4" marker-end="url(#end)"/>`,
  );
  const nodes = layout.nodes.map((node) => {
    const { title, below, whole } = wordsOf(node);
    const chosen = node.id === layout.start;
    const round = node.what === 'version' ? 6 : node.height / 2;
    const dashed = 'node' in node && !node.node.gone ? '' : ' stroke-dasharray="4 3"';
    const [x, y] = [node.x - node.width / 2, node.y - node.height / 2];
    const single = below === '';
    return [
      `<g><title>${escaped(whole)}</title>`,
      `<rect x="${x}" y="${y}" width="${node.width}" height="${node.height}" rx="${round}" fill="${ink.raised}" stroke="${chosen ? ink.accent : ink.line}" stroke-width="${chosen ? 2 : 1}"${dashed}/>`,
      `<text x="${x + 14}" y="${single ? node.y + 4 : node.y - 3}" font-size="12" font-weight="600" fill="${ink.text}">${escaped(title)}</text>`,
      single
        ? ''
        : `<text x="${x + 14}" y="${node.y + 13}" font-size="11" fill="${ink.soft}">${escaped(below)}</text>`,
      '</g>',
    ].join('');
  });
  const [width, height] = [Math.ceil(layout.width), Math.ceil(layout.height)];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif">`,
    `<defs><marker id="end" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0 8 4 0 8z" fill="${ink.line}"/></marker></defs>`,
    `<rect width="100%" height="100%" fill="${ink.ground}"/>`,
    ...ways,
    ...nodes,
    '</svg>',
  ].join('\n');
}

export function escaped(text: string): string {
  const plain = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' } as const;
  return text.replace(/[&<>"']/g, (letter) => plain[letter as keyof typeof plain]);
}
