/** A hook for dragging; a press counts as a drag once the pointer has moved far enough. */

import type { RefObject } from "preact";
import { useRef } from "preact/hooks";
import type { Point } from "./geometry";

/** Distance, in pixels, after which a press becomes a drag. */
const SLACK = 5;

export interface DragEvents {
  readonly onPointerDown: (event: PointerEvent) => void;
  readonly onPointerMove: (event: PointerEvent) => void;
  readonly onPointerUp: (event: PointerEvent) => void;
  readonly onPointerCancel: () => void;
  readonly onLostPointerCapture: () => void;
  readonly onClickCapture: (event: MouseEvent) => void;
}

export interface Dragging<Held> {
  /** Return what a press would drag, or null. */
  hold(event: PointerEvent): Held | null;
  /** Called for every move of a drag. */
  move(held: Held, from: Point, to: Point): void;
  /** Called at the end of a drag, but not of a click. */
  drop?(held: Held, from: Point, to: Point, event: PointerEvent): void;
  /** Called at the end of every press. */
  end?(): void;
}

/** Return handlers for `element`, which captures the pointer during a drag. The click that ends a drag is swallowed. */
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
      if (event.buttons === 0) {
        end(); // the button was released where this element receives no events
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
    onLostPointerCapture: end,
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
