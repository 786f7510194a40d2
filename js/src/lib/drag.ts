/** Telling a drag from a click: a press that moves far enough, on what may be dragged. */

import type { RefObject } from "preact";
import { useRef } from "preact/hooks";
import type { Point } from "./geometry";

/** Pixels before a press becomes a drag. */
const SLACK = 5;

export interface DragEvents {
  readonly onPointerDown: (event: PointerEvent) => void;
  readonly onPointerMove: (event: PointerEvent) => void;
  readonly onPointerUp: (event: PointerEvent) => void;
  readonly onPointerCancel: () => void;
  readonly onClickCapture: (event: MouseEvent) => void;
}

export interface Dragging<Held> {
  /** What a press takes hold of; `null` where nothing can be dragged. */
  hold(event: PointerEvent): Held | null;
  /** The pointer moved, by then a drag, from where it was pressed. */
  move(held: Held, from: Point, to: Point): void;
  /** It was let go there; called for drags alone. */
  drop?(held: Held, from: Point, to: Point, event: PointerEvent): void;
  /** The press is over, whether it was a drag or not. */
  end?(): void;
}

/** Handlers for `element`, which keeps the pointer while it drags. The click that ends a drag goes nowhere. */
export function useDrag<Held>(element: RefObject<Element>, dragging: Dragging<Held>): DragEvents {
  const press = useRef<{ held: Held; from: Point } | null>(null);
  const dragged = useRef(false);
  const end = () => {
    press.current = null;
    dragging.end?.();
  };
  return {
    onPointerDown: (event) => {
      dragged.current = false;
      const held = event.button === 0 ? dragging.hold(event) : null;
      press.current = held === null ? null : { held, from: placeOf(event) };
    },
    onPointerMove: (event) => {
      const { held, from } = press.current ?? {};
      if (held === undefined || from === undefined) {
        return;
      }
      const to = placeOf(event);
      if (!dragged.current && Math.hypot(to.x - from.x, to.y - from.y) > SLACK) {
        dragged.current = true;
        element.current?.setPointerCapture?.(event.pointerId);
      }
      if (dragged.current) {
        dragging.move(held, from, to);
      }
    },
    onPointerUp: (event) => {
      if (dragged.current && press.current) {
        dragging.drop?.(press.current.held, press.current.from, placeOf(event), event);
      }
      end();
    },
    onPointerCancel: end,
    onClickCapture: (event) => {
      if (dragged.current) {
        dragged.current = false;
        event.stopPropagation();
      }
    },
  };
}

function placeOf(event: PointerEvent): Point {
  return { x: event.clientX, y: event.clientY };
}
