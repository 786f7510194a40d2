/** What the numbers support, in a sentence; and beside it, what they are compared with. */

import type { Store } from "../store";
import { Compare } from "./Compare";

export function Finding({ store }: { store: Store }) {
  return (
    <div class="fx-finding">
      <div class="fx-sentence">
        <p>{finding(store)}</p>
        {/* the room that the sentence for everything takes, so that another one does not move what is below */}
        <p aria-hidden="true">{store.explanation.value?.findings.at(-1)}</p>
      </div>
      {/* hovering changes the sentence too often to be heard; a selection does not */}
      <span class="fx-hidden" role="status">
        {store.traits.selection.value.length > 0 ? finding(store) : ""}
      </span>
      <Compare store={store} />
    </div>
  );
}

/** The sentence for the one active player, else for the whole explanation; of a difference, what it is. */
function finding(store: Store): string {
  const shown = store.explanation.value;
  if (!shown) {
    return "";
  }
  if (store.shown.value === "difference") {
    return differing(store);
  }
  const [player] = store.active.value;
  const alone = store.active.value.length === 1 && player !== undefined ? shown.findings[player] : "";
  return alone || (shown.findings.at(-1) ?? "");
}

function differing(store: Store): string {
  const { pinned, difference } = store.traits;
  const unmatched = difference.value?.unmatched.length ?? 0;
  const what = `B − A: what changed since A, “${pinned.value?.label ?? ""}”.`;
  if (unmatched === 0) {
    return what;
  }
  return unmatched === 1
    ? `${what} 1 player of B is not in A; there A counts as 0.`
    : `${what} ${unmatched} players of B are not in A; there A counts as 0.`;
}
