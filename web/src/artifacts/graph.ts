/** A lineage as what is shown of it: many siblings and long chains stand behind a node that can be opened. */
import type { Lineage, LineageEdge, LineageNode } from '../lib/api/artifacts';

/** Siblings that are shown of many, and how many more come with each opening. */
export const FEW = 5;
const MORE = 24;
/** Chains that are longer lose their middle. */
const LONG = 7;
/** So many nodes can be read at first; whoever wants more opens what stands for them. */
const MOST = 80;

export type Shown =
  | { id: string; what: 'run' | 'version'; node: LineageNode }
  /** `count` stand behind it, of which `here` can be shown: of crowds the server tells only a part. */
  | { id: string; what: 'more' | 'chain'; count: number; here: number; beside: string };

export interface Graph {
  start: string;
  nodes: Shown[];
  edges: LineageEdge[];
}

type Way = 'before' | 'after';

/** What is in sight; `opened` says how many more of each group are wanted. */
export function shownGraph(lineage: Lineage, opened: ReadonlyMap<string, number>): Graph {
  const nodes = new Map(lineage.nodes.map((node) => [node.id, node]));
  const sight = new Set([lineage.start]);
  const groups = new Map<string, { way: Way; beside: string; hidden: string[]; untold: number }>();
  const after = neighbours(lineage.edges, 'after');
  for (const way of ['before', 'after'] as const) {
    const next = way === 'after' ? after : neighbours(lineage.edges, 'before');
    let ring = [lineage.start];
    const seen = new Set(ring);
    while (ring.length > 0) {
      const following: string[] = [];
      for (const from of ring) {
        const all = (next.get(from) ?? []).filter((id) => nodes.has(id));
        const coming = ranked(
          all.filter((id) => !sight.has(id)),
          nodes,
          after,
        );
        const key = `more:${way}:${from}`;
        const extra = opened.get(key) ?? 0;
        const room = extra > 0 ? coming.length : Math.max(0, MOST - sight.size);
        // One that is left over takes no more room than the word that it is left over.
        const few = coming.length <= FEW + extra + 1 ? coming.length : FEW + extra;
        const kept = coming.slice(0, Math.min(few, room));
        for (const id of kept) sight.add(id);
        const hidden = coming.slice(kept.length);
        const node = nodes.get(from);
        const untold = (way === 'after' ? node?.more_after : node?.more_before) ?? 0;
        if (hidden.length + untold > 0) groups.set(key, { way, beside: from, hidden, untold });
        for (const id of all)
          if (sight.has(id) && !seen.has(id)) {
            seen.add(id);
            following.push(id);
          }
      }
      ring = following;
    }
  }
  const shown: Shown[] = [...sight].flatMap((id) => {
    const node = nodes.get(id);
    return node ? [{ id, what: node.what, node }] : [];
  });
  const edges = lineage.edges.filter((edge) => sight.has(edge.source) && sight.has(edge.target));
  for (const [id, { way, beside, hidden, untold }] of groups) {
    // Some may have come into sight by another way.
    const here = hidden.filter((one) => !sight.has(one)).length;
    const count = here + untold;
    if (count === 0) continue;
    shown.push({ id, what: 'more', count, here, beside });
    const what = nodes.get(beside)?.what;
    const how = (what === 'run') === (way === 'after') ? 'made' : 'used';
    edges.push(way === 'after' ? { source: beside, target: id, how } : { source: id, target: beside, how });
  }
  return withoutMiddles({ start: lineage.start, nodes: shown, edges }, opened);
}

/** How many are wanted of a group when it is opened once more. */
export function openedMore(opened: ReadonlyMap<string, number>, id: string): Map<string, number> {
  return new Map(opened).set(id, (opened.get(id) ?? 0) + MORE);
}

/** A node with all that came before it and after it, as far as they are shown. */
export function related(edges: readonly LineageEdge[], id: string): Set<string> {
  const found = new Set([id]);
  for (const way of ['before', 'after'] as const) {
    const next = neighbours(edges, way);
    const stack = [id];
    const seen = new Set(stack);
    for (let one = stack.pop(); one !== undefined; one = stack.pop()) {
      found.add(one);
      for (const other of next.get(one) ?? [])
        if (!seen.has(other)) {
          seen.add(other);
          stack.push(other);
        }
    }
  }
  return found;
}

/** The steps before a version and after it as sentences to be told, the nearest first. */
export function steps(lineage: Lineage): { before: LineageEdge[]; after: LineageEdge[] } {
  const told = (way: Way): LineageEdge[] => {
    const by = new Map<string, LineageEdge[]>();
    for (const edge of lineage.edges) {
      const end = way === 'before' ? edge.target : edge.source;
      const mine = by.get(end);
      if (mine) mine.push(edge);
      else by.set(end, [edge]);
    }
    const found: LineageEdge[] = [];
    const seen = new Set([lineage.start]);
    let ring = [lineage.start];
    while (ring.length > 0) {
      const following: string[] = [];
      for (const place of ring)
        for (const edge of by.get(place) ?? []) {
          found.push(edge);
          const end = way === 'before' ? edge.source : edge.target;
          if (!seen.has(end)) {
            seen.add(end);
            following.push(end);
          }
        }
      ring = following;
    }
    return found;
  };
  return { before: told('before'), after: told('after') };
}

function neighbours(edges: readonly LineageEdge[], way: Way): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const edge of edges) {
    const [from, to] = way === 'after' ? [edge.source, edge.target] : [edge.target, edge.source];
    const mine = found.get(from);
    if (mine) mine.push(to);
    else found.set(from, [to]);
  }
  return found;
}

/** What a person would miss first: what bears an alias or led to it, then the newest. */
function ranked(
  ids: readonly string[],
  nodes: ReadonlyMap<string, LineageNode>,
  after: ReadonlyMap<string, string[]>,
): string[] {
  if (ids.length <= FEW + 1) return [...ids];
  const named = (id: string) => {
    const mine = nodes.get(id)?.aliases ?? [];
    const theirs = (after.get(id) ?? []).flatMap((one) => nodes.get(one)?.aliases ?? []);
    return Number([...mine, ...theirs].some((alias) => alias !== 'latest'));
  };
  return ids
    .map((id, place) => ({ id, place, named: named(id), created: nodes.get(id)?.created ?? 0 }))
    .sort((a, b) => b.named - a.named || b.created - a.created || a.place - b.place)
    .map((one) => one.id);
}

/** Leaves out the middle of long chains in which each node has one before it and one after it. */
function withoutMiddles(graph: Graph, opened: ReadonlyMap<string, number>): Graph {
  const before = neighbours(graph.edges, 'before');
  const after = neighbours(graph.edges, 'after');
  const links = new Set(
    graph.nodes
      .filter(
        (one) =>
          one.id !== graph.start &&
          (one.what === 'run' || (one.what === 'version' && one.node.aliases.length === 0)) &&
          before.get(one.id)?.length === 1 &&
          after.get(one.id)?.length === 1,
      )
      .map((one) => one.id),
  );
  const gone = new Map<string, string>();
  const added: Shown[] = [];
  for (const first of links) {
    // A chain is told once, from its first link on.
    if (links.has(before.get(first)?.[0] ?? '')) continue;
    const chain = [first];
    for (let next = after.get(first)?.[0]; next && links.has(next); next = after.get(next)?.[0])
      chain.push(next);
    const id = `chain:${first}`;
    if (chain.length < LONG || opened.has(id)) continue;
    const middle = chain.slice(1, -1);
    for (const one of middle) gone.set(one, id);
    added.push({ id, what: 'chain', count: middle.length, here: middle.length, beside: first });
  }
  if (added.length === 0) return graph;
  const edges = graph.edges.flatMap((edge) => {
    const [source, target] = [gone.get(edge.source) ?? edge.source, gone.get(edge.target) ?? edge.target];
    return source === target ? [] : [{ ...edge, source, target }];
  });
  return { ...graph, nodes: [...graph.nodes.filter((one) => !gone.has(one.id)), ...added], edges };
}
