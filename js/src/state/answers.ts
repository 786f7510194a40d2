/** What was asked of the kernel and is not answered yet: a kernel that is busy or dead is not waited for in vain. */

import { type ReadonlySignal, signal } from "@preact/signals";

const ANSWERS_WITHIN_MS = 5000;
/** Between two signs of life while it computes: one batch on a slow machine takes seconds. */
const BATCH_WITHIN_MS = 60_000;

export interface Answers {
  /** A refinement was asked for and has not begun. */
  readonly pending: ReadonlySignal<boolean>;
  /** Nothing came for too long. */
  readonly silent: ReadonlySignal<boolean>;
  /** Something was asked that the kernel answers at once; `refinement`: with a new generation. */
  asked(refinement: boolean): void;
  /** The refinement that was asked for has begun, or was refused. */
  begun(): void;
  /** What was asked could not even be sent. */
  lost(): void;
  /** A sign of life came; while it is `busy`, others will follow. */
  heard(busy: boolean): void;
  stop(): void;
}

export function createAnswers(): Answers {
  const pending = signal(false);
  const silent = signal(false);
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const lost = () => {
    clearTimeout(waiting);
    pending.value = false;
    silent.value = true;
  };
  const wait = (milliseconds: number) => {
    clearTimeout(waiting);
    waiting = setTimeout(lost, milliseconds);
  };
  return {
    pending,
    silent,
    asked: (refinement) => {
      pending.value ||= refinement;
      wait(ANSWERS_WITHIN_MS);
    },
    begun: () => {
      pending.value = false;
    },
    lost,
    heard: (busy) => {
      silent.value = false;
      if (busy) {
        wait(BATCH_WITHIN_MS);
      } else if (!pending.value) {
        clearTimeout(waiting);
      }
    },
    stop: () => clearTimeout(waiting),
  };
}
