/** The finding in a few sentences. */

import type { ComponentChildren } from "preact";
import type { Store } from "../state/store";

interface FindingProps {
  readonly store: Store;
  /** The choice of the explanation to compare, if any. */
  readonly children?: ComponentChildren;
}

export function Finding({ store, children }: FindingProps) {
  const more = store.view.level.value === "all";
  return (
    <div class="fx-finding">
      <div class="fx-sentence" aria-busy={store.view.stale.value}>
        <Sentences
          text={finding(store)}
          before={store.view.stale.value ? "For the earlier caption:" : ""}
          more={more}
        />
        {/* reserves the height of the overall finding, so that other findings do not move the content below */}
        <div aria-hidden="true">
          <Sentences text={store.view.explanation.value?.findings.at(-1) ?? ""} more={more} />
        </div>
      </div>
      {/* for screen readers: only the selection, because hovering changes the finding too often */}
      <span class="fx-hidden" role="status">
        {store.wire.selection.value.length > 0 ? finding(store) : ""}
      </span>
      {children}
    </div>
  );
}

interface SentencesProps {
  readonly text: string;
  readonly before?: string;
  /** Whether the sentences after the first one are shown. */
  readonly more: boolean;
}

/** Sentences, the first one in bold; the others describe its uncertainty, and give way to the note `before` them. */
function Sentences({ text, before = "", more }: SentencesProps) {
  const end = text.search(/(?<=[.!?]) (?=[\p{Lu}\p{N}“])/u);
  const unbroken = text.replaceAll(" %", "\u00a0%");
  const [first, rest] = end < 0 ? [unbroken, ""] : [unbroken.slice(0, end), unbroken.slice(end)];
  return (
    <p>
      {before && <span class="fx-earlier">{before} </span>}
      <b>{first}</b>
      {before === "" && more && rest}
    </p>
  );
}

/** Return the finding on the one active player, else on the explanation; for a difference, its description. */
function finding(store: Store): string {
  const shown = store.view.explanation.value;
  if (!shown) {
    return "";
  }
  if (store.view.shown.value === "difference") {
    return differing(store);
  }
  const [player] = store.view.active.value;
  const alone = store.view.active.value.length === 1 && player !== undefined ? shown.findings[player] : "";
  return alone || (shown.findings.at(-1) ?? "");
}

function differing(store: Store): string {
  const { pinned, difference } = store.wire;
  const unmatched = difference.value?.unmatched.length ?? 0;
  const found = difference.value?.result.findings.at(-1) ?? "";
  const what = `B − A: change from A, ${pinned.value?.label ?? ""}. ${found}`.trimEnd();
  if (unmatched === 0) {
    return what;
  }
  return unmatched === 1
    ? `${what} 1 player of B is not in A; its value in A counts as 0.`
    : `${what} ${unmatched} players of B are not in A; their values in A count as 0.`;
}
