/** The explanation graph: patches and tokens, and edges for their strongest interactions. NetworkX lays it out. */

import type { RefObject } from "preact";
import { useMemo, useRef, useState } from "preact/hooks";
import { type DragEvents, useDrag } from "../../lib/drag";
import { signed } from "../../lib/format";
import { clamp, DIRECTIONS, type Point } from "../../lib/geometry";
import { scaleOf, useSize } from "../../lib/size";
import { scoreName } from "../../model/explanation";
import type { Outlines } from "../../model/outlines";
import { type Board, groupName, shortLabel, tokenName } from "../../model/players";
import type { Store } from "../../state/store";
import { playerEvents } from "../../ui/player-events";
import type { Graph as GraphData, GraphNode } from "../../wire/types";
import { SubsetEnd } from "../ViewSettings";
import { type Drawing, draw, towards } from "./drawing";
import { Clique, Edges, Labels } from "./Edges";
import { Nodes } from "./Nodes";
import { type Frame, footHeight } from "./places";

/** Pixels by which Alt and an arrow key move a node; ten times as many with Shift. */
const STEP = 6;

export function Graph({ store }: { store: Store }) {
  const frame = useRef<HTMLDivElement>(null);
  const { width } = useSize(frame);
  const graph = store.view.graph.value;
  return (
    <div class="fx-graph" ref={frame}>
      <SubsetNote store={store} />
      {graph && width > 0 && <Drawn store={store} graph={graph} width={width} />}
      <ResetPlaces store={store} />
      {!graph && <p class="fx-empty">Waiting for the graph of this explanation …</p>}
      {graph && graph.edges.length === 0 && !store.view.subset.value && (
        <p class="fx-empty">All interactions of this kind and sign are zero.</p>
      )}
    </div>
  );
}

function Drawn({ store, graph, width }: { store: Store; graph: GraphData; width: number }) {
  const svg = useRef<SVGSVGElement>(null);
  const [tabStop, setTabStop] = useState<number | null>(null);
  const height = heightOf(graph, width);
  const drawing = useDrawing(store, graph, width, height);
  const { dragging, ...drags } = useNodeDrag(store, svg, drawing, width, height);
  const focus = (node: number) => {
    setTabStop(node);
    svg.current?.querySelector<SVGElement>(`[data-player="${node}"], [data-node="${node}"]`)?.focus();
  };
  const events = playerEvents(store, focus, (node, key) => towards(drawing.nodes, node, key));
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
      aria-label={`Explanation graph of ${graph.edges.length} interactions. Arrow keys select the next node; Alt and an arrow key move the node.`}
      data-focused={store.view.active.value.some((player) => drawing.neighbours.has(player))}
      data-subset={store.view.subset.value !== null}
      data-dragging={dragging}
      {...events}
      {...drags}
      onKeyDown={(event) => {
        if (!nudge(store, drawing, event, width, height)) {
          events.onKeyDown(event);
        }
      }}
    >
      <Clique store={store} drawing={drawing} />
      <Edges store={store} drawing={drawing} />
      <Nodes store={store} drawing={drawing} tabStop={reachable} />
      <Labels store={store} drawing={drawing} />
    </svg>
  );
}

/** Return the height of the frame, including additional lines of a long caption. */
function heightOf(graph: GraphData, width: number): number {
  const calm = Math.min(Math.max(width * 0.66, 320), Math.max(470, width * 0.45));
  return Math.round(calm + Math.max(footHeight(graph.nodes, width) - 72, 0));
}

function useDrawing(store: Store, graph: GraphData, width: number, height: number): Drawing {
  const board = store.view.board.value;
  const outlines = store.view.outlines.value;
  const subset = store.view.subset.value;
  const moved = store.view.moved.value;
  const anchored = store.wire.graph_layout.value === "anchored";
  const whole = useMemo(() => {
    const missing = (subset?.players ?? []).filter(
      (player) => !graph.nodes.some((node) => node.player === player),
    );
    return { ...graph, nodes: [...missing.map((player) => nodeOf(board, outlines, player)), ...graph.nodes] };
  }, [graph, subset, board, outlines]);
  return useMemo(() => {
    const frame: Frame = { width, height, columns: board.grid[1], anchored };
    return draw(whole, frame, moved);
  }, [whole, width, height, board, anchored, moved]);
}

/** Return a node for a member of the subset without an edge: at its place in the picture, or at the bottom. */
function nodeOf(board: Board, outlines: Outlines, player: number): GraphNode {
  const name = tokenName(board, player);
  if (name !== undefined) {
    return { player, kind: "token", label: name, pos: [0.5, 0.97] };
  }
  const { x, y } = outlines.centre(player);
  return { player, kind: "patch", label: shortLabel(board, player), pos: [x, 0.85 * y] };
}

function useNodeDrag(
  store: Store,
  svg: RefObject<SVGSVGElement>,
  drawing: Drawing,
  width: number,
  height: number,
): DragEvents & { readonly dragging: boolean } {
  const [dragging, setDragging] = useState(false);
  const events = useDrag<{ node: number; at: Point }>(svg, {
    hold: ({ target }) => {
      const element = target instanceof Element ? target.closest(".fx-node") : null;
      const number = element?.getAttribute("data-player") ?? element?.getAttribute("data-node");
      const node = drawing.nodes.find(({ player }) => String(player) === number);
      return node ? { node: node.player, at: node } : null;
    },
    move: ({ node, at }, from, to) => {
      setDragging(true);
      const scale = svg.current?.parentElement ? scaleOf(svg.current.parentElement) : 1;
      const [x, y] = [at.x + (to.x - from.x) / scale, at.y + (to.y - from.y) / scale];
      put(store, node, { x: x / width, y: y / height });
    },
    end: () => setDragging(false),
  });
  return { ...events, dragging };
}

function put(store: Store, node: number, { x, y }: Point): void {
  store.view.moved.value = new Map(store.view.moved.value).set(node, {
    x: clamp(x, 0, 1),
    y: clamp(y, 0, 1),
  });
}

/** Move the focused node after Alt and an arrow key; return whether it was moved. */
function nudge(store: Store, drawing: Drawing, event: KeyboardEvent, width: number, height: number): boolean {
  const direction = DIRECTIONS[event.key];
  const element = event.target instanceof Element ? event.target.closest(".fx-node") : null;
  const number = element?.getAttribute("data-player") ?? element?.getAttribute("data-node");
  const node = drawing.nodes.find(({ player }) => String(player) === number);
  if (!event.altKey || !direction || !node) {
    return false;
  }
  const step = event.shiftKey ? 10 * STEP : STEP;
  const [x, y] = direction;
  put(store, node.player, { x: (node.x + step * x) / width, y: (node.y + step * y) / height });
  event.preventDefault();
  return true;
}

const SIMILAR = { positive: "most", negative: "least" };
const SCORED = { positive: "highest", negative: "lowest" };

/** The members of the best subset, and its value. */
function SubsetNote({ store }: { store: Store }) {
  const subset = store.view.subset.value;
  const score = scoreName(store.view.explanation.value ?? {});
  if (!subset) {
    const why = whyNoSubset(store);
    return why === "" ? null : <div class="fx-graph-note">{why}</div>;
  }
  return (
    <div class="fx-graph-note">
      {score === "similarity" ? (
        <>
          the <SubsetEnd store={store} words={SIMILAR} /> similar {subset.players.length}:{" "}
        </>
      ) : (
        <>
          the {subset.players.length} with the <SubsetEnd store={store} words={SCORED} /> {score}:{" "}
        </>
      )}
      {groupName(store.view.board.value, subset.players)}{" "}
      <b data-subset-value={subset.value}>{signed(subset.value)}</b>
    </div>
  );
}

/** Return why there is no subset of the chosen size; an empty string for size 0. */
function whyNoSubset(store: Store): string {
  const { subset_size, offline } = store.wire;
  if (subset_size.value === 0) {
    return "";
  }
  if (store.view.subsets.value) {
    return `There is no subset of ${subset_size.value} players.`;
  }
  return offline.value
    ? "This page contains no subsets of this explanation."
    : "The kernel computes the subset after the final result.";
}

/** Restores the layout's places. It is below the graph, so that its appearance moves nothing under the pointer. */
function ResetPlaces({ store }: { store: Store }) {
  if (store.view.moved.value.size === 0) {
    return null;
  }
  return (
    <p class="fx-graph-note">
      <button
        type="button"
        class="fx-toggle"
        data-action="reset-places"
        onClick={() => {
          store.view.moved.value = new Map();
        }}
      >
        Reset places
      </button>
    </p>
  );
}
