/** What both plots show together, and what can be done in either. */
import type { Brush, Brushes } from './brush';
import type { Colours, Ground } from './colours';
import type { NumberScale, Scale } from './scale';
import type { Goal, Table } from './table';

export interface Scene {
  table: Table;
  scales: ReadonlyMap<string, Scale>;
  brushes: Brushes;
  /** The runs that all brushes leave, as places in the table. */
  chosen: Int32Array;
  colours: Colours;
  ground: Ground;
  pins: readonly number[];
  better: ReadonlyMap<string, Goal>;
}

export interface Acts {
  brush(key: string, brush: Brush | null): void;
  scale(key: string, scale: NumberScale): void;
  better(key: string, goal: Goal | null): void;
  hover(run: number | null): void;
  pin(run: number): void;
  open(run: number): void;
}
