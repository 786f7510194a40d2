/** The picture under its grid: each patch in the colour of its value, or hidden as the model would see it. */

import { useRef } from "preact/hooks";
import { colourOf, strength } from "../colour";
import { signed } from "../format";
import { cell, patchCount, spokenName } from "../players";
import type { Store } from "../store";
import { drags, useLasso } from "./lasso";

const DEFAULT_SIDE = 448;

export function Patches({ store, tabStop }: { store: Store; tabStop: number }) {
  const svg = useRef<SVGSVGElement>(null);
  const { held, ...dragging } = useLasso(store, svg);
  const board = store.board.value;
  const picture = store.picture.value;
  const { image } = store.traits.scene.value;
  const [rows, columns] = board.grid;
  const width = image?.width ?? DEFAULT_SIDE;
  const height = image?.height ?? (DEFAULT_SIDE * rows) / columns;
  const patches = [...Array(patchCount(board)).keys()];
  return (
    <svg
      ref={svg}
      class="fx-picture"
      viewBox={`0 0 ${width} ${height}`}
      style={{ aspectRatio: `${width} / ${height}` }}
      role="group"
      aria-label={`Image, ${rows} rows of ${columns} patches`}
      data-coloured={store.values.value !== null && store.tool.value === "select"}
      data-drags={drags(store)}
      onDragStart={(event) => event.preventDefault()}
      {...dragging}
    >
      <Hatch id={`${store.id}-hatch`} side={width / 28} />
      {picture && (
        <image href={picture} width={width} height={height} preserveAspectRatio="none" aria-hidden="true" />
      )}
      {patches.map((player) => {
        const { row, column } = cell(board, player);
        return (
          <Patch
            key={player}
            store={store}
            player={player}
            x={(column * width) / columns}
            y={(row * height) / rows}
            width={width / columns}
            height={height / rows}
            tabStop={player === tabStop}
            held={held.includes(player)}
          />
        );
      })}
    </svg>
  );
}

/** A pixel of a hidden patch is 0 after normalisation: the mean grey. The hatch says that it is not in the picture. */
function Hatch({ id, side }: { id: string; side: number }) {
  return (
    <pattern id={id} width={side} height={side} patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
      <rect class="fx-unseen" width={side} height={side} />
      <rect class="fx-hatch" width={side / 5} height={side} />
    </pattern>
  );
}

interface PatchProps {
  readonly store: Store;
  readonly player: number;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly tabStop: boolean;
  readonly held: boolean;
}

function Patch({ store, player, tabStop, held, ...box }: PatchProps) {
  const value = store.values.value?.[player];
  const active = store.active.value.includes(player);
  const removed = store.traits.removed.value.includes(player);
  return (
    <rect
      class="fx-patch"
      {...box}
      {...fillOf(store, player, value, removed, active)}
      role="button"
      tabindex={tabStop ? 0 : -1}
      aria-pressed={pressed(store, player)}
      aria-label={spoken(store, player, value)}
      data-player={player}
      data-value={value}
      data-active={active}
      data-held={held}
      data-removed={removed}
      data-pointed={store.pointed.value.includes(player)}
      data-member={store.subset.value?.players.includes(player) ?? false}
    />
  );
}

function fillOf(
  store: Store,
  player: number,
  value: number | undefined,
  removed: boolean,
  active: boolean,
): { readonly fill: string; readonly "fill-opacity": string } {
  if (removed) {
    return { fill: `url(#${store.id}-hatch)`, "fill-opacity": "1" };
  }
  const shown = active || value === undefined ? 0 : tint(store, player, value);
  const fill = shown > 0 ? colourOf(store.palette.value, value ?? 0) : "none";
  return { fill, "fill-opacity": (0.74 * shown).toFixed(3) };
}

/** How strongly a player is coloured, 0 to 1: not at all while patches and words are being hidden. */
export function tint(store: Store, player: number, value: number | undefined): number {
  if (value === undefined || store.tool.value === "hide") {
    return 0;
  }
  const { patch, token } = store.scales.value;
  return strength(value, player < patchCount(store.board.value) ? patch : token);
}

/** Whether a player is selected; while players are being hidden, whether it is hidden. */
export function pressed(store: Store, player: number): boolean {
  const { selection, removed } = store.traits;
  return (store.tool.value === "hide" ? removed : selection).value.includes(player);
}

/** "patch row 5, column 1: +1.20", "token “dog”: +0.40, hidden" */
export function spoken(store: Store, player: number, value: number | undefined): string {
  const name = spokenName(store.board.value, player);
  const hidden = store.traits.removed.value.includes(player) ? ", hidden" : "";
  return (value === undefined ? name : `${name}: ${signed(value)}`) + hidden;
}
