/** Which classes a layer has: those that somebody named, and those that are in its map without a name. */
import type { Shown } from './loaded';
import { type LabelClass, unnamedClass } from './palette';
import type { LabelMap } from './volume';

const known = new WeakMap<LabelMap, ReadonlySet<number>>();

/** The labels of a map, looked for once. */
export function presentIn(map: LabelMap): ReadonlySet<number> {
  const found = known.get(map);
  if (found) return found;
  const there = new Uint8Array(map.largest + 1);
  for (let i = 0; i < map.data.length; i++) there[map.data[i] as number] = 1;
  const present = new Set<number>();
  for (let value = 1; value < there.length; value++) if (there[value]) present.add(value);
  known.set(map, present);
  return present;
}

/** A label without a name has a colour of its own all the same: grey on a grey scan is not seen. */
export function withUnnamed(shown: Shown): Shown {
  const layers = shown.layers.map((layer) => {
    const named = new Set(layer.classes.map((one) => one.value));
    const others: LabelClass[] = [...presentIn(layer.map)]
      .filter((value) => !named.has(value))
      .map((value) => unnamedClass(layer.name, value));
    return others.length ? { ...layer, classes: [...layer.classes, ...others] } : layer;
  });
  return { ...shown, layers };
}
