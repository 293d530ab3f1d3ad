/** What a run says about where it came from, out of a tree that any writer may have filled. */
import type { ParamValue, RunDetail } from '../lib/api/types';
import { bytes } from '../lib/format';

export interface Git {
  commit: string | null;
  branch: string | null;
  dirty: boolean;
  remote: string | null;
}

export interface BlobRef {
  digest: string;
  bytes: number;
  filename: string;
}

type Tree = Record<string, ParamValue>;

const isTree = (value: ParamValue | undefined): value is Tree =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: ParamValue | undefined): string | null =>
  typeof value === 'string' && value ? value : null;

export function gitOf(environment: Tree): Git | null {
  const git = environment.git;
  if (!isTree(git)) return null;
  return {
    commit: text(git.commit),
    branch: text(git.branch),
    dirty: git.dirty === true,
    remote: text(git.remote),
  };
}

/** Where a long thing about the run is kept, such as its packages or its patch. */
export function blobOf(value: ParamValue | undefined): BlobRef | null {
  if (!isTree(value)) return null;
  const { digest, filename } = value;
  if (typeof digest !== 'string' || !/^[0-9a-f]{64}$/.test(digest) || typeof filename !== 'string')
    return null;
  return { digest, filename, bytes: typeof value.bytes === 'number' ? value.bytes : 0 };
}

/** The command line, with what has spaces in quotes. */
export function commandOf(environment: Tree): string | null {
  const said = environment.command;
  if (typeof said === 'string') return said;
  if (!Array.isArray(said) || said.length === 0) return null;
  return said.map((one) => quoted(String(one))).join(' ');
}

/** The machine in a few words, each with its name. */
export function machineOf(environment: Tree): [string, string][] {
  const facts: [string, string | null][] = [
    ['Host', text(environment.host)],
    ['Processor', processor(environment)],
    ['Memory', typeof environment.memory === 'number' ? bytes(environment.memory) : null],
    ...gpus(environment),
    ['GPU driver', text(environment.gpu_driver)],
    ['System', text(environment.system)],
    ['Python', text(environment.python)],
  ];
  return facts.filter((fact): fact is [string, string] => fact[1] !== null);
}

/** Where people look at a commit, where the remote is a web address of a known shape. */
export function commitUrl(git: Git): string | null {
  if (!git.remote || !git.commit || !/^[0-9a-f]{7,64}$/.test(git.commit)) return null;
  const ssh = /^(?:ssh:\/\/)?git@([\w.-]+)[:/]([\w./-]+?)(?:\.git)?\/?$/.exec(git.remote);
  const web = /^https?:\/\/([\w.:-]+)\/([\w./-]+?)(?:\.git)?\/?$/.exec(git.remote);
  const [, host, path] = ssh ?? web ?? [];
  return host && path ? `https://${host}/${path}/commit/${git.commit}` : null;
}

/** The times at which the run went on after it had ended, as its params tell. */
export function resumed(run: RunDetail): { after: number | null; time: number | null; told: string[] }[] {
  const said = run.params.resumed;
  if (!Array.isArray(said)) return [];
  return said.filter(isTree).map((one) => ({
    after: typeof one.after_epoch === 'number' ? one.after_epoch : null,
    time: typeof one.time === 'number' ? one.time : null,
    told: Array.isArray(one.told) ? one.told.filter((line) => typeof line === 'string') : [],
  }));
}

/** `spleen-ct:v3` as a name and a number. */
export function versionOf(ref: string): { name: string; version: string } {
  const at = ref.lastIndexOf(':v');
  return at < 0 ? { name: ref, version: '' } : { name: ref.slice(0, at), version: ref.slice(at + 2) };
}

function processor(environment: Tree): string | null {
  const [cpu, count] = [text(environment.cpu), environment.cpus_usable ?? environment.cpus];
  if (typeof count !== 'number') return cpu;
  return cpu ? `${count} × ${cpu}` : `${count} processors`;
}

function gpus(environment: Tree): [string, string][] {
  const all = Array.isArray(environment.gpus) ? environment.gpus.filter(isTree) : [];
  return all.map((gpu) => [
    `GPU ${gpu.number ?? ''}`.trim(),
    [text(gpu.name), typeof gpu.memory === 'number' ? bytes(gpu.memory) : null].filter(Boolean).join(', '),
  ]);
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
