/** Params as a tree of rows that can be searched. */
import type { ParamValue } from './api/types';

export interface ParamNode {
  key: string;
  path: string;
  /** The value as text, for leaves. */
  text: string | null;
  children: ParamNode[];
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

function plain(value: ParamValue): string {
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return `[${value.map(plain).join(', ')}]`;
  return value === null ? 'None' : String(value);
}
