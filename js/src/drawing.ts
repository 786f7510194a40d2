/** From the graph's unit square to a frame of so many pixels: nodes that keep apart, edges that go round them. */

import { type Box, type Curve, labelSpot, route, separate } from "./geometry";
import type { Graph, GraphEdge, GraphNode } from "./protocol";

const MARGIN = 14;
const FONT = "600 13px system-ui, sans-serif";
const LABELS_AT_REST = 5;
const LABELS_IN_FOCUS = 10;
const LONGEST_LABEL = 18;
const CERTAIN = 1.96;

export interface PlacedNode extends GraphNode, Box {}

export interface PlacedEdge extends GraphEdge {
  readonly curve: Curve;
  readonly thickness: number;
  readonly opacity: number;
  readonly certain: boolean;
}

export interface Label {
  readonly edge: PlacedEdge;
  readonly spot: Box;
}

export interface Drawing {
  readonly nodes: readonly PlacedNode[];
  /** Weakest first, so that the strong ones lie on top. */
  readonly edges: readonly PlacedEdge[];
  readonly neighbours: ReadonlyMap<number, ReadonlySet<number>>;
  /** Numbers for the strongest edges, or for those of the active players, where there is room. */
  labels(active: readonly number[]): Label[];
}

export function draw(graph: Graph, width: number, height: number, columns: number): Drawing {
  const side = Math.min(Math.max((width - 2 * MARGIN) / columns - 8, 20), width < 480 ? 30 : 38);
  const boxes = separate(
    graph.nodes.map((node) => boxOf(node, width, height, side)),
    width,
    height,
  );
  const nodes = graph.nodes.map((node, index) => ({
    ...node,
    label: shortened(node.label),
    ...(boxes[index] as Box),
  }));
  const byPlayer = new Map(nodes.map((node) => [node.player, node]));
  const strongest = Math.max(...graph.edges.map((edge) => Math.abs(edge.weight)), 0) || 1;
  const errorsKnown = graph.edges.some((edge) => edge.se !== null);
  const edges: PlacedEdge[] = [];
  for (const edge of graph.edges) {
    const from = byPlayer.get(edge.source);
    const to = byPlayer.get(edge.target);
    if (from && to) {
      const share = Math.abs(edge.weight) / strongest;
      const others = nodes.filter((node) => node !== from && node !== to);
      edges.push({
        ...edge,
        curve: route(from, to, others, width, height),
        thickness: 1 + 5 * share,
        opacity: 0.5 + 0.45 * share,
        certain: edge.se === null ? !errorsKnown : Math.abs(edge.weight) >= CERTAIN * edge.se,
      });
    }
  }
  return {
    nodes,
    edges: [...edges].reverse(),
    neighbours: neighboursOf(edges),
    labels: (active) => labelsFor(edges, nodes, active),
  };
}

function boxOf(node: GraphNode, width: number, height: number, side: number): Box {
  const halfWidth = node.kind === "patch" ? side / 2 : textWidth(shortened(node.label)) / 2 + 10;
  const halfHeight = node.kind === "patch" ? side / 2 : 13;
  return {
    x: MARGIN + node.pos[0] * (width - 2 * MARGIN),
    y: MARGIN + node.pos[1] * (height - 2 * MARGIN),
    halfWidth,
    halfHeight,
  };
}

/** A token that is as long as a line would cover its neighbours. */
function shortened(label: string): string {
  return label.length > LONGEST_LABEL ? `${label.slice(0, LONGEST_LABEL - 1)}…` : label;
}

let ruler: CanvasRenderingContext2D | null | undefined;

function textWidth(text: string): number {
  ruler ??= document.createElement("canvas").getContext?.("2d") ?? null;
  if (!ruler) {
    return 7.5 * text.length;
  }
  ruler.font = FONT;
  return ruler.measureText(text).width;
}

function neighboursOf(edges: readonly PlacedEdge[]): Map<number, Set<number>> {
  const neighbours = new Map<number, Set<number>>();
  const join = (a: number, b: number) => neighbours.set(a, (neighbours.get(a) ?? new Set()).add(b));
  for (const { source, target } of edges) {
    join(source, target);
    join(target, source);
  }
  return neighbours;
}

function labelsFor(
  edges: readonly PlacedEdge[],
  nodes: readonly PlacedNode[],
  active: readonly number[],
): Label[] {
  const wanted =
    active.length === 0
      ? edges.slice(0, LABELS_AT_REST)
      : edges
          .filter((edge) => active.includes(edge.source) || active.includes(edge.target))
          .slice(0, LABELS_IN_FOCUS);
  const meeting = new Map<number, number>();
  for (const player of wanted.flatMap(({ source, target }) => [source, target])) {
    meeting.set(player, (meeting.get(player) ?? 0) + 1);
  }
  const taken: Box[] = [...nodes];
  const labels: Label[] = [];
  for (const edge of wanted) {
    // towards the end where fewer of these edges meet: there they have parted
    const crowding = Math.sign((meeting.get(edge.source) ?? 0) - (meeting.get(edge.target) ?? 0));
    const around = 0.5 + 0.14 * crowding;
    const spot = labelSpot(edge.curve, around, 17, 8, taken);
    if (spot) {
      taken.push(spot);
      labels.push({ edge, spot });
    }
  }
  return labels;
}

/** The nearest node in the direction of an arrow key; what lies aslant counts as further away. */
export function towards(nodes: readonly PlacedNode[], player: number, key: string): number | null {
  const from = nodes.find((node) => node.player === player);
  const direction = DIRECTIONS[key];
  if (!from || !direction) {
    return null;
  }
  let nearest: number | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const node of nodes) {
    const along = (node.x - from.x) * direction[0] + (node.y - from.y) * direction[1];
    const aslant = Math.abs((node.x - from.x) * direction[1]) + Math.abs((node.y - from.y) * direction[0]);
    const distance = along + 2 * aslant;
    if (along > 1 && distance < least) {
      nearest = node.player;
      least = distance;
    }
  }
  return nearest;
}

const DIRECTIONS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};
