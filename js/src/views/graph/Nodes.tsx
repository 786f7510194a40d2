/** The nodes of the graph: patches as parts of the picture, tokens as text, third-order terms as diamonds. */

import { colourOf } from "../../lib/colour";
import { signed, withError } from "../../lib/format";
import type { Rectangle } from "../../model/outlines";
import { namesOf, spokenName } from "../../model/players";
import type { Store } from "../../state/store";
import type { Drawing } from "./drawing";
import type { PlacedNode } from "./places";

const CORNER = 5;

interface NodesProps {
  readonly store: Store;
  readonly drawing: Drawing;
  /** Node that Tab reaches. */
  readonly tabStop: number | null;
}

export function Nodes({ store, drawing, tabStop }: NodesProps) {
  const side = 2 * (drawing.nodes.find((node) => node.kind === "patch")?.halfWidth ?? 0);
  return (
    <g>
      {/* the rounded outline of all thumbnails */}
      <clipPath id={`${store.id}-corners`}>
        <rect x={-side / 2} y={-side / 2} width={side} height={side} rx={CORNER} />
      </clipPath>
      {drawing.nodes.map((node) => (
        <Node key={node.player} store={store} node={node} drawing={drawing} tabs={node.player === tabStop} />
      ))}
    </g>
  );
}

interface NodeProps {
  readonly store: Store;
  readonly node: PlacedNode;
  readonly drawing: Drawing;
  readonly tabs: boolean;
}

function Node({ store, node, drawing, tabs }: NodeProps) {
  const active = store.view.active.value;
  const { pointed, subset } = store.view;
  const term = drawing.joined.get(node.player);
  const near = active.some(
    (player) => player === node.player || drawing.neighbours.get(player)?.has(node.player),
  );
  return (
    <g
      class="fx-node"
      style={{ transform: `translate(${node.x.toFixed(1)}px, ${node.y.toFixed(1)}px)` }}
      role="button"
      tabindex={tabs ? 0 : -1}
      data-kind={node.kind}
      data-active={active.includes(node.player)}
      data-lit={near}
      data-pointed={(term ?? [node.player]).every((player) => pointed.value.includes(player))}
      data-member={subset.value?.players.includes(node.player) ?? false}
      {...(term ? termAttributes(store, node, term) : playerAttributes(store, node.player))}
    >
      {node.kind === "patch" && <Thumbnail store={store} node={node} />}
      {node.kind === "token" && <Word node={node} />}
      {node.kind === "term" && <Term store={store} node={node} />}
    </g>
  );
}

function playerAttributes(store: Store, player: number) {
  const value = store.view.values.value?.[player];
  const name = spokenName(store.view.board.value, player);
  return {
    "aria-pressed": store.wire.selection.value.includes(player),
    "aria-label": value === undefined ? name : `${name}: ${signed(value)}`,
    "data-player": player,
    "data-value": value,
  };
}

function termAttributes(store: Store, node: PlacedNode, players: readonly number[]) {
  const selected = store.wire.selection.value;
  return {
    "aria-pressed": players.every((player) => selected.includes(player)),
    "aria-label": `third-order term of ${namesOf(store.view.board.value, players)}: ${withError(node.weight ?? Number.NaN, node.se)}`,
    "data-node": node.player,
    "data-players": players.join(" "),
    "data-value": node.weight,
  };
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

/** A diamond in the colour of the term's sign, with its value below. */
function Term({ store, node }: { store: Store; node: PlacedNode }) {
  const side = 1.25 * node.halfWidth;
  const value = node.weight ?? 0;
  return (
    <>
      <rect
        class="fx-node-frame"
        x={-side / 2}
        y={-side / 2}
        width={side}
        height={side}
        rx={2}
        transform="rotate(45)"
        style={{ fill: colourOf(store.view.palette.value, value) }}
      />
      <text
        class="fx-node-number"
        dy={`${node.halfHeight + 9}px`}
        fill={colourOf(store.view.palette.value, value)}
      >
        {signed(value)}
      </text>
    </>
  );
}

/** The patch, or the region on a pale background, cut out of the picture by a nested viewport. */
function Thumbnail({ store, node }: { store: Store; node: PlacedNode }) {
  const outlines = store.view.outlines.value;
  const { halfWidth, halfHeight } = node;
  const picture = store.view.picture.value;
  const { regions } = store.view.board.value;
  const { x, y, width, height } = regions ? square(outlines.box(node.player)) : outlines.box(node.player);
  const whole = { width: outlines.width, height: outlines.height, preserveAspectRatio: "none" };
  const cut = `${store.id}-cut-${node.player}`;
  const box = { x: -halfWidth, y: -halfHeight, width: 2 * halfWidth, height: 2 * halfHeight };
  return (
    <>
      <rect class="fx-node-back" {...box} rx={CORNER} />
      {picture && (
        <g clip-path={`url(#${store.id}-corners)`}>
          <svg
            {...box}
            viewBox={`${x} ${y} ${width} ${height}`}
            preserveAspectRatio="none"
            aria-hidden="true"
          >
            {regions && (
              <>
                <clipPath id={cut}>
                  <path d={outlines.path(node.player)} />
                </clipPath>
                <image class="fx-ground" href={picture} {...whole} />
              </>
            )}
            <image href={picture} {...whole} clip-path={regions ? `url(#${cut})` : undefined} />
          </svg>
        </g>
      )}
      <rect class="fx-node-frame" {...box} rx={CORNER} />
    </>
  );
}

/** Return the square around a box, slightly enlarged. */
function square({ x, y, width, height }: Rectangle): Rectangle {
  const side = 1.12 * Math.max(width, height);
  return { x: x + (width - side) / 2, y: y + (height - side) / 2, width: side, height: side };
}
