/** Sizes of elements in their own CSS pixels, also where a host scales its cells, as slides do. */

import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import type { Point } from "./geometry";

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Return by how much a host's transform scales an element; 1 without a transform. */
export function scaleOf(element: Element): number {
  const own = element instanceof HTMLElement ? element.offsetWidth : 0;
  const { width } = element.getBoundingClientRect();
  // the own width is a whole number
  return own > 0 && Math.abs(width - own) >= 1 ? width / own : 1;
}

/** Return a pointer's place relative to an element, in the element's own pixels. */
export function placeWithin(element: Element, { clientX, clientY }: MouseEvent): Point {
  const { left, top } = element.getBoundingClientRect();
  const scale = scaleOf(element);
  return { x: (clientX - left) / scale, y: (clientY - top) / scale };
}

/** Return the current size of the element in CSS pixels; zero before its first layout. It may appear at any time. */
export function useSize(ref: RefObject<Element>): Size {
  const [size, setSize] = useState<Size>({ width: 0, height: 0 });
  const observed = useRef<{ readonly element: Element; readonly observer: ResizeObserver } | null>(null);
  // after every render, because the element may be new
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === (observed.current?.element ?? null)) {
      return;
    }
    observed.current?.observer.disconnect();
    observed.current = null;
    if (!element) {
      return;
    }
    const measure = () => {
      const box = element.getBoundingClientRect();
      const scale = scaleOf(element);
      const [width, height] = [box.width / scale, box.height / scale];
      setSize((old) => (old.width === width && old.height === height ? old : { width, height }));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    observed.current = { element, observer };
    measure();
  });
  useLayoutEffect(() => () => observed.current?.observer.disconnect(), []);
  return size;
}
