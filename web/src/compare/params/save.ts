/** What is shown, as files. */
import type { Column, Table } from './table';

export function save(name: string, content: Blob): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  // The browser has taken it by then.
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

export function saveSvg(name: string, drawing: string): void {
  save(`${name}.svg`, new Blob([drawing], { type: 'image/svg+xml' }));
}

/** A drawing as a picture with twice as many pixels, for slides. */
export async function savePng(name: string, drawing: string): Promise<void> {
  const source = URL.createObjectURL(new Blob([drawing], { type: 'image/svg+xml' }));
  try {
    const picture = new Image();
    picture.src = source;
    await picture.decode();
    const canvas = document.createElement('canvas');
    canvas.width = picture.naturalWidth * 2;
    canvas.height = picture.naturalHeight * 2;
    canvas.getContext('2d')?.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const content = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'));
    if (content === null) throw new Error('The browser could not make a picture of it; save it as SVG.');
    save(`${name}.png`, content);
  } finally {
    URL.revokeObjectURL(source);
  }
}

export function saveCsv(name: string, table: Table, keys: readonly string[], runs: ArrayLike<number>): void {
  // Excel takes a file without this mark for one of its own country's.
  save(`${name}.csv`, new Blob(['\ufeff', csvOf(table, keys, runs)], { type: 'text/csv' }));
}

/** The values of runs as CSV for a spreadsheet: numbers in full, and no text that one would take for a formula. */
export function csvOf(table: Table, keys: readonly string[], runs: ArrayLike<number>): string {
  const columns = keys.flatMap((key) => table.columns.get(key) ?? []);
  const rows = [['id', 'name', ...columns.map((column) => plain(headOf(column)))]];
  for (let at = 0; at < runs.length; at++) {
    const run = runs[at] ?? 0;
    rows.push([
      plain(table.ids[run] ?? ''),
      plain(table.names[run] ?? ''),
      ...columns.map((column) => cellOf(column, run)),
    ]);
  }
  return rows.map((row) => `${row.map(quoted).join(',')}\r\n`).join('');
}

const headOf = (column: Column) => (column.statistic ? `${column.key}.${column.statistic}` : column.key);

function cellOf(column: Column, run: number): string {
  const value = column.values[run] ?? Number.NaN;
  if (Number.isNaN(value)) return column.odd.get(run) ?? '';
  return column.kind === 'level' ? plain(column.levels[value]?.text ?? '') : String(value);
}

const plain = (text: string) => (/^[=+\-@\t\r]/.test(text) ? `'${text}` : text);
const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
