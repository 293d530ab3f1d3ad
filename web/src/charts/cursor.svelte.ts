/** Where a person points, in all charts of a page at once. */
export class Cursor {
  /** A place on the common axis. */
  x: number | null = $state(null);
  /** The line that is pointed at, here or in a legend. */
  line: string | null = $state(null);
}
