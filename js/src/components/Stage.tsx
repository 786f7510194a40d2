/** The picture under its grid, the caption's tokens below it, and arcs from what is active to what it binds to. */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { colourOf, faded, strength } from "../colour";
import { signed } from "../format";
import { arc, type Point } from "../geometry";
import { cell, patchCount, playerCount, spokenName } from "../players";
import { type Ray, raysFrom } from "../rays";
import type { Store } from "../store";
import { playerEvents } from "./interaction";
import { useSize } from "./size";

const DEFAULT_SIDE = 448;

export function Stage({ store }: { store: Store }) {
  const stage = useRef<HTMLDivElement>(null);
  const [tabStops, setTabStops] = useState({ patch: 0, token: 0 });
  const board = store.board.value;
  const first = patchCount(board);

  const focus = (player: number) => {
    setTabStops((old) => (player < first ? { ...old, patch: player } : { ...old, token: player - first }));
    stage.current?.querySelector<HTMLElement | SVGElement>(`[data-player="${player}"]`)?.focus();
  };
  return (
    <div class="fx-stage" ref={stage} {...playerEvents(store, focus)}>
      <Patches store={store} tabStop={Math.min(tabStops.patch, first - 1)} />
      <Tokens store={store} tabStop={Math.min(tabStops.token, board.tokens.length - 1)} />
      <Arcs store={store} stage={stage} />
    </div>
  );
}

function Patches({ store, tabStop }: { store: Store; tabStop: number }) {
  const board = store.board.value;
  const picture = store.picture.value;
  const { image } = store.traits.scene.value;
  const [rows, columns] = board.grid;
  const width = image?.width ?? DEFAULT_SIDE;
  const height = image?.height ?? (DEFAULT_SIDE * rows) / columns;
  const patches = [...Array(patchCount(board)).keys()];
  return (
    <svg
      class="fx-picture"
      viewBox={`0 0 ${width} ${height}`}
      style={{ aspectRatio: `${width} / ${height}` }}
      role="group"
      aria-label={`Image, ${rows} rows of ${columns} patches`}
      data-coloured={store.values.value !== null}
    >
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
          />
        );
      })}
    </svg>
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
}

function Patch({ store, player, x, y, width, height, tabStop }: PatchProps) {
  const value = store.values.value?.[player];
  const active = store.active.value.includes(player);
  const shown = value === undefined || active ? 0 : strength(value, store.limit.value);
  return (
    <rect
      class="fx-patch"
      x={x}
      y={y}
      width={width}
      height={height}
      fill={shown > 0 ? colourOf(store.palette.value, value ?? 0) : "none"}
      fill-opacity={(0.74 * shown).toFixed(3)}
      role="button"
      tabindex={tabStop ? 0 : -1}
      aria-pressed={store.traits.selection.value.includes(player)}
      aria-label={spoken(store, player, value)}
      data-player={player}
      data-value={value}
      data-active={active}
    />
  );
}

function Tokens({ store, tabStop }: { store: Store; tabStop: number }) {
  const board = store.board.value;
  const first = patchCount(board);
  return (
    <div class="fx-tokens" role="group" aria-label="Caption, token by token">
      {board.tokens.map((token, index) => {
        const player = first + index;
        return <Chip key={player} store={store} player={player} token={token} tabStop={index === tabStop} />;
      })}
    </div>
  );
}

interface ChipProps {
  readonly store: Store;
  readonly player: number;
  readonly token: string;
  readonly tabStop: boolean;
}

function Chip({ store, player, token, tabStop }: ChipProps) {
  const value = store.values.value?.[player];
  const shown = value === undefined ? 0 : strength(value, store.limit.value);
  return (
    <button
      type="button"
      class="fx-chip"
      style={{
        "--tint": shown > 0 ? faded(colourOf(store.palette.value, value ?? 0), 0.72 * shown) : "transparent",
      }}
      tabindex={tabStop ? 0 : -1}
      aria-pressed={store.traits.selection.value.includes(player)}
      aria-label={spoken(store, player, value)}
      data-player={player}
      data-value={value}
      data-active={store.active.value.includes(player)}
    >
      {token}
    </button>
  );
}

/** "patch row 5, column 1: +1.20" */
function spoken(store: Store, player: number, value: number | undefined): string {
  const name = spokenName(store.board.value, player);
  return value === undefined ? name : `${name}: ${signed(value)}`;
}

/** Arcs over picture and chips, from the centre of a patch to the top of a chip. */
function Arcs({ store, stage }: { store: Store; stage: { current: HTMLDivElement | null } }) {
  const { width, height } = useSize(stage);
  const [places, setPlaces] = useState<ReadonlyMap<number, Point>>(new Map());
  const explanation = store.explanation.value;
  const active = store.active.value;
  const rays = explanation ? raysFrom(explanation, active) : [];
  const players = playerCount(store.board.value);
  useLayoutEffect(() => {
    if (stage.current) {
      setPlaces(placesIn(stage.current));
    }
  }, [width, height, players, store.board.value]);
  return (
    <svg class="fx-arcs" viewBox={`0 0 ${width || 1} ${height || 1}`} aria-hidden="true">
      {rays.map((ray) => (
        <Arc key={`${ray.token}-${ray.patch}`} store={store} ray={ray} places={places} />
      ))}
    </svg>
  );
}

function Arc({ store, ray, places }: { store: Store; ray: Ray; places: ReadonlyMap<number, Point> }) {
  const from = places.get(ray.token);
  const to = places.get(ray.patch);
  if (!from || !to) {
    return null;
  }
  const strong = strength(ray.value, store.limit.value);
  const colour = colourOf(store.palette.value, ray.value);
  return (
    <g class="fx-arc" data-certain={ray.certain} style={{ "--colour": colour }}>
      <path class="fx-halo" d={arc(from, to)} stroke-width={3 + 4 * strong} />
      <path d={arc(from, to)} stroke-width={1 + 4 * strong} />
      <circle cx={to.x} cy={to.y} r={2.5 + 2 * strong} />
    </g>
  );
}

/** Player → where an arc meets it, relative to the stage. */
function placesIn(stage: HTMLElement): Map<number, Point> {
  const origin = stage.getBoundingClientRect();
  const places = new Map<number, Point>();
  for (const element of stage.querySelectorAll("[data-player]")) {
    const box = element.getBoundingClientRect();
    const y = element.classList.contains("fx-chip") ? box.top : box.top + box.height / 2;
    const player = Number(element.getAttribute("data-player"));
    places.set(player, { x: box.left + box.width / 2 - origin.left, y: y - origin.top });
  }
  return places;
}
