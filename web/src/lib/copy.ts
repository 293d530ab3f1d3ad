/** Copies a text, and tells so. */
import { notices } from './notices.svelte';

export async function copy(text: string, what: string): Promise<void> {
  try {
    if (navigator.clipboard) await navigator.clipboard.writeText(text);
    // Browsers give a page no clipboard where it comes from another machine without TLS, as in a team's network.
    else if (!copyFromField(text)) throw new Error('the browser does not let it');
    notices.tell(`Copied ${what}.`);
  } catch (error) {
    notices.fail(`Cannot copy ${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function copyFromField(text: string): boolean {
  const before = document.activeElement;
  const field = document.createElement('textarea');
  field.value = text;
  field.style.position = 'fixed';
  field.style.opacity = '0';
  document.body.append(field);
  field.select();
  const done = document.execCommand('copy');
  field.remove();
  if (before instanceof HTMLElement) before.focus();
  return done;
}
