/** A hook for the size of an element. */

import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";

export interface Size {
  readonly width: number;
  readonly height: number;
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
      const { width, height } = element.getBoundingClientRect();
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
