import { json, part } from './client';
import type { components } from './schema';

type Schemas = components['schemas'];
type Word = 'Infinity' | '-Infinity';
type Numbers = (number | null)[];

export type CaseColumn = Omit<Schemas['CaseColumn'], 'last' | 'best' | 'worst'> &
  Record<'last' | 'best' | 'worst', Numbers>;
export type CaseBoard = Omit<Schemas['CaseBoard'], 'columns'> & { columns: CaseColumn[] };
export type CaseEpochs = Omit<Schemas['CaseEpochs'], 'values'> & { values: Numbers[] };

/** JSON has no infinity, so the server writes a word. */
export function readNumber(said: number | Word | null): number | null {
  return typeof said === 'string' ? Number(said) : said;
}

function numbers(said: readonly (number | Word | null)[]): Numbers {
  return said.map(readNumber);
}

export function readBoard(board: Schemas['CaseBoard']): CaseBoard {
  const columns = board.columns.map((column) => ({
    ...column,
    last: numbers(column.last),
    best: numbers(column.best),
    worst: numbers(column.worst),
  }));
  return { ...board, columns };
}

export function readEpochs(epochs: Schemas['CaseEpochs']): CaseEpochs {
  return { ...epochs, values: epochs.values.map(numbers) };
}

export const cases = {
  /** The cases of several runs side by side. */
  caseBoard: async (runs: readonly string[], metric: string | null, signal?: AbortSignal) => {
    const query = new URLSearchParams(runs.map((run) => ['run', run]));
    if (metric) query.set('metric', metric);
    return readBoard(await json(`/cases?${query}`, signal));
  },
  caseEpochs: async (run: string, metric: string, signal?: AbortSignal) =>
    readEpochs(await json(`/cases/epochs?run=${part(run)}&metric=${part(metric)}`, signal)),
  /** The newest run that says anything of cases. */
  newestCases: (signal?: AbortSignal) => json<Schemas['NewestCases']>('/cases/newest', signal),
};
