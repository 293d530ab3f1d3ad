import { describe, expect, it } from 'vitest';
import type { RunColumn } from '../src/lib/api/types';
import { cellKeys, cellsOf, isQuery, queryOf, shown, sortTerm, title } from '../src/runs/columns';

const column = (key: string, more: Partial<RunColumn> = {}): RunColumn => ({
  key,
  term: key.startsWith('metrics.') ? `run.metrics["${key.slice(8)}"]` : `run.${key}`,
  kind: key.startsWith('metrics.') ? 'metric' : key.startsWith('params.') ? 'param' : 'run',
  runs: 3,
  differs: true,
  numbers: false,
  ...more,
});
const ALL = [
  column('name'),
  column('status', { differs: false }),
  column('experiment'),
  column('created'),
  column('duration_s'),
  column('id'),
  column('params.optimizer.lr'),
  column('params.seed', { differs: false }),
  column('metrics.train/loss'),
  column('metrics.val/dice'),
];

describe('the columns that are shown', () => {
  it('are what a run is and its metrics, validation first, where nobody has chosen', () => {
    expect(shown(ALL, null, false).map(title)).toEqual([
      'Status',
      'Experiment',
      'Created',
      'Duration',
      'val/dice',
      'train/loss',
    ]);
  });
  it('are all that tell runs apart where that is wanted', () => {
    expect(shown(ALL, null, true).map((one) => one.key)).toEqual([
      'experiment',
      'created',
      'duration_s',
      'params.optimizer.lr',
      'metrics.train/loss',
      'metrics.val/dice',
    ]);
  });
  it('are the chosen ones in the chosen order, without any that is gone', () => {
    const keys = ['metrics.val/dice', 'params.gone', 'params.seed'];
    expect(shown(ALL, keys, false).map((one) => one.key)).toEqual(['metrics.val/dice', 'params.seed']);
    expect(shown(ALL, keys, true).map((one) => one.key)).toEqual(['metrics.val/dice']);
    expect(shown(ALL, [], false)).toEqual([]);
  });
});

describe('a metric', () => {
  const columns = [column('params.seed'), column('metrics.val/dice')];
  it('shows its last value where the run has not said which way is better', () => {
    expect(cellKeys(columns, 'best')).toEqual([
      'params.seed',
      'metrics.val/dice.best',
      'metrics.val/dice.last',
    ]);
    expect(cellsOf(columns, 'best', [7, null, 0.5])).toEqual([
      { value: 7, standIn: false },
      { value: 0.5, standIn: true },
    ]);
    expect(cellsOf(columns, 'best', [7, 0.9, 0.5])[1]).toEqual({ value: 0.9, standIn: false });
    expect(cellsOf(columns, 'best', [7, null, null])[1]).toEqual({ value: null, standIn: false });
  });
  it('is asked for by the value that is wanted', () => {
    expect(cellKeys(columns, 'max')).toEqual(['params.seed', 'metrics.val/dice.max']);
    expect(cellsOf(columns, 'max', [7, 0.9])[1]).toEqual({ value: 0.9, standIn: false });
  });
  it('is sorted by that value', () => {
    expect(sortTerm(ALL, '-metrics.val/dice', 'max')).toBe('-run.metrics["val/dice"].max');
    expect(sortTerm(ALL, 'created', 'max')).toBe('run.created');
    expect(sortTerm(ALL, 'params.gone', 'max')).toBeUndefined();
    expect(sortTerm(ALL, undefined, 'max')).toBeUndefined();
  });
});

describe('what a person types', () => {
  it('is a query where it is written like one', () => {
    for (const text of ['run.name', 'lr < 3', 'a == b', '"x" in run.tags', 'run["a"]'])
      expect(isQuery(text)).toBe(true);
    for (const text of ['', 'unet', 'spleen baseline', 'running man', 'run 7', 'unet-a'])
      expect(isQuery(text)).toBe(false);
  });
  it('is otherwise words, each of which has to be somewhere', () => {
    expect(queryOf('')).toBe('');
    expect(queryOf('run.name == "a"')).toBe('run.name == "a"');
    expect(queryOf(' UNet  "x" ')).toBe(
      '(run.name.lower().contains("unet") or run.experiment.lower().contains("unet") or ' +
        'run.status.lower().contains("unet") or run.id.lower().contains("unet") or "UNet" in run.tags) and ' +
        '(run.name.lower().contains("\\"x\\"") or run.experiment.lower().contains("\\"x\\"") or ' +
        'run.status.lower().contains("\\"x\\"") or run.id.lower().contains("\\"x\\"") or "\\"x\\"" in run.tags)',
    );
  });
});
