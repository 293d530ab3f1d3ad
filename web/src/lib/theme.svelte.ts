/** Dark, light, or as the reader's system has it: from `?theme=`, else what was chosen before, else dark. */

export type Theme = 'dark' | 'light';
export type ThemeChoice = Theme | 'system';
export const THEMES: readonly ThemeChoice[] = ['system', 'dark', 'light'];

export function choiceOf(search: string, remembered: string | null): ThemeChoice {
  const asked = new URLSearchParams(search).get('theme') ?? remembered;
  return THEMES.find((one) => one === asked) ?? 'dark';
}

export function themeOf(choice: ThemeChoice, systemIsLight: boolean): Theme {
  return choice === 'system' ? (systemIsLight ? 'light' : 'dark') : choice;
}

const KEY = 'voxloop.theme';

class Look {
  choice: ThemeChoice = $state('dark');
  value: Theme = $state('dark');
  #light = matchMedia('(prefers-color-scheme: light)');

  constructor() {
    this.#light.addEventListener('change', () => this.show(this.choice));
    this.show(choiceOf(location.search, recall()));
  }

  show(choice: ThemeChoice): void {
    this.choice = choice;
    this.value = themeOf(choice, this.#light.matches);
    document.documentElement.dataset.theme = this.value;
  }

  choose(choice: ThemeChoice): void {
    this.show(choice);
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // Storage can be forbidden; the choice then lasts as long as the page.
    }
  }
}

function recall(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

let look: Look | undefined;

/** The one choice of this page; made on first use, so that the functions above can be tested without a browser. */
export function theme(): Look {
  look ??= new Look();
  return look;
}
