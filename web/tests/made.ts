/** Curves and lines for tests. */
import type { Line } from '../src/charts/picture';
import type { Curve } from '../src/lib/api/types';

export function curveOf(steps: number[], values: (number | null)[], more: Partial<Curve> = {}): Curve {
  return {
    id: 1,
    run_id: 'r',
    name: 'val/dice',
    context: {},
    count: steps.length,
    began: 1000,
    points: {
      steps,
      epochs: [],
      times: steps.map((step) => step * 2),
      values,
      means: [],
      x: steps.map((step) => step / 10),
    },
    broken: null,
    unplaced: 0,
    ...more,
  };
}

export function lineOf(x: number[], values: (number | null)[], more: Partial<Line> = {}): Line {
  return {
    key: 'a',
    label: 'a',
    weight: 'heavy',
    hue: 0,
    stroke: 0,
    x,
    values,
    raw: null,
    broken: 0,
    marks: [],
    unplaced: 0,
    ids: [1],
    ...more,
  };
}
