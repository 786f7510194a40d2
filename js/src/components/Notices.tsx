/** Sentences that need to be read: what went wrong, and what was not taken. */

import type { Store } from "../store";

export function Notices({ store }: { store: Store }) {
  const refusal = store.refusal.value;
  const error = store.traits.error.value;
  return (
    <>
      {refusal && (
        <Notice
          kind="refusal"
          dismiss={() => {
            store.refusal.value = null;
          }}
        >
          {refusal.message}
        </Notice>
      )}
      {error && <Notice kind="error">{withKept(error, store.explanation.value !== null)}</Notice>}
    </>
  );
}

function withKept(error: string, shown: boolean): string {
  return shown ? `${error} What is shown is the last good result.` : error;
}

interface NoticeProps {
  readonly kind: "refusal" | "error";
  readonly children: string;
  readonly dismiss?: () => void;
}

function Notice({ kind, children, dismiss }: NoticeProps) {
  return (
    <div class="fx-notice" data-kind={kind} role="alert">
      <span>{children}</span>
      {dismiss && (
        <button type="button" class="fx-icon" aria-label="Dismiss" onClick={dismiss}>
          <svg viewBox="0 0 16 16" aria-hidden="true">
            <path d="M4 4l8 8M12 4l-8 8" />
          </svg>
        </button>
      )}
    </div>
  );
}
