/** Hovering, focusing, clicking and arrow keys on anything that stands for a player, handled where they bubble to. */

import { neighbour } from "../players";
import type { Store } from "../store";

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
 * Handlers for a container whose descendants bear `data-player`.
 *
 * @param focus puts the keyboard's focus on a player; gets the element that had it.
 * @param next where an arrow key leads; by default along the patches and tokens as they are laid out.
 */
export function playerEvents(
  store: Store,
  focus: (player: number, from: Element) => void,
  next: Neighbour = (player, key) => neighbour(store.board.value, player, key),
): PlayerEvents {
  return {
    onPointerOver: (event) => {
      if (event.pointerType !== "touch") {
        store.hovered.value = playerAt(event.target);
      }
    },
    onPointerLeave: () => {
      store.hovered.value = null;
    },
    onFocusIn: (event) => {
      store.hovered.value = playerAt(event.target);
    },
    onFocusOut: () => {
      store.hovered.value = null;
    },
    onClick: (event) => {
      const player = playerAt(event.target);
      if (player !== null) {
        store.select(player, adds(event));
      }
    },
    onKeyDown: (event) => {
      const player = playerAt(event.target);
      if (player === null || !(event.target instanceof Element)) {
        return;
      }
      if (event.key === "Enter" || event.key === " ") {
        store.select(player, adds(event));
      } else {
        const to = next(player, event.key);
        if (to === null) {
          return;
        }
        focus(to, event.target);
      }
      event.preventDefault();
    },
  };
}

/** The player that an element, or one around it, stands for. */
function playerAt(target: EventTarget | null): number | null {
  const player =
    target instanceof Element ? target.closest("[data-player]")?.getAttribute("data-player") : null;
  return player ? Number(player) : null;
}

function adds(event: MouseEvent | KeyboardEvent): boolean {
  return event.shiftKey || event.ctrlKey || event.metaKey;
}
