/** Requests without an answer yet, and a time limit after which a busy or dead kernel counts as silent. */

import { type ReadonlySignal, signal } from "@preact/signals";

const ANSWERS_WITHIN_MS = 5000;
/** Longest time between two messages during a computation; one batch may take seconds on a slow machine. */
const BATCH_WITHIN_MS = 60_000;

export interface Answers {
  /** Whether a requested refinement has not begun yet. */
  readonly pending: ReadonlySignal<boolean>;
  /** Whether the kernel has sent nothing for too long. */
  readonly silent: ReadonlySignal<boolean>;
  /** Note a request that the kernel answers at once; `refinement` if the answer is a new generation. */
  expect(refinement: boolean): void;
  /** Note that the requested refinement has begun or was rejected. */
  begin(): void;
  /** Note that a request could not be sent. */
  fail(): void;
  /** Note a message; while the kernel is `busy`, more will follow. */
  receive(busy: boolean): void;
  stop(): void;
}

export function createAnswers(): Answers {
  const pending = signal(false);
  const silent = signal(false);
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const fail = () => {
    clearTimeout(waiting);
    pending.value = false;
    silent.value = true;
  };
  const wait = (milliseconds: number) => {
    clearTimeout(waiting);
    waiting = setTimeout(fail, milliseconds);
  };
  return {
    pending,
    silent,
    expect: (refinement) => {
      pending.value ||= refinement;
      wait(ANSWERS_WITHIN_MS);
    },
    begin: () => {
      pending.value = false;
    },
    fail,
    receive: (busy) => {
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
