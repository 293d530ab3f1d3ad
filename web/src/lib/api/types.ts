/** What the server says, by the names the page uses. The shapes come from the server's own description
 *  (`npm run api`); only what JSON leaves open is said here. */
import type { components } from './schema';

type Said = components['schemas'];

export type RunStatus = 'running' | 'finished' | 'failed' | 'interrupted' | 'crashed';
export type ParamValue = string | number | boolean | null | ParamValue[] | { [key: string]: ParamValue };
type Tree = Record<string, ParamValue>;

export type Project = Said['ProjectInfo'];
export type RunSummary = Omit<Said['RunSummary'], 'status'> & { status: RunStatus };
export type RunList = Omit<Said['RunList'], 'runs'> & { runs: RunSummary[] };
export type RunDetail = Omit<Said['RunDetail'], 'status' | 'params' | 'environment'> & {
  status: RunStatus;
  params: Tree;
  environment: Tree;
};
export type RunColumn = Said['RunColumn'];
export type RunRow = Omit<Said['RunRow'], 'status'> & { status: RunStatus };
export type RunRows = { total: number; rows: RunRow[] };
export type RunChanges = Partial<Said['RunChanges']>;
export type Completion = Said['Completion'];
export type Curve = Said['Curve'];
export type Curves = Said['Curves'];
export type CurveName = Said['CurveName'];
export type Series = Said['Series'];
export type Context = Series['context'];
export type Points = Said['Points'];
export type CaseVolumes = Said['CaseVolumes'];
export type CaseVolume = Said['CaseVolume'];
