/** Dark or light: from `?theme=`, else what was chosen before, else dark. */

export type Theme = 'dark' | 'light';

export function themeOf(search: string, remembered: string | null): Theme {
  const asked = new URLSearchParams(search).get('theme') ?? remembered;
  return asked === 'light' ? 'light' : 'dark';
}

const KEY = 'voxloop.theme';

class ThemeChoice {
  value: Theme = $state('dark');

  constructor() {
    this.show(themeOf(location.search, recall()));
  }

  show(theme: Theme): void {
    this.value = theme;
    document.documentElement.dataset.theme = theme;
  }

  choose(theme: Theme): void {
    this.show(theme);
    try {
      localStorage.setItem(KEY, theme);
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

let choice: ThemeChoice | undefined;

/** The one choice of this page; made on first use, so that `themeOf` can be tested without a browser. */
export function theme(): ThemeChoice {
  choice ??= new ThemeChoice();
  return choice;
}
