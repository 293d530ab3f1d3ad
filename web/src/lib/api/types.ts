/** What the server says, by the names the page uses. */

export type RunStatus = 'running' | 'finished' | 'failed' | 'interrupted' | 'crashed';
export type Context = Record<string, string | number | boolean>;
export type ParamValue = string | number | boolean | null | ParamValue[] | { [key: string]: ParamValue };

export interface MetricSummary {
  last: number | null;
  best: number | null;
  min: number | null;
  max: number | null;
}

export interface RunSummary {
  id: string;
  name: string;
  experiment: string;
  status: RunStatus;
  created: string | number;
  ended: string | number | null;
  duration_s: number | null;
  tags: string[];
  metrics: Record<string, MetricSummary>;
}

export interface ArtifactSummary {
  ref: string;
  kind: string;
  aliases: string[];
  bytes: number;
}

export interface RunDetail extends RunSummary {
  params: Record<string, ParamValue>;
  environment: Record<string, ParamValue>;
  notes: string;
  artifacts: ArtifactSummary[];
  used: ArtifactSummary[];
}

export interface RunList {
  total: number;
  runs: RunSummary[];
}

export interface Series {
  id: number | string;
  name: string;
  context: Context;
  count: number;
  first: number | null;
  last: number | null;
  min: number | null;
  max: number | null;
  last_step: number | null;
  best: number | null;
}

export interface Points {
  steps: number[];
  epochs: (number | null)[];
  times: number[];
  values: (number | null)[];
}

export interface CaseRow {
  case: string;
  class: string;
  values: (number | null)[];
  last: number | null;
  best: number | null;
  worst: number | null;
  has_volume: boolean;
}

export interface CaseTable {
  metric: string;
  steps: number[];
  rows: CaseRow[];
}

export interface CaseVolumes {
  case: string;
  name: string;
  steps: number[];
}

export interface BlobLink {
  url: string;
  bytes: number;
}

export interface LabelLayer extends BlobLink {
  name: string;
  classes: { value: number; name: string }[];
}

export interface Geometry {
  shape: number[];
  affine: number[][];
  spacing_mm: number[];
  orientation: string;
}

export interface CaseVolume {
  case: string;
  name: string;
  step: number;
  steps: number[];
  geometry: Geometry;
  image: BlobLink;
  layers: LabelLayer[];
  dice: Record<string, number> | null;
}

export interface Project {
  name: string;
  root: string;
  version: string;
  runs: number;
}
