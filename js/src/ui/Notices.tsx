/** Notices of errors, of rejected settings, and of a silent kernel. */

import type { ComponentChildren } from "preact";
import type { Store } from "../state/store";
import { Icon } from "./Field";

/** Settings and requests whose refusal appears beside their control. */
const BESIDE = ["p", "budget", "more", "text", "shown", "compare_with", "pin", "unpin"];

interface NoticesProps {
  readonly store: Store;
  /** Settings and requests whose refusal the open panel shows. */
  readonly elsewhere: readonly string[];
}

export function Notices({ store, elsewhere }: NoticesProps) {
  const { error, live } = store.wire;
  return (
    <>
      <Refused store={store} except={[...BESIDE, ...elsewhere]} />
      {error.value && (
        <Notice kind="error" text={withKept(error.value, store.wire.result.value !== null)}>
          {live.value && (
            <button
              type="button"
              class="fx-button"
              data-action="retry"
              onClick={() => store.ask({ type: "run" })}
            >
              Try again
            </button>
          )}
        </Notice>
      )}
      {store.wire.silent.value && (
        <Notice
          kind="silent"
          text={
            "The kernel does not answer: it may be busy, or it may have stopped. " +
            "You can still explore this result; to change it, run the cell again."
          }
        />
      )}
    </>
  );
}

function withKept(error: string, shown: boolean): string {
  return shown ? `${error} The view shows the last valid result.` : error;
}

type RefusedProps = { readonly store: Store } & (
  | { readonly names: readonly string[]; readonly except?: undefined }
  | { readonly except: readonly string[]; readonly names?: undefined }
);

/** The reason for a rejected setting or request, if it is one of `names` (or none of `except`). */
export function Refused({ store, names, except }: RefusedProps) {
  const refusal = store.view.refusal.value;
  if (!refusal || (names ? !names.includes(refusal.name) : except.includes(refusal.name))) {
    return null;
  }
  return (
    <Notice kind="refusal" text={refusal.message}>
      <button
        type="button"
        class="fx-icon"
        aria-label="Dismiss"
        onClick={() => {
          store.view.refusal.value = null;
        }}
      >
        <Icon name="close" />
      </button>
    </Notice>
  );
}

interface NoticeProps {
  readonly kind: "refusal" | "error" | "silent";
  readonly text: string;
  readonly children?: ComponentChildren;
}

export function Notice({ kind, text, children }: NoticeProps) {
  return (
    <div class="fx-notice" data-kind={kind} role="alert">
      <span>{text}</span>
      {children}
    </div>
  );
}
