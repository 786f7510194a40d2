/** The explanation graph of saved data: the same players and edges as the kernel's, at saved places. */

import { explanationOf } from "../model/explanation";
import { shortLabel, shortName, tokenName } from "../model/players";
import { decode, decodeIfKnown } from "../wire/arrays";
import type { Graph, GraphEdge, GraphNode, Traits, Triple, WireResult } from "../wire/types";
import type { Places, SavedCaption } from "./saved";

export type GraphSettings = Pick<Traits, "top_k" | "graph_kind" | "graph_sign" | "graph_layout">;
type Place = readonly [x: number, y: number];

const ANCHORED = "anchored";

export function graphOf(
  of: WireResult,
  settings: GraphSettings,
  caption: SavedCaption,
  places: readonly Places[],
): Omit<Graph, "shown"> {
  const nImage = of.grid[0] * of.grid[1];
  const triples = strongestTriples(of, settings);
  const edges = strongestPairs(of, settings);
  const players = playersOf(of, edges, triples, settings.top_k);
  const at = settings.graph_layout === ANCHORED ? null : placesFor(places, settings);
  const spots = new Map(players.map((player) => [player, spot(player, edges, caption, at)]));
  const nodes = players.map((player): GraphNode => {
    const kind = player < nImage ? "patch" : "token";
    return { player, kind, label: labelOf(of, player), pos: spots.get(player) as Place };
  });
  const terms = triples.map((term, index) => termNode(of, term, nImage + of.tokens.length + index, spots));
  const joints = terms.flatMap((node, index) => joined(node, triples[index] as Triple));
  const strongestFirst = [...edges, ...joints].sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight));
  return { generation: of.generation, nodes: [...nodes, ...terms], edges: strongestFirst };
}

/** Return the strongest nonzero interactions of the chosen kind and sign. */
export function strongestPairs(of: WireResult, settings: GraphSettings): GraphEdge[] {
  const n = of.main.shape[0] ?? 0;
  const values = decode(of.interactions);
  const errors = decodeIfKnown(of.interactions_se);
  const { significant } = explanationOf(of);
  const edges: GraphEdge[] = [];
  for (let source = 0; source < n; source++) {
    for (let target = source + 1; target < n; target++) {
      const weight = values[source * n + target] ?? 0;
      const kind = kindOf(of, source, target);
      if (weight !== 0 && hasSign(weight, settings) && isOfKind(kind, settings)) {
        const se = known(errors?.[source * n + target]);
        const flag = se === null ? null : significant.interactions[source * n + target] === 1;
        edges.push({ source, target, weight, se, significant: flag, kind });
      }
    }
  }
  return edges.sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight)).slice(0, settings.top_k);
}

function kindOf(of: WireResult, first: number, second: number): GraphEdge["kind"] {
  const nImage = of.grid[0] * of.grid[1];
  return second < nImage ? "image_image" : first >= nImage ? "text_text" : "cross";
}

function isOfKind(kind: GraphEdge["kind"], { graph_kind }: GraphSettings): boolean {
  return graph_kind === "all" || (kind === "cross") === (graph_kind === "cross");
}

function hasSign(weight: number, { graph_sign }: GraphSettings): boolean {
  return graph_sign === "both" || weight > 0 === (graph_sign === "positive");
}

function known(error: number | undefined): number | null {
  return error !== undefined && Number.isFinite(error) ? error : null;
}

/** Return the third-order terms among the strongest interactions of all orders. */
function strongestTriples(of: WireResult, settings: GraphSettings): Triple[] {
  if (of.triples.length === 0 || settings.graph_kind === "intra") {
    return [];
  }
  const pairs = strongestPairs(of, { ...settings, graph_kind: "all", graph_sign: "both" });
  const sizes = [...pairs.map(({ weight }) => weight), ...of.triples.map(({ value }) => value)].map(Math.abs);
  const least = sizes.sort((a, b) => b - a)[settings.top_k - 1] ?? 0;
  return of.triples.filter(
    ({ value }) => value !== 0 && Math.abs(value) >= least && hasSign(value, settings),
  );
}

/** Return the players to show, in order: patches with an edge (order 1: with a large main effect) and all tokens. */
function playersOf(
  of: WireResult,
  edges: readonly GraphEdge[],
  triples: readonly Triple[],
  topK: number,
): number[] {
  const nImage = of.grid[0] * of.grid[1];
  const joined = [
    ...edges.flatMap(({ source, target }) => [source, target]),
    ...triples.flatMap(({ players }) => players),
  ];
  const patches = of.order >= 2 ? joined.filter((player) => player < nImage) : largest(of, nImage, topK);
  const tokens = of.tokens.map((_, index) => nImage + index);
  return [...[...new Set(patches)].sort((a, b) => a - b), ...tokens];
}

function largest(of: WireResult, nImage: number, count: number): number[] {
  const main = decode(of.main);
  const size = (player: number) => Math.abs(main[player] ?? 0);
  return [...Array(nImage).keys()].sort((a, b) => size(b) - size(a)).slice(0, count);
}

function labelOf(of: WireResult, player: number): string {
  return tokenName(of, player) ?? shortLabel(of, player);
}

/** Return the saved places for this number of edges, or for the next larger one. */
function placesFor(saved: readonly Places[], settings: GraphSettings): ReadonlyMap<number, Place> {
  const layouts = saved
    .filter(({ layout }) => layout === settings.graph_layout)
    .sort((a, b) => a.edges - b.edges);
  const chosen = layouts.find(({ edges }) => edges >= settings.top_k) ?? layouts.at(-1);
  return new Map(chosen?.at.map(([player, x, y]) => [player, [x, y] as Place]));
}

/** Return a player's place; without a saved one, the mean of its own patch's place and its neighbours'. */
function spot(
  player: number,
  edges: readonly GraphEdge[],
  caption: SavedCaption,
  at: ReadonlyMap<number, Place> | null,
): Place {
  const own = caption.anchored[player] ?? [0.5, 0.5];
  const saved = at?.get(player);
  if (saved || !at) {
    return saved ?? own;
  }
  const others = edges
    .filter(({ source, target }) => source === player || target === player)
    .map(({ source, target }) => at.get(source === player ? target : source))
    .filter((place) => place !== undefined);
  return mean([own, ...others]);
}

function mean(places: readonly Place[]): Place {
  const sum = (axis: 0 | 1) => places.reduce((total, place) => total + place[axis], 0);
  return [sum(0) / places.length, sum(1) / places.length];
}

function termNode(
  of: WireResult,
  term: Triple,
  player: number,
  spots: ReadonlyMap<number, Place>,
): GraphNode {
  const label = term.players.map((member) => nameOf(of, member)).join(" × ");
  const pos = mean(term.players.map((member) => spots.get(member) ?? [0.5, 0.5]));
  return { player, kind: "term", label, pos, weight: term.value, se: term.se };
}

function nameOf(of: WireResult, player: number): string {
  return tokenName(of, player) ?? shortName(of, player);
}

function joined(node: GraphNode, term: Triple): GraphEdge[] {
  return term.players.map((target) => ({
    source: node.player,
    target,
    weight: term.value,
    se: term.se,
    significant: term.significant ?? null,
    kind: "term",
  }));
}
