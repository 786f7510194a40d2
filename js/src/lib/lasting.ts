/** Signals that ignore what lasts only a moment. */

import { effect, type ReadonlySignal, signal } from "@preact/signals";

/**
 * Return a signal that is true once `source` has been true for some milliseconds, until it is false; what is true
 * already lasts.
 *
 * @param releases receives functions to call when the view closes.
 */
export function lasting(
  source: ReadonlySignal<boolean>,
  milliseconds: number,
  releases: (() => void)[],
): ReadonlySignal<boolean> {
  const result = signal(source.peek());
  let timer: ReturnType<typeof setTimeout> | undefined;
  releases.push(
    effect(() => {
      clearTimeout(timer);
      if (source.value) {
        timer = setTimeout(() => {
          result.value = true;
        }, milliseconds);
      } else {
        result.value = false;
      }
    }),
    () => clearTimeout(timer),
  );
  return result;
}
