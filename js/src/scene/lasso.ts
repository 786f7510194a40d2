/** The lasso: dragging over the picture selects players in a rectangle. On touch screens a button enables it. */

import { type ReadonlySignal, useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { type DragEvents, useDrag } from "../lib/drag";
import { clamp, type Point } from "../lib/geometry";
import type { Outlines } from "../model/outlines";
import type { Store } from "../state/store";
import { adds, point } from "../ui/player-events";

export interface Lasso extends DragEvents {
  /** Image players in the rectangle during a drag. */
  readonly held: ReadonlySignal<ReadonlySet<number>>;
}

const NONE: ReadonlySet<number> = new Set();

export function useLasso(store: Store, picture: RefObject<Element>): Lasso {
  const held = useSignal(NONE);
  const inside = (from: Point, to: Point) =>
    picture.current ? playersWithin(store, picture.current.getBoundingClientRect(), from, to) : [];
  const events = useDrag<true>(picture, {
    hold: (event) => (event.pointerType === "touch" && !drags(store) ? null : true),
    move: (_, from, to) => {
      point(store, []);
      held.value = new Set(inside(from, to));
    },
    drop: (_, from, to, event) => take(store, inside(from, to), adds(store, event)),
    end: () => {
      held.value = NONE;
    },
  });
  return { held, ...events };
}

/** Return whether a finger draws a rectangle instead of scrolling the page. */
export function drags(store: Store): boolean {
  return store.view.several.value || store.view.tool.value === "hide";
}

function take(store: Store, patches: readonly number[], add: boolean): void {
  if (patches.length === 0) {
    return; // no region's centre in the rectangle: the selection stays
  }
  if (store.view.tool.value === "hide") {
    store.toggleRemoved(patches);
  } else {
    const selected = add ? store.wire.selection.value : [];
    store.commit("selection", [...new Set([...selected, ...patches])]);
  }
}

interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Return patches that the rectangle touches, or regions whose centre it contains. */
function playersWithin(store: Store, box: Frame, from: Point, to: Point): number[] {
  const { regions, grid } = store.view.board.value;
  return regions
    ? regionsWithin(store.view.outlines.value, grid[0] * grid[1], box, from, to)
    : patchesWithin(grid, box, from, to);
}

/** Return the regions, of `count`, whose centre is in the rectangle between two corners. */
export function regionsWithin(
  { centre }: Pick<Outlines, "centre">,
  count: number,
  box: Frame,
  from: Point,
  to: Point,
): number[] {
  const within = (at: number, one: number, other: number) => (at - one) * (at - other) <= 0;
  return [...Array(count).keys()].filter((player) => {
    const { x, y } = centre(player);
    const [across, down] = [box.left + x * box.width, box.top + y * box.height];
    return within(across, from.x, to.x) && within(down, from.y, to.y);
  });
}

/** Return the patches that the rectangle between two corners touches, row by row. */
export function patchesWithin(
  [rows, columns]: readonly [rows: number, columns: number],
  box: Frame,
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
