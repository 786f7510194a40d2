/** The drawing of the graph: positions of nodes, routes of edges, and labels where there is room. */

import { type Box, type Curve, labelSpot, nearestTowards, type Point, route } from "../../lib/geometry";
import type { Graph, GraphEdge } from "../../wire/types";
import { type Frame, type PlacedNode, place } from "./places";

const LABELS_AT_REST = 5;
const LABELS_IN_FOCUS = 10;
/** Half width and half height of a label, in pixels. */
const LABEL = { halfWidth: 17, halfHeight: 8 };

export interface PlacedEdge extends GraphEdge {
  readonly curve: Curve;
  readonly thickness: number;
  readonly opacity: number;
  readonly significant: boolean | null;
}

export interface Label {
  readonly edge: PlacedEdge;
  readonly spot: Box;
}

export interface Drawing {
  readonly nodes: readonly PlacedNode[];
  /** Weakest first, so that strong edges are drawn on top. */
  readonly edges: readonly PlacedEdge[];
  readonly neighbours: ReadonlyMap<number, ReadonlySet<number>>;
  /** Node of a third-order term → its players. */
  readonly joined: ReadonlyMap<number, readonly number[]>;
  /** Labels of the strongest edges, or of the active players' edges, where there is room. */
  labels(active: readonly number[]): Label[];
}

/** @param moved places, in the unit square, of nodes that the user moved. */
export function draw(graph: Graph, frame: Frame, moved: ReadonlyMap<number, Point> = new Map()): Drawing {
  const nodes = place(graph.nodes, frame, moved);
  const byPlayer = new Map(nodes.map((node) => [node.player, node]));
  const strongest = Math.max(...graph.edges.map((edge) => Math.abs(edge.weight)), 0) || 1;
  const edges: PlacedEdge[] = [];
  for (const edge of graph.edges) {
    const from = byPlayer.get(edge.source);
    const to = byPlayer.get(edge.target);
    if (from && to) {
      const share = Math.abs(edge.weight) / strongest;
      const others = nodes.filter((node) => node !== from && node !== to);
      edges.push({
        ...edge,
        curve: route(from, to, others, frame.width, frame.height),
        thickness: (edge.kind === "term" ? 0.8 : 1) + (edge.kind === "term" ? 2 : 5) * share,
        opacity: 0.5 + 0.45 * share,
        significant: edge.significant ?? null,
      });
    }
  }
  const pairs = edges.filter((edge) => edge.kind !== "term");
  return {
    nodes,
    edges: [...edges].reverse(),
    neighbours: neighboursOf(edges),
    joined: joinedBy(edges),
    labels: (active) => labelsFor(pairs, nodes, active),
  };
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

function joinedBy(edges: readonly PlacedEdge[]): Map<number, number[]> {
  const joined = new Map<number, number[]>();
  for (const { source, target, kind } of edges) {
    if (kind === "term") {
      // the number of a term is larger than that of any player
      const [player, term] = source < target ? [source, target] : [target, source];
      joined.set(
        term,
        [...(joined.get(term) ?? []), player].sort((a, b) => a - b),
      );
    }
  }
  return joined;
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
    // move towards the end with fewer edges, where they are further apart
    const crowding = Math.sign((meeting.get(edge.source) ?? 0) - (meeting.get(edge.target) ?? 0));
    const others = wanted.filter((other) => other !== edge).map(({ curve }) => curve);
    const spot = labelSpot(edge.curve, 0.5 + 0.14 * crowding, LABEL, taken, others);
    if (spot) {
      taken.push(spot);
      labels.push({ edge, spot });
    }
  }
  return labels;
}

/** Return the nearest node in the direction of an arrow key. */
export function towards(nodes: readonly PlacedNode[], player: number, key: string): number | null {
  const from = nodes.find((node) => node.player === player);
  const apart = nodes.filter((node) => node !== from);
  return (from && nearestTowards(from, apart, key)?.player) ?? null;
}
