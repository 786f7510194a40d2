/** What the numbers support, in a sentence; and beside it, what they are compared with. */

import type { Store } from "../state/store";
import { Compare } from "./Compare";

export function Finding({ store }: { store: Store }) {
  return (
    <div class="fx-finding">
      <div class="fx-sentence">
        <Sentences text={finding(store)} />
        {/* the room that the sentences for everything take, so that others do not move what is below */}
        <div aria-hidden="true">
          <Sentences text={store.view.explanation.value?.findings.at(-1) ?? ""} />
        </div>
      </div>
      {/* hovering changes the sentence too often to be heard; a selection does not */}
      <span class="fx-hidden" role="status">
        {store.wire.selection.value.length > 0 ? finding(store) : ""}
      </span>
      <Compare store={store} />
    </div>
  );
}

/** The first sentence is what matters, the others say how sure it is. */
function Sentences({ text }: { text: string }) {
  const end = text.search(/(?<=[.!?]) (?=[\p{Lu}\p{N}“])/u);
  const unbroken = text.replaceAll(" %", "\u00a0%");
  const [first, rest] = end < 0 ? [unbroken, ""] : [unbroken.slice(0, end), unbroken.slice(end)];
  return (
    <p>
      <b>{first}</b>
      {rest}
    </p>
  );
}

/** The sentence for the one active player, else for the whole explanation; of a difference, what it is. */
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
  const what = `B − A: change from A, ${pinned.value?.label ?? ""}.`;
  if (unmatched === 0) {
    return what;
  }
  return unmatched === 1
    ? `${what} 1 player of B is not in A; its value in A counts as 0.`
    : `${what} ${unmatched} players of B are not in A; their values in A count as 0.`;
}
