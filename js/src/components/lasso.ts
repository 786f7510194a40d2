/** Dragging over the picture takes in all patches of a rectangle: with a mouse at once, by touch once asked for. */

import type { RefObject } from "preact";
import { useState } from "preact/hooks";
import { clamp, type Point } from "../geometry";
import type { Store } from "../store";
import { type DragEvents, useDrag } from "./drag";
import { adds, point } from "./interaction";

export interface Lasso extends DragEvents {
  /** Patches that the rectangle holds while it is drawn. */
  readonly held: readonly number[];
}

export function useLasso(store: Store, picture: RefObject<Element>): Lasso {
  const [held, setHeld] = useState<readonly number[]>([]);
  const inside = (from: Point, to: Point) =>
    picture.current
      ? patchesWithin(store.board.value.grid, picture.current.getBoundingClientRect(), from, to)
      : [];
  const events = useDrag<true>(picture, {
    hold: (event) => (event.pointerType === "touch" && !drags(store) ? null : true),
    move: (_, from, to) => {
      point(store, []);
      setHeld(inside(from, to));
    },
    drop: (_, from, to, event) => take(store, inside(from, to), adds(store, event)),
    end: () => setHeld([]),
  });
  return { held, ...events };
}

/** Whether a finger on the picture draws a rectangle instead of moving the page. */
export function drags(store: Store): boolean {
  return store.several.value || store.tool.value === "hide";
}

function take(store: Store, patches: readonly number[], add: boolean): void {
  if (store.tool.value === "hide") {
    store.toggleRemoved(patches);
  } else {
    const selected = add ? store.traits.selection.value : [];
    store.commit("selection", [...new Set([...selected, ...patches])]);
  }
}

/** Patches that the rectangle between two corners touches, row by row. */
export function patchesWithin(
  [rows, columns]: readonly [rows: number, columns: number],
  box: { readonly left: number; readonly top: number; readonly width: number; readonly height: number },
  from: Point,
  to: Point,
): number[] {
  const column = ({ x }: Point) => clamp(Math.floor(((x - box.left) / box.width) * columns), 0, columns - 1);
  const row = ({ y }: Point) => clamp(Math.floor(((y - box.top) / box.height) * rows), 0, rows - 1);
  const [left, right] = [column(from), column(to)].sort((a, b) => a - b) as [number, number];
  const [top, bottom] = [row(from), row(to)].sort((a, b) => a - b) as [number, number];
  const patches: number[] = [];
  for (let r = top; r <= bottom; r++) {
    for (let c = left; c <= right; c++) {
      patches.push(r * columns + c);
    }
  }
  return patches;
}
