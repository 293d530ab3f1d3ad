/** Params as a tree of rows that can be searched, and compared with those of another run. */
import type { ParamValue } from './api/types';

export interface ParamNode {
  key: string;
  path: string;
  /** The value as text, for leaves. */
  text: string | null;
  children: ParamNode[];
  /** What the other run has there, null for nothing; undefined where it has the same, or where there is no other. */
  was?: string | null;
  /** Only the other run has it. */
  gone?: boolean;
}

/** A node as it is shown, so many steps to the right. */
export interface ParamRow {
  node: ParamNode;
  depth: number;
  open: boolean;
}

export function paramTree(params: Record<string, ParamValue>, prefix = ''): ParamNode[] {
  return Object.entries(params).map(([key, value]) => {
    const path = prefix ? `${prefix}.${key}` : key;
    if (Array.isArray(value) && value.some((v) => v !== null && typeof v === 'object')) {
      return { key, path, text: null, children: paramTree(Object.fromEntries(value.entries()), path) };
    }
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      const children = paramTree(value, path);
      return { key, path, text: children.length === 0 ? '{}' : null, children };
    }
    return { key, path, text: plain(value), children: [] };
  });
}

/** The nodes whose path or value has the text, with the way to them. */
export function searchTree(nodes: ParamNode[], filter: string): ParamNode[] {
  const wanted = filter.trim().toLowerCase();
  if (!wanted) return nodes;
  return nodes.flatMap((node) => {
    if (node.path.toLowerCase().includes(wanted) || node.text?.toLowerCase().includes(wanted)) return [node];
    const children = searchTree(node.children, wanted);
    return children.length ? [{ ...node, children }] : [];
  });
}

/** A tree with what another one has in the same places; what only the other has comes last. */
export function compareTrees(mine: readonly ParamNode[], theirs: readonly ParamNode[]): ParamNode[] {
  const others = new Map(theirs.map((node) => [node.key, node]));
  const compared = mine.map((node) => {
    const other = others.get(node.key);
    others.delete(node.key);
    if (!other) return everyLeaf(node, (leaf) => ({ ...leaf, was: null }));
    if (node.text === null && other.text === null) {
      return { ...node, children: compareTrees(node.children, other.children) };
    }
    if (node.text === other.text) return node;
    const was = other.text ?? '{…}';
    return node.text === null ? everyLeaf(node, (leaf) => ({ ...leaf, was: null })) : { ...node, was };
  });
  const gone = [...others.values()].map((node) =>
    everyLeaf(node, (leaf) => ({ ...leaf, text: '', was: leaf.text ?? '', gone: true })),
  );
  return [...compared, ...gone];
}

/** Only what the other run has differently, with the way to it. */
export function differing(nodes: readonly ParamNode[]): ParamNode[] {
  return nodes.flatMap((node) => {
    if (node.text !== null) return node.was === undefined ? [] : [node];
    const children = differing(node.children);
    return children.length ? [{ ...node, children }] : [];
  });
}

export function countLeaves(nodes: readonly ParamNode[]): number {
  return nodes.reduce((sum, node) => sum + (node.text === null ? countLeaves(node.children) : 1), 0);
}

/** The rows that are in sight while some branches are open. */
export function rowsOf(
  nodes: readonly ParamNode[],
  isOpen: (node: ParamNode, siblings: number) => boolean,
  depth = 0,
): ParamRow[] {
  const rows: ParamRow[] = [];
  for (const node of nodes) {
    const open = node.text === null && isOpen(node, nodes.length);
    rows.push({ node, depth, open });
    if (open) for (const row of rowsOf(node.children, isOpen, depth + 1)) rows.push(row);
  }
  return rows;
}

function everyLeaf(node: ParamNode, change: (leaf: ParamNode) => ParamNode): ParamNode {
  return node.text === null
    ? { ...node, children: node.children.map((child) => everyLeaf(child, change)) }
    : change(node);
}

function plain(value: ParamValue): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(plain).join(', ')}]`;
  return value === null ? 'None' : String(value);
}
