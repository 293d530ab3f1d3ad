/** What the keys of the Runs page do, for whoever asks. */
export const KEYS = [
  ['/', 'Ask: words or a query'],
  ['↑ ↓', 'From row to row'],
  ['PgUp PgDn', 'A page of rows'],
  ['Home End', 'First and last row'],
  ['Enter', 'Open the run, or the group'],
  ['→ ←', 'Open and close a group'],
  ['x', 'Select the run, or all of a group'],
  ['Shift x', 'Select as far as here'],
  ['F2', 'Rename the run'],
  ['?', 'These keys'],
] as const;
