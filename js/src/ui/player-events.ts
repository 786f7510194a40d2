/** Hovering, focusing, clicking and arrow keys on anything that stands for players, handled where they bubble to. */

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
 * Handlers for a container whose descendants bear `data-player`, or `data-players` where they stand for an interaction.
 *
 * @param focus puts the keyboard's focus on a player; gets the element that had it.
 * @param next where an arrow key leads; by default along the patches and tokens as they are laid out.
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

/** Leads an arrow key on to the next player, with Shift taking it into the selection; says whether there is one. */
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

/** The part of {@link playerEvents} that only shows, everywhere, what the pointer or the focus is on. */
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

/** Shows `players` as pointed at, in all views; the first of them leads the colours. */
export function point(store: Store, players: readonly number[]): void {
  const old = store.view.pointed.value;
  if (old.length !== players.length || old.some((player, index) => player !== players[index])) {
    store.view.pointed.value = players;
  }
}

/** What a click does, by the tool: one player is selected or hidden, those of an interaction together. */
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

/** Takes `to` into the selection that ends at `from`; going back takes `from` out again. */
function extend(store: Store, from: number, to: number): void {
  const selected = store.wire.selection.value;
  const back = selected.at(-1) === from && selected.at(-2) === to;
  const kept = selected.filter((player) => player !== from && player !== to);
  store.commit("selection", back ? [...kept, to] : [...kept, from, to]);
}

/** The players that an element, or one around it, stands for. */
export function playersAt(target: EventTarget | null): readonly number[] {
  const element = target instanceof Element ? target.closest("[data-player], [data-players]") : null;
  const players = element?.getAttribute("data-players") ?? element?.getAttribute("data-player");
  return players ? players.split(" ").map(Number) : [];
}

/** The player, or the node of the graph, that arrow keys lead on from. */
function nodeAt(target: EventTarget | null): number | null {
  const element = target instanceof Element ? target.closest("[data-player], [data-node]") : null;
  const node = element?.getAttribute("data-player") ?? element?.getAttribute("data-node");
  return node ? Number(node) : null;
}

export function adds(store: Store, event: MouseEvent | KeyboardEvent): boolean {
  return store.view.several.value || event.shiftKey || event.ctrlKey || event.metaKey;
}
