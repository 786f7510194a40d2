/** The graph's edges: its strongest interactions, their numbers, and every pair within the shown subset. */

import { colourOf } from "../../lib/colour";
import { signed, withError } from "../../lib/format";
import { curvePath } from "../../lib/geometry";
import { interaction } from "../../model/explanation";
import { shortName } from "../../model/players";
import type { Store } from "../../state/store";
import type { Drawing, PlacedEdge } from "./drawing";

interface Props {
  readonly store: Store;
  readonly drawing: Drawing;
}

export function Edges({ store, drawing }: Props) {
  const active = store.view.active.value;
  const pointed = store.view.pointed.value;
  return (
    <g>
      {drawing.edges.map((edge) => {
        const { source, target } = edge;
        const players = edge.kind === "term" ? termOf(drawing, edge) : [source, target];
        const lit = active.includes(source) || active.includes(target);
        return (
          <g key={`${source}-${target}`} data-players={players.join(" ")}>
            {/* a wide invisible path for the pointer */}
            <path class="fx-reach" d={curvePath(edge.curve)} />
            <path
              class="fx-edge"
              d={curvePath(edge.curve)}
              stroke={colourOf(store.view.palette.value, edge.weight)}
              stroke-width={edge.thickness.toFixed(2)}
              stroke-opacity={edge.opacity.toFixed(2)}
              data-source={source}
              data-target={target}
              data-kind={edge.kind}
              data-value={edge.weight}
              data-significant={edge.significant}
              data-lit={lit}
              data-pointed={pointed.length > 1 && players.every((player) => pointed.includes(player))}
            />
            <title>{edgeTitle(store, edge, players)}</title>
          </g>
        );
      })}
    </g>
  );
}

function termOf(drawing: Drawing, { source, target }: PlacedEdge): readonly number[] {
  return drawing.joined.get(source) ?? drawing.joined.get(target) ?? [];
}

function edgeTitle(store: Store, edge: PlacedEdge, players: readonly number[]): string {
  const names = players.map((player) => shortName(store.view.board.value, player)).join(" × ");
  return `${names}: ${withError(edge.weight, edge.se)}${edge.significant === false ? " (not significant)" : ""}`;
}

/** An edge for every pair of the subset's members, as thick as the size of their interaction. */
export function Clique({ store, drawing }: Props) {
  const subset = store.view.subset.value;
  const explanation = store.view.explanation.value;
  if (!subset || !explanation) {
    return null;
  }
  const members = drawing.nodes.filter((node) => subset.players.includes(node.player));
  const pairs = members.flatMap((from, index) => members.slice(index + 1).map((to) => ({ from, to })));
  const weight = ({ from, to }: (typeof pairs)[number]) => interaction(explanation, from.player, to.player);
  const strongest = Math.max(...pairs.map((pair) => Math.abs(weight(pair))), Number.MIN_VALUE);
  return (
    <g class="fx-clique" aria-hidden="true">
      {pairs.map((pair) => {
        const share = Math.abs(weight(pair)) / strongest;
        return (
          <line
            key={`${pair.from.player}-${pair.to.player}`}
            x1={pair.from.x.toFixed(1)}
            y1={pair.from.y.toFixed(1)}
            x2={pair.to.x.toFixed(1)}
            y2={pair.to.y.toFixed(1)}
            stroke={colourOf(store.view.palette.value, weight(pair))}
            stroke-width={(0.6 + 5 * share).toFixed(2)}
            stroke-opacity={(0.25 + 0.6 * share).toFixed(2)}
          />
        );
      })}
    </g>
  );
}

export function Labels({ store, drawing }: Props) {
  if (store.view.subset.value) {
    return null;
  }
  return (
    <g class="fx-labels" aria-hidden="true">
      {drawing.labels(store.view.active.value).map(({ edge, spot }) => (
        <text
          key={`${edge.source}-${edge.target}`}
          x={spot.x.toFixed(1)}
          y={spot.y.toFixed(1)}
          dy="0.34em"
          style={{ "--colour": colourOf(store.view.palette.value, edge.weight) }}
        >
          {signed(edge.weight)}
        </text>
      ))}
    </g>
  );
}

/** Return whether the graph has a dashed edge. */
export function dashes(store: Store): boolean {
  const edges = store.view.graph.value?.edges ?? [];
  return store.view.subset.value === null && edges.some((edge) => edge.significant === false);
}
