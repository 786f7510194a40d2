/** Events of elements that represent players: hover, focus, click and arrow keys, handled by their container. */

import { neighbour } from "../model/players";
import type { Store } from "../state/store";

export interface PlayerEvents {
  readonly onPointerOver: (event: PointerEvent) => void;
  readonly onPointerLeave: () => void;
  readonly onFocusIn: (event: FocusEvent) => void;
  readonly onFocusOut: () => void;
  readonly onClick: (event: MouseEvent) => void;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

type Neighbour = (player: number, key: string) => number | null;

/**
 * Return handlers for a container whose descendants have `data-player`, or `data-players` for an interaction.
 *
 * @param focus focuses a player; also receives the previously focused element.
 * @param next returns the player to which an arrow key leads; by default the neighbour in picture and caption.
 */
export function playerEvents(
  store: Store,
  focus: (player: number, from: Element) => void,
  next: Neighbour = (player, key) =>
    neighbour(store.view.board.value, player, key, store.view.outlines.value),
): PlayerEvents {
  return {
    ...pointingEvents(store),
    onClick: (event) => press(store, playersAt(event.target), adds(store, event)),
    onKeyDown: (event) => {
      const players = playersAt(event.target);
      if (players.length > 0 && (event.key === "Enter" || event.key === " ")) {
        press(store, players, adds(store, event));
        event.preventDefault();
      } else if (event.target instanceof Element && walk(store, event, event.target, focus, next)) {
        event.preventDefault();
      }
    },
  };
}

/** Focus the next player after an arrow key; with Shift, also select it. Return whether there is one. */
function walk(
  store: Store,
  event: KeyboardEvent,
  target: Element,
  focus: (player: number, from: Element) => void,
  next: Neighbour,
): boolean {
  const from = nodeAt(target);
  const to = from === null ? null : next(from, event.key);
  if (from === null || to === null) {
    return false;
  }
  if (event.shiftKey && store.view.tool.value === "select") {
    extend(store, from, to);
  }
  focus(to, target);
  return true;
}

/** Return the handlers of {@link playerEvents} that highlight the players under the pointer or focus. */
export function pointingEvents(
  store: Store,
): Pick<PlayerEvents, "onPointerOver" | "onPointerLeave" | "onFocusIn" | "onFocusOut"> {
  return {
    onPointerOver: (event) => {
      if (event.pointerType !== "touch") {
        point(store, playersAt(event.target));
      }
    },
    onPointerLeave: () => point(store, []),
    onFocusIn: (event) => point(store, playersAt(event.target)),
    onFocusOut: () => point(store, []),
  };
}

/** Highlight `players` in all parts of the view; the first one determines the colours. */
export function point(store: Store, players: readonly number[]): void {
  const old = store.view.pointed.value;
  if (old.length !== players.length || old.some((player, index) => player !== players[index])) {
    store.view.pointed.value = players;
  }
}

/** Select or hide players after a click, depending on the tool; those of an interaction together. */
export function press(store: Store, players: readonly number[], add: boolean): void {
  const [only] = players;
  if (only === undefined) {
    return;
  }
  if (store.view.tool.value === "hide") {
    store.toggleRemoved(players);
  } else if (players.length === 1) {
    store.select(only, add);
  } else {
    const selected = store.wire.selection.value;
    const same = selected.length === players.length && players.every((player) => selected.includes(player));
    store.commit("selection", add ? [...new Set([...selected, ...players])] : same ? [] : players);
  }
}

/** Add `to` to a selection that ends at `from`; a step back removes `from`. */
function extend(store: Store, from: number, to: number): void {
  const selected = store.wire.selection.value;
  const back = selected.at(-1) === from && selected.at(-2) === to;
  const kept = selected.filter((player) => player !== from && player !== to);
  store.commit("selection", back ? [...kept, to] : [...kept, from, to]);
}

/** Return the players of an element or of the closest element around it. */
export function playersAt(target: EventTarget | null): readonly number[] {
  const element = target instanceof Element ? target.closest("[data-player], [data-players]") : null;
  const players = element?.getAttribute("data-players") ?? element?.getAttribute("data-player");
  return players ? players.split(" ").map(Number) : [];
}

/** Return the player or the graph's node at which an arrow key starts. */
function nodeAt(target: EventTarget | null): number | null {
  const element = target instanceof Element ? target.closest("[data-player], [data-node]") : null;
  const node = element?.getAttribute("data-player") ?? element?.getAttribute("data-node");
  return node ? Number(node) : null;
}

export function adds(store: Store, event: MouseEvent | KeyboardEvent): boolean {
  return store.view.several.value || event.shiftKey || event.ctrlKey || event.metaKey;
}
