/** Where the nodes of a lineage stand, from left to right, and the ways between them. */
import type { LineageEdge } from '../lib/api/artifacts';
import type { Graph, Shown } from './graph';

export type Placed = Shown & { x: number; y: number; width: number; height: number };

export interface Way {
  id: string;
  source: string;
  target: string;
  how: LineageEdge['how'];
  path: string;
}

export interface Layout {
  start: string;
  width: number;
  height: number;
  nodes: Placed[];
  ways: Way[];
}

export interface View {
  x: number;
  y: number;
  scale: number;
}

const WIDE = 200;
const HIGH = 46;
const SMALL = { width: 108, height: 28 };
const MARGIN = 24;
const LEAST_SCALE = 0.08;
const MOST_SCALE = 2;

type Point = { x: number; y: number };

/** dagre comes when a graph is shown for the first time. */
export async function layOut(graph: Graph): Promise<Layout> {
  const dagre = await import('@dagrejs/dagre');
  const plan = new dagre.Graph({ multigraph: true });
  plan.setGraph({ rankdir: 'LR', nodesep: 14, ranksep: 56, marginx: MARGIN, marginy: MARGIN });
  plan.setDefaultEdgeLabel(() => ({}));
  for (const node of graph.nodes) {
    const whole = node.what === 'run' || node.what === 'version';
    plan.setNode(node.id, whole ? { width: WIDE, height: HIGH } : { ...SMALL });
  }
  graph.edges.forEach((edge, number) => {
    plan.setEdge(edge.source, edge.target, {}, String(number));
  });
  dagre.layout(plan);
  const nodes = graph.nodes.map((node) => {
    const { x, y, width, height } = plan.node(node.id) as Required<Point & { width: number; height: number }>;
    return { ...node, x, y, width, height };
  });
  const placed = new Map(nodes.map((node) => [node.id, node]));
  const ways = graph.edges.map((edge, number) => {
    const points = (plan.edge(edge.source, edge.target, String(number)) as { points?: Point[] }).points ?? [];
    const [from, to] = [placed.get(edge.source), placed.get(edge.target)];
    const bends = points.slice(1, -1);
    const ends = from && to ? [right(from), ...bends, left(to)] : points;
    return { id: `${number}`, ...edge, path: curve(ends) };
  });
  const { width = 0, height = 0 } = plan.graph() as { width?: number; height?: number };
  return { start: graph.start, width, height, nodes, ways };
}

/** A smooth way through points that leaves each of them level. */
export function curve(points: readonly Point[]): string {
  return points
    .map((to, place) => {
      const from = points[place - 1];
      if (!from) return `M${round(to.x)} ${round(to.y)}`;
      const middle = round((from.x + to.x) / 2);
      return `C${middle} ${round(from.y)} ${middle} ${round(to.y)} ${round(to.x)} ${round(to.y)}`;
    })
    .join('');
}

/** All of it in a frame, never larger than life. */
export function fitted(layout: Layout, width: number, height: number): View {
  const scale = clamp(Math.min(1, width / Math.max(1, layout.width), height / Math.max(1, layout.height)));
  return { x: (width - layout.width * scale) / 2, y: (height - layout.height * scale) / 2, scale };
}

/** What is seen at first: all of it where it can be read, else what it is about with its neighbours. */
export function firstView(layout: Layout, width: number, height: number): View {
  const all = fitted(layout, width, height);
  const start = layout.nodes.find((node) => node.id === layout.start);
  if (all.scale >= 0.55 || !start) return all;
  const beside = new Set(
    layout.ways.flatMap((way) =>
      way.source === start.id ? [way.target] : way.target === start.id ? [way.source] : [],
    ),
  );
  const near = [start, ...layout.nodes.filter((node) => beside.has(node.id))];
  const span = (from: number[], to: number[]) => Math.max(...to) - Math.min(...from) + 2 * MARGIN;
  const wide = span(
    near.map((node) => node.x - node.width / 2),
    near.map((node) => node.x + node.width / 2),
  );
  const high = span(
    near.map((node) => node.y - node.height / 2),
    near.map((node) => node.y + node.height / 2),
  );
  const scale = Math.min(0.9, Math.max(0.55, Math.min(width / wide, height / high)));
  const view = centred(start, scale, width, height);
  // Where nothing lies on one side, the other has the room.
  const half = (start.width / 2 + MARGIN) * scale;
  if (!layout.ways.some((way) => way.target === start.id)) return { ...view, x: half - start.x * scale };
  if (!layout.ways.some((way) => way.source === start.id))
    return { ...view, x: width - half - start.x * scale };
  return view;
}

export function centred(node: Point, scale: number, width: number, height: number): View {
  return { x: width / 2 - node.x * scale, y: height / 2 - node.y * scale, scale };
}

/** Zooms so that what lies under a place of the frame stays there. */
export function zoomed(view: View, factor: number, x: number, y: number): View {
  const scale = clamp(view.scale * factor);
  const by = scale / view.scale;
  return { x: x - (x - view.x) * by, y: y - (y - view.y) * by, scale };
}

/** Moves the frame only as far as it takes to have a node in it. */
export function revealed(view: View, node: Placed, width: number, height: number, margin = 16): View {
  const along = (centre: number, half: number, offset: number, size: number) => {
    const low = centre * view.scale + offset - half * view.scale;
    const high = centre * view.scale + offset + half * view.scale;
    return low < margin ? margin - low : high > size - margin ? size - margin - high : 0;
  };
  return {
    x: view.x + along(node.x, node.width / 2, view.x, width),
    y: view.y + along(node.y, node.height / 2, view.y, height),
    scale: view.scale,
  };
}

/** The node that an arrow key leads to: along an edge to the side, to a neighbour of the same column up and down. */
export function walked(layout: Layout, from: string, key: string): Placed | null {
  const here = layout.nodes.find((node) => node.id === from);
  if (!here) return null;
  const nearest = (nodes: readonly Placed[]) =>
    nodes.reduce<Placed | null>(
      (best, node) => (best === null || Math.abs(node.y - here.y) < Math.abs(best.y - here.y) ? node : best),
      null,
    );
  const at = (ids: readonly string[]) =>
    layout.nodes.filter((node) => ids.includes(node.id) && node.id !== from);
  if (key === 'ArrowRight')
    return nearest(at(layout.ways.filter((way) => way.source === from).map((way) => way.target)));
  if (key === 'ArrowLeft')
    return nearest(at(layout.ways.filter((way) => way.target === from).map((way) => way.source)));
  const column = layout.nodes.filter(
    (node) =>
      Math.abs(node.x - here.x) < WIDE / 2 && (key === 'ArrowDown' ? node.y > here.y : node.y < here.y),
  );
  return key === 'ArrowDown' || key === 'ArrowUp' ? nearest(column) : null;
}

const right = (node: Placed): Point => ({ x: node.x + node.width / 2, y: node.y });
const left = (node: Placed): Point => ({ x: node.x - node.width / 2, y: node.y });
const clamp = (scale: number) => Math.min(MOST_SCALE, Math.max(LEAST_SCALE, scale));
const round = (value: number) => Math.round(value * 10) / 10;
