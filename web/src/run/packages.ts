/** The packages of a run, beside those of another. */

export interface Package {
  name: string;
  version: string | null;
  /** The other run's version; undefined where there is no other run. */
  was: string | null | undefined;
}

/** Name → version out of a stored list; anything else in it is left out. */
export function readPackages(text: string): Record<string, string> {
  try {
    const said: unknown = JSON.parse(text);
    if (!said || typeof said !== 'object') return {};
    return Object.fromEntries(
      Object.entries(said).filter((one): one is [string, string] => typeof one[1] === 'string'),
    );
  } catch {
    return {};
  }
}

/** All packages of both, by name. */
export function comparePackages(
  mine: Record<string, string>,
  theirs: Record<string, string> | null,
): Package[] {
  const names = [...new Set([...Object.keys(mine), ...Object.keys(theirs ?? {})])].sort();
  return names.map((name) => ({
    name,
    version: mine[name] ?? null,
    was: theirs ? (theirs[name] ?? null) : undefined,
  }));
}

export function differs(one: Package): boolean {
  return one.was !== undefined && one.was !== one.version;
}
