/** Cells of a logged table as people read them. */
import type { Content, MediaTable } from '../../lib/api/media';
import { minus, number } from '../../lib/format';

export function isContent(cell: unknown): cell is Content {
  return typeof cell === 'object' && cell !== null && 'kind' in cell;
}

/** Whether a column's cells stand to the right. */
export function isNumbers(type: string): boolean {
  return type === 'number' || type === 'integer';
}

/** A cell as text: whole numbers whole, others with four digits, and what JSON cannot say by its name. */
export function said(cell: unknown, type: string): string {
  if (cell === null || cell === undefined) return '–';
  if (typeof cell === 'boolean') return cell ? 'true' : 'false';
  if (typeof cell === 'number')
    return type === 'integer'
      ? minus(cell.toLocaleString('en-US', { maximumFractionDigits: 0 }))
      : number(cell);
  if (isContent(cell)) return cell.caption ?? cell.words?.head ?? cell.kind;
  if (type === 'number' && cell === 'Infinity') return '∞';
  if (type === 'number' && cell === '-Infinity') return '−∞';
  return String(cell);
}

/** The exact value, for whoever points at it. */
export function exact(cell: unknown): string {
  return isContent(cell) || cell === null || cell === undefined ? '' : String(cell);
}

/** What a filter over a column may look like. */
export function hint(type: string): string {
  return isNumbers(type) ? '> 0.5, 0.2..0.8' : type === 'boolean' ? 'true, false' : 'contains …';
}

/** The widths of columns: as wide as their names and what they hold ask for. */
export function widths(columns: MediaTable['columns']): number[] {
  return columns.map(({ name, type }) => {
    const named = Math.min(260, name.length * 7.5 + 34);
    const held =
      type === 'text' ? 170 : type === 'media' || type === 'mixed' ? 110 : type === 'boolean' ? 84 : 104;
    return Math.round(Math.max(named, held));
  });
}

/** The columns that are in sight, from their left edges: first and one beyond the last. */
export function inSight(wide: readonly number[], left: number, width: number): [number, number] {
  let [at, first, edge] = [0, 0, 0];
  while (at < wide.length && edge + (wide[at] ?? 0) <= left) edge += wide[at++] ?? 0;
  first = at;
  while (at < wide.length && edge < left + width) edge += wide[at++] ?? 0;
  return [first, at];
}
