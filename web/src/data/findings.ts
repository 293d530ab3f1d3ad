/** Findings in the groups in which they are read: by how bad they are, then by their kind. */
import type { CheckReport, DatasetFinding, FindingKind } from '../lib/api/datasets';
import { matches } from '../lib/sort';

export const SEVERITIES = ['error', 'warning', 'note'] as const;
export type Severity = (typeof SEVERITIES)[number];

export const PLURAL: Record<Severity, string> = { error: 'errors', warning: 'warnings', note: 'notes' };

/** A finding with its place in the report, by which an address names it. */
export interface Numbered extends DatasetFinding {
  at: number;
  severity: Severity;
}

export interface Group {
  kind: FindingKind;
  severity: Severity;
  findings: Numbered[];
  cases: number;
}

export function numbered(report: CheckReport): Numbered[] {
  const how = new Map(report.kinds.map((kind) => [kind.kind, severityOf(kind.severity)]));
  return report.findings.map((one, at) => ({ ...one, at, severity: how.get(one.kind) ?? 'note' }));
}

export function groupsOf(
  report: CheckReport,
  filter: { severity: string; words: string; kind: string },
): Group[] {
  const kinds = new Map(report.kinds.map((kind) => [kind.kind, kind]));
  const groups = new Map<string, Group>();
  for (const one of numbered(report)) {
    const kind = kinds.get(one.kind);
    if (!kind || (filter.severity && one.severity !== filter.severity)) continue;
    if (filter.kind && one.kind !== filter.kind) continue;
    if (!matches(filter.words, [one.case ?? '', one.file ?? '', one.what, kind.title, kind.kind])) continue;
    const group = groups.get(one.kind) ?? { kind, severity: one.severity, findings: [], cases: 0 };
    group.findings.push(one);
    groups.set(one.kind, group);
  }
  for (const group of groups.values())
    group.cases = new Set(group.findings.map((one) => one.case).filter((one) => one !== null)).size;
  return [...groups.values()].sort((a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity));
}

export function counts(report: CheckReport): Record<Severity, number> {
  const found: Record<Severity, number> = { error: 0, warning: 0, note: 0 };
  for (const one of numbered(report)) found[one.severity] += 1;
  return found;
}

/** The next finding that has a case to look at, round and round. */
export function neighbour(findings: readonly Numbered[], at: number | null, step: 1 | -1): Numbered | null {
  const shown = findings.filter((one) => one.case !== null);
  if (shown.length === 0) return null;
  const here = shown.findIndex((one) => one.at === at);
  if (here < 0) return (step > 0 ? shown[0] : shown.at(-1)) ?? null;
  return shown[(here + step + shown.length) % shown.length] ?? null;
}

function severityOf(said: string): Severity {
  return SEVERITIES.find((one) => one === said) ?? 'note';
}
