/** The explanation graph: thumbnails and words, joined by their strongest interactions. Places come from NetworkX. */

import { useMemo, useRef, useState } from "preact/hooks";
import { colourOf } from "../colour";
import { type Drawing, draw, type PlacedEdge, type PlacedNode, towards } from "../drawing";
import { signed, withError } from "../format";
import { path } from "../geometry";
import { cell, shortName, spokenName } from "../players";
import type { Graph as GraphData } from "../protocol";
import type { Store } from "../store";
import { playerEvents } from "./interaction";
import { useSize } from "./size";

const CORNER = 5;

export function Graph({ store }: { store: Store }) {
  const frame = useRef<HTMLDivElement>(null);
  const { width } = useSize(frame);
  const graph = store.graph.value;
  return (
    <div class="fx-graph" ref={frame}>
      {graph && width > 0 && <Drawn store={store} graph={graph} width={width} />}
      {graph && graph.edges.length === 0 && (
        <p class="fx-empty">
          {store.explanation.value && store.explanation.value.order < 2
            ? "A first-order method has no interactions: there is nothing to draw."
            : "No interaction of this kind is different from zero."}
        </p>
      )}
    </div>
  );
}

function Drawn({ store, graph, width }: { store: Store; graph: GraphData; width: number }) {
  const svg = useRef<SVGSVGElement>(null);
  const height = Math.round(Math.min(Math.max(width * 0.66, 320), 470));
  const columns = store.board.value.grid[1];
  const drawing = useMemo(() => draw(graph, width, height, columns), [graph, width, height, columns]);
  const [tabStop, setTabStop] = useState<number | null>(null);
  const focus = (player: number) => {
    setTabStop(player);
    svg.current?.querySelector<SVGElement>(`[data-player="${player}"]`)?.focus();
  };
  const events = playerEvents(store, focus, (player, key) => towards(drawing.nodes, player, key));
  const reachable = drawing.nodes.some((node) => node.player === tabStop)
    ? tabStop
    : (drawing.nodes.at(-1)?.player ?? null);
  return (
    <svg
      ref={svg}
      viewBox={`0 0 ${width} ${height}`}
      width={width}
      height={height}
      role="group"
      aria-label={`Explanation graph of ${graph.edges.length} interactions`}
      data-focused={store.active.value.some((player) => drawing.neighbours.has(player))}
      {...events}
    >
      <Corners store={store} drawing={drawing} />
      <Edges store={store} drawing={drawing} />
      <g>
        {drawing.nodes.map((node) => (
          <Node
            key={node.player}
            store={store}
            node={node}
            drawing={drawing}
            tabStop={node.player === reachable}
          />
        ))}
      </g>
      <Labels store={store} drawing={drawing} />
    </svg>
  );
}

/** The rounded outline that all thumbnails share. */
function Corners({ store, drawing }: { store: Store; drawing: Drawing }) {
  const side = 2 * (drawing.nodes.find((node) => node.kind === "patch")?.halfWidth ?? 0);
  return (
    <clipPath id={`${store.id}-corners`}>
      <rect x={-side / 2} y={-side / 2} width={side} height={side} rx={CORNER} />
    </clipPath>
  );
}

function touches(edge: PlacedEdge, active: readonly number[]): boolean {
  return active.includes(edge.source) || active.includes(edge.target);
}

function Edges({ store, drawing }: { store: Store; drawing: Drawing }) {
  const active = store.active.value;
  return (
    <g>
      {drawing.edges.map((edge) => (
        <path
          key={`${edge.source}-${edge.target}`}
          class="fx-edge"
          d={path(edge.curve)}
          stroke={colourOf(store.palette.value, edge.weight)}
          stroke-width={edge.thickness.toFixed(2)}
          stroke-opacity={edge.opacity.toFixed(2)}
          data-source={edge.source}
          data-target={edge.target}
          data-value={edge.weight}
          data-certain={edge.certain}
          data-lit={touches(edge, active)}
        >
          <title>{edgeTitle(store, edge)}</title>
        </path>
      ))}
    </g>
  );
}

function edgeTitle(store: Store, edge: PlacedEdge): string {
  const board = store.board.value;
  const names = `${shortName(board, edge.source)} × ${shortName(board, edge.target)}`;
  return `${names}: ${withError(edge.weight, edge.se)}${edge.certain ? "" : " (sign not certain yet)"}`;
}

interface NodeProps {
  readonly store: Store;
  readonly node: PlacedNode;
  readonly drawing: Drawing;
  readonly tabStop: boolean;
}

function Node({ store, node, drawing, tabStop }: NodeProps) {
  const active = store.active.value;
  const value = store.values.value?.[node.player];
  const near = active.some(
    (player) => player === node.player || drawing.neighbours.get(player)?.has(node.player),
  );
  const name = spokenName(store.board.value, node.player);
  return (
    <g
      class="fx-node"
      style={{ transform: `translate(${node.x.toFixed(1)}px, ${node.y.toFixed(1)}px)` }}
      role="button"
      tabindex={tabStop ? 0 : -1}
      aria-pressed={store.traits.selection.value.includes(node.player)}
      aria-label={value === undefined ? name : `${name}: ${signed(value)}`}
      data-player={node.player}
      data-value={value}
      data-kind={node.kind}
      data-active={active.includes(node.player)}
      data-lit={near}
    >
      {node.kind === "patch" ? <Thumbnail store={store} node={node} /> : <Word node={node} />}
    </g>
  );
}

function Word({ node }: { node: PlacedNode }) {
  const { halfWidth, halfHeight } = node;
  return (
    <>
      <rect
        class="fx-node-frame"
        x={-halfWidth}
        y={-halfHeight}
        width={2 * halfWidth}
        height={2 * halfHeight}
        rx={halfHeight / 1.6}
      />
      <text dy="0.34em">{node.label}</text>
    </>
  );
}

/** The patch, cut out of the picture by a nested viewport. */
function Thumbnail({ store, node }: { store: Store; node: PlacedNode }) {
  const board = store.board.value;
  const [rows, columns] = board.grid;
  const { row, column } = cell(board, node.player);
  const { halfWidth, halfHeight } = node;
  const picture = store.picture.value;
  const box = { x: -halfWidth, y: -halfHeight, width: 2 * halfWidth, height: 2 * halfHeight };
  return (
    <>
      <rect class="fx-node-back" {...box} rx={CORNER} />
      {picture && (
        <g clip-path={`url(#${store.id}-corners)`}>
          <svg {...box} viewBox={`${column} ${row} 1 1`} preserveAspectRatio="none" aria-hidden="true">
            <image href={picture} width={columns} height={rows} preserveAspectRatio="none" />
          </svg>
        </g>
      )}
      <rect class="fx-node-frame" {...box} rx={CORNER} />
    </>
  );
}

function Labels({ store, drawing }: { store: Store; drawing: Drawing }) {
  const labels = drawing.labels(store.active.value);
  return (
    <g class="fx-labels" aria-hidden="true">
      {labels.map(({ edge, spot }) => (
        <text
          key={`${edge.source}-${edge.target}`}
          x={spot.x.toFixed(1)}
          y={spot.y.toFixed(1)}
          dy="0.34em"
          fill={colourOf(store.palette.value, edge.weight)}
        >
          {signed(edge.weight)}
        </text>
      ))}
    </g>
  );
}
