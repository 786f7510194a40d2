/** Dragging over the picture takes in all patches of a rectangle: with a mouse at once, by touch once asked for. */

import type { RefObject } from "preact";
import { useRef, useState } from "preact/hooks";
import { clamp } from "../geometry";
import type { Store } from "../store";
import { adds, point } from "./interaction";

/** Pixels before a press becomes a drag. */
const SLACK = 6;

export interface Lasso {
  /** Patches that the rectangle holds while it is drawn. */
  readonly held: readonly number[];
  readonly onPointerDown: (event: PointerEvent) => void;
  readonly onPointerMove: (event: PointerEvent) => void;
  readonly onPointerUp: (event: PointerEvent) => void;
  readonly onPointerCancel: () => void;
  readonly onClickCapture: (event: MouseEvent) => void;
}

interface Place {
  readonly x: number;
  readonly y: number;
}

export function useLasso(store: Store, picture: RefObject<Element>): Lasso {
  const [held, setHeld] = useState<readonly number[]>([]);
  const start = useRef<Place | null>(null);
  const drawn = useRef(false);
  const stop = () => {
    start.current = null;
    setHeld([]);
  };
  const inside = (event: PointerEvent) =>
    start.current && picture.current
      ? patchesWithin(
          store.board.value.grid,
          picture.current.getBoundingClientRect(),
          start.current,
          placeOf(event),
        )
      : [];
  return {
    held,
    onPointerDown: (event) => {
      drawn.current = false;
      if (event.button === 0 && (event.pointerType !== "touch" || store.several.value)) {
        start.current = placeOf(event);
      }
    },
    onPointerMove: (event) => {
      const from = start.current;
      if (!from) {
        return;
      }
      if (!drawn.current && Math.hypot(event.clientX - from.x, event.clientY - from.y) > SLACK) {
        drawn.current = true;
        picture.current?.setPointerCapture?.(event.pointerId);
      }
      if (drawn.current) {
        point(store, []);
        setHeld(inside(event));
      }
    },
    onPointerUp: (event) => {
      if (drawn.current && start.current) {
        take(store, inside(event), adds(store, event));
      }
      stop();
    },
    onPointerCancel: stop,
    onClickCapture: (event) => {
      // the click that ends a drag is no click on a patch
      if (drawn.current) {
        drawn.current = false;
        event.stopPropagation();
      }
    },
  };
}

function take(store: Store, patches: readonly number[], add: boolean): void {
  if (store.tool.value === "hide") {
    store.toggleRemoved(patches);
  } else {
    const selected = add ? store.traits.selection.value : [];
    store.commit("selection", [...new Set([...selected, ...patches])]);
  }
}

function placeOf(event: PointerEvent): Place {
  return { x: event.clientX, y: event.clientY };
}

/** Patches that the rectangle between two corners touches, row by row. */
export function patchesWithin(
  [rows, columns]: readonly [rows: number, columns: number],
  box: { readonly left: number; readonly top: number; readonly width: number; readonly height: number },
  from: Place,
  to: Place,
): number[] {
  const column = ({ x }: Place) => clamp(Math.floor(((x - box.left) / box.width) * columns), 0, columns - 1);
  const row = ({ y }: Place) => clamp(Math.floor(((y - box.top) / box.height) * rows), 0, rows - 1);
  const patches: number[] = [];
  for (let r = Math.min(row(from), row(to)); r <= Math.max(row(from), row(to)); r++) {
    for (let c = Math.min(column(from), column(to)); c <= Math.max(column(from), column(to)); c++) {
      patches.push(r * columns + c);
    }
  }
  return patches;
}
