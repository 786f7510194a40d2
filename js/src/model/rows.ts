/** Rows of the table: interactions, or main effects for a method of order 1, and their order. */

import type { Graph, GraphEdge, Traits } from "../wire/types";
import { type Explanation, interaction, interactionError, isSignificant } from "./explanation";
import { shortName } from "./players";
import { blockOf } from "./scales";

export interface Row {
  readonly players: readonly number[];
  readonly name: string;
  readonly value: number;
  readonly se: number | null;
  /** Null if the standard error is unknown. */
  readonly significant: boolean | null;
}

export type Order = "size" | "value" | "certainty" | "name";

/** Return the graph's edges as rows of two players, and its third-order terms as rows of three. */
export function graphRows(of: Explanation, graph: Graph): Row[] {
  const pairs = graph.edges
    .filter((edge) => edge.kind !== "term")
    .map(({ source, target, weight, se, significant = null }) =>
      row(of, [source, target], weight, se, significant),
    );
  const terms = graph.nodes
    .filter((node) => node.kind === "term")
    .map((node) => {
      const joint = graph.edges.find(
        ({ source, target }) => source === node.player || target === node.player,
      );
      const players = playersOf(node.player, graph.edges);
      return row(of, players, node.weight ?? Number.NaN, node.se ?? null, joint?.significant ?? null);
    });
  return [...pairs, ...terms];
}

/** Return the players of a third-order term's node, in ascending order. */
export function playersOf(term: number, edges: readonly GraphEdge[]): number[] {
  return edges
    .filter(({ source, target }) => source === term || target === term)
    .map(({ source, target }) => (source === term ? target : source))
    .sort((a, b) => a - b);
}

/** Settings of the graph that choose interactions. */
export type Wanted = Readonly<Pick<Traits, "graph_kind" | "graph_sign" | "top_k">>;

/** Return the strongest interactions of the selected players, including those that the graph does not show. */
export function selectionRows(of: Explanation, selection: readonly number[], wanted: Wanted): Row[] {
  const rows: Row[] = [];
  for (let i = 0; i < of.nPlayers; i++) {
    for (let j = i + 1; j < of.nPlayers; j++) {
      const value = interaction(of, i, j);
      const chosen = selection.includes(i) || selection.includes(j);
      if (chosen && value !== 0 && fits(wanted, value, blockOf(of, i, j) === "cross")) {
        rows.push(row(of, [i, j], value, interactionError(of, i, j), isSignificant(of, i, j)));
      }
    }
  }
  for (const { players, value, se, significant = null } of of.triples ?? []) {
    if (players.some((player) => selection.includes(player)) && fits(wanted, value, true)) {
      rows.push(row(of, players, value, se, significant));
    }
  }
  return sorted(rows, "size", true).slice(0, wanted.top_k);
}

function fits({ graph_kind, graph_sign }: Wanted, value: number, cross: boolean): boolean {
  const kind = graph_kind === "all" || (graph_kind === "cross") === cross;
  const sign = graph_sign === "both" || (graph_sign === "negative") === value < 0;
  return kind && sign;
}

/** Return main effects: of the players in `selection`, or of all players if it is null. */
export function mainRows(of: Explanation, selection: readonly number[] | null): Row[] {
  const players = selection ?? [...of.main.keys()];
  return players.map((player) => {
    const error = of.mainSe?.[player];
    const se = error !== undefined && Number.isFinite(error) ? error : null;
    const significant = se === null ? null : of.significant.main[player] === 1;
    return row(of, [player], of.main[player] ?? Number.NaN, se, significant);
  });
}

function row(
  of: Explanation,
  players: readonly number[],
  value: number,
  se: number | null,
  significant: boolean | null,
): Row {
  return {
    players,
    value,
    se,
    significant,
    name: players.map((player) => shortName(of, player)).join(" × "),
  };
}

/** Return |value| / standard error; null without a standard error. */
export function certaintyOf({ value, se }: Row): number | null {
  return se === null || se <= 0 ? null : Math.abs(value) / se;
}

/** Return the sorted rows; unknown values come last in both directions. */
export function sorted(rows: readonly Row[], order: Order, descending: boolean): Row[] {
  const direction = descending ? -1 : 1;
  if (order === "name") {
    return [...rows].sort((a, b) => direction * a.name.localeCompare(b.name, undefined, { numeric: true }));
  }
  const key = KEYS[order];
  return [...rows].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    return x === null || y === null ? Number(x === null) - Number(y === null) : direction * (x - y);
  });
}

const KEYS: Readonly<Record<Exclude<Order, "name">, (row: Row) => number | null>> = {
  size: (row) => Math.abs(row.value),
  value: (row) => row.value,
  certainty: certaintyOf,
};
