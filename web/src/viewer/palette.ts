/** Colours of label classes. Truth is cool and prediction is warm (Okabe and Ito's colours, told apart with any
 *  colour vision); a class has the same place in both. */

export type Rgb = readonly [number, number, number];

const COOL: readonly Rgb[] = [
  [86, 180, 233],
  [0, 190, 140],
  [150, 150, 255],
  [130, 220, 230],
  [90, 130, 220],
  [170, 215, 150],
];
const WARM: readonly Rgb[] = [
  [240, 160, 30],
  [226, 94, 30],
  [226, 130, 180],
  [170, 180, 60],
  [200, 70, 110],
  [215, 175, 130],
];

export const DIFFERENCE: readonly { value: number; name: string; colour: Rgb }[] = [
  { value: 1, name: 'missed', colour: [240, 228, 66] },
  { value: 2, name: 'extra', colour: [222, 80, 150] },
  // Not white: it would be bone.
  { value: 3, name: 'other class', colour: [60, 215, 230] },
];

export interface LabelClass {
  value: number;
  name: string;
  colour: Rgb;
}

/** Gives each class of a layer its colour, by its place among the layer's values. */
export function colourClasses(
  layer: string,
  classes: readonly { value: number; name: string }[],
): LabelClass[] {
  if (layer === 'difference') return DIFFERENCE.map((c) => ({ ...c }));
  return [...classes].sort((a, b) => a.value - b.value).map((c, i) => ({ ...c, colour: colourAt(layer, i) }));
}

/** A label that nobody named: its colour follows from its number, and is the same at each epoch. */
export function unnamedClass(layer: string, value: number): LabelClass {
  return { value, name: `label ${value}`, colour: colourAt(layer, value - 1) };
}

/** After six, the same lighter, then darker: neighbours among many organs can be told apart. */
const TINTS = [0, 0.45, -0.35];

function colourAt(layer: string, place: number): Rgb {
  const palette = layer === 'truth' ? COOL : WARM;
  const [r, g, b] = palette[place % palette.length] ?? [255, 255, 255];
  const tint = TINTS[Math.floor(place / palette.length) % TINTS.length] ?? 0;
  const mixed = (part: number) => Math.round(part + ((tint > 0 ? 255 : 0) - part) * Math.abs(tint));
  return [mixed(r), mixed(g), mixed(b)];
}

/** The page has a difference of its own: a layer that was logged under that name is told apart from it. */
export function apart<L extends { name: string; classes: LabelClass[] }>(
  layers: readonly L[],
  logged: readonly { name: string; classes: readonly { value: number; name: string }[] }[],
): L[] {
  const name = 'difference (logged)';
  return layers.map((layer) =>
    layer.name === 'difference'
      ? {
          ...layer,
          name,
          classes: colourClasses(name, logged.find((one) => one.name === layer.name)?.classes ?? []),
        }
      : layer,
  );
}

export interface LabelTable {
  R: number[];
  G: number[];
  B: number[];
  A: number[];
  I: number[];
  labels: string[];
}

/** A dense colour table 0..max: the renderer gives a value beyond the table the table's last colour, so the table
 *  reaches to the largest value in the map, and what is hidden or unknown has alpha 0 or grey, never a neighbour's colour. */
export function labelTable(
  classes: readonly LabelClass[],
  hidden: ReadonlySet<number>,
  largest: number,
): LabelTable {
  const top = Math.max(1, largest, ...classes.map((c) => c.value));
  const known = new Map(classes.map((c) => [c.value, c]));
  const table: LabelTable = { R: [], G: [], B: [], A: [], I: [], labels: [] };
  for (let value = 0; value <= top; value++) {
    const found = known.get(value);
    const [r, g, b] = found?.colour ?? [170, 170, 170];
    table.R.push(r);
    table.G.push(g);
    table.B.push(b);
    table.A.push(value === 0 || hidden.has(value) ? 0 : 255);
    table.I.push(value);
    table.labels.push(value === 0 ? '' : (found?.name ?? `label ${value}`));
  }
  return table;
}

export function css([r, g, b]: Rgb): string {
  return `rgb(${r} ${g} ${b})`;
}
