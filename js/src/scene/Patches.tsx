/** The picture with its patches or regions, each in the colour of its value or hatched if hidden from the model. */

import { effect, type ReadonlySignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { colourOf, strength } from "../lib/colour";
import { signed } from "../lib/format";
import type { Point } from "../lib/geometry";
import { unitOf } from "../model/explanation";
import { counting, imageWord, patchCount, shortName, spokenName } from "../model/players";
import { wordOpacity } from "../model/words";
import type { WordColours } from "../state/first-sight";
import type { Store } from "../state/store";
import { drags, useLasso } from "./lasso";

const DEFAULT_SIDE = 448;

export function Patches({ store, tabStop }: { store: Store; tabStop: number }) {
  const svg = useRef<SVGSVGElement>(null);
  const { held, ...dragging } = useLasso(store, svg);
  const board = store.view.board.value;
  const picture = store.view.picture.value;
  const { image } = store.wire.scene.value;
  const outlines = store.view.outlines.value;
  const width = image?.width ?? DEFAULT_SIDE;
  const height = image?.height ?? (DEFAULT_SIDE * outlines.height) / outlines.width;
  const scale = { x: width / outlines.width, y: height / outlines.height };
  const count = patchCount(board);
  usePaint(store, svg, held, count);
  return (
    <svg
      ref={svg}
      class="fx-picture"
      viewBox={`0 0 ${width} ${height}`}
      style={{ aspectRatio: `${width} / ${height}` }}
      role="group"
      aria-label={
        board.regions ? `Image, ${count} regions` : `Image, ${board.grid[0]} rows of ${board.grid[1]} patches`
      }
      data-drags={drags(store)}
      onDragStart={(event) => event.preventDefault()}
      {...dragging}
    >
      <Hatch id={`${store.id}-hatch`} side={width / 28} scale={scale} />
      {picture && (
        <image href={picture} width={width} height={height} preserveAspectRatio="none" aria-hidden="true" />
      )}
      <g transform={`scale(${scale.x} ${scale.y})`}>
        {[...Array(count).keys()].map((player) => (
          <path
            key={player}
            class="fx-patch"
            d={outlines.path(player)}
            role="button"
            tabindex={player === tabStop ? 0 : -1}
            data-player={player}
          >
            <title />
          </path>
        ))}
        <path class="fx-outlined" d="" />
      </g>
    </svg>
  );
}

/**
 * Paint the patches after every change. A moving pointer changes hundreds of them at once, so their attributes are set
 * directly, without a comparison of element trees, and only those that change.
 */
function usePaint(
  store: Store,
  svg: RefObject<SVGSVGElement>,
  held: ReadonlySignal<ReadonlySet<number>>,
  count: number,
): void {
  useLayoutEffect(() => {
    const painted = new Map<Element, Attributes>();
    return effect(() => {
      const paint = (element: Element | null, now: Attributes) => {
        if (element) {
          setChanged(element, painted.get(element), now);
          painted.set(element, now);
        }
      };
      const coloured = store.view.values.value !== null && store.view.tool.value === "select";
      paint(svg.current, { "data-coloured": String(coloured) });
      for (const patch of svg.current?.querySelectorAll(".fx-patch") ?? []) {
        const player = Number(patch.getAttribute("data-player"));
        paint(patch, paintOf(store, player, held.value));
        retitle(patch, tooltip(store, player));
      }
      paint(svg.current?.querySelector(".fx-outlined") ?? null, { d: outlined(store) });
    });
  }, [store, count]);
}

/** Return outlines of the active image players, to draw on top, since neighbours would cover them. */
function outlined(store: Store): string {
  const first = patchCount(store.view.board.value);
  const players = new Set([...store.view.active.value, ...store.wire.selection.value]);
  return [...players]
    .filter((player) => player < first)
    .map(store.view.outlines.value.path)
    .join("");
}

type Attributes = Readonly<Record<string, string | null>>;

function setChanged(element: Element, before: Attributes | undefined, now: Attributes): void {
  for (const [name, value] of Object.entries(now)) {
    if (value === null) {
      element.removeAttribute(name);
    } else if (before?.[name] !== value) {
      element.setAttribute(name, value);
    }
  }
}

function retitle(element: Element, text: string): void {
  const title = element.querySelector("title");
  if (title && title.textContent !== text) {
    title.textContent = text;
  }
}

/** Return the changing attributes of a patch. */
function paintOf(store: Store, player: number, held: ReadonlySet<number>): Attributes {
  const value = store.view.values.value?.[player];
  const active = store.view.active.value.includes(player);
  const removed = store.wire.removed.value.includes(player);
  return {
    ...fillOf(store, player, value, removed, active),
    "aria-pressed": String(pressed(store, player)),
    "aria-label": spoken(store, player, value),
    "data-value": attribute(value ?? null),
    "data-word": store.view.firstSight.value && attribute(wordOf(store, player)),
    "data-active": String(active),
    "data-held": String(held.has(player)),
    "data-removed": String(removed),
    "data-pointed": String(store.view.pointed.value.includes(player)),
    "data-member": String(store.view.subset.value?.players.includes(player) ?? false),
  };
}

function attribute(value: number | null): string | null {
  return value === null ? null : String(value);
}

/** The hatch over hidden players; the playground shows what the model sees instead. */
function Hatch({ id, side, scale }: { id: string; side: number; scale: Point }) {
  // undo the scale of the players' coordinates
  const turned = `scale(${1 / scale.x} ${1 / scale.y}) rotate(45)`;
  return (
    <pattern id={id} width={side} height={side} patternUnits="userSpaceOnUse" patternTransform={turned}>
      <rect class="fx-unseen" width={side} height={side} />
      <rect class="fx-hatch" width={side / 5} height={side} />
    </pattern>
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
  const words = store.view.firstSight.value;
  if (words) {
    const colour = words.colours[words.words[player] ?? -1];
    const opacity = colour ? wordOpacity(words.values[player] ?? 0, words.largest) : 0;
    return { fill: colour ?? "none", "fill-opacity": opacity.toFixed(3) };
  }
  const shown = active || value === undefined ? 0 : tint(store, player, value);
  const fill = shown > 0 ? colourOf(store.view.palette.value, value ?? 0) : "none";
  return { fill, "fill-opacity": (0.74 * shown).toFixed(3) };
}

/** Return the strength of a player's colour, 0 to 1; 0 while the user hides players. */
export function tint(store: Store, player: number, value: number | undefined): number {
  if (value === undefined || store.view.tool.value === "hide") {
    return 0;
  }
  const { patch, token } = store.view.scales.value;
  return strength(value, player < patchCount(store.view.board.value) ? patch : token);
}

/** Return whether a player is selected or, while the user hides players, whether it is hidden. */
export function pressed(store: Store, player: number): boolean {
  const { selection, removed } = store.wire;
  return (store.view.tool.value === "hide" ? removed : selection).value.includes(player);
}

/**
 * "patch row 5, column 1: +1.20", "token “dog”: +0.40, hidden"; with the colours of words "patch row 5, column 1, word
 * “dog”: +1.20", "patch row 1, column 1", "token “dog”: 12 patches".
 */
export function spoken(store: Store, player: number, value: number | undefined): string {
  const board = store.view.board.value;
  const words = store.view.firstSight.value;
  const hidden = store.wire.removed.value.includes(player) ? ", hidden" : "";
  const word = wordOf(store, player);
  const name = spokenName(board, player) + (word === null ? "" : `, ${spokenName(board, word)}`);
  if (words && player >= patchCount(board)) {
    const patches = counting(patchesOf(words, player - patchCount(board)), imageWord(board));
    return patches === "" ? name : `${name}: ${patches}`;
  }
  const number = words ? (word === null ? undefined : words.values[player]) : value;
  return (number === undefined ? name : `${name}: ${signed(number)}`) + hidden;
}

/** Return the number of image players in the colour of a word, numbered from 0. */
function patchesOf({ words, colours }: WordColours, word: number): number {
  return colours[word] ? words.filter((other) => other === word).length : 0;
}

/** Return the player in whose colour a patch is without active players; null if none. */
function wordOf(store: Store, player: number): number | null {
  const words = store.view.colouring.value === "words" ? store.view.words.value : null;
  const word = words?.words[player] ?? -1;
  return words?.colours[word] ? patchCount(store.view.board.value) + word : null;
}

/** "“dog” +1.20 logits": the word of a patch, and their interaction. */
function tooltip(store: Store, player: number): string {
  const word = wordOf(store, player);
  const value = store.view.words.value?.values[player];
  const shown = store.view.explanation.value;
  return word === null || value === undefined || !shown
    ? ""
    : `${shortName(store.view.board.value, word)} ${signed(value)}${unitOf(shown)}`;
}
