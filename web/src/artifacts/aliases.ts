/** What an alias may be called, and what the ones that follow a rule do by themselves. */

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const VERSION = /^v\d+$/;

/** Why a text cannot be an alias; nothing where it can. */
export function aliasMistake(alias: string): string | null {
  if (alias === 'latest') return '“latest” is always the newest version; choose another alias.';
  if (VERSION.test(alias)) return 'v1, v2, … are the versions themselves; choose another alias.';
  return NAME.test(alias) ? null : 'Letters, digits, “.”, “_” and “-” make an alias.';
}

/** What happens to an alias by rule; nothing for one that only a person moves. */
export function aliasRule(alias: string): string | null {
  if (alias === 'latest') return '“latest” follows the newest version by itself.';
  if (alias === 'best')
    return '“best” moves by itself when a training beats every earlier version. Wherever you put it, the next such training takes it on.';
  if (alias === 'protected') return 'Nothing but --force removes a version that bears “protected”.';
  return null;
}
