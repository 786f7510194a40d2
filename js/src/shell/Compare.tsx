/** Pins an explanation as A, and chooses among A, the current explanation B, and B − A. */

import { haveOneUnit } from "../model/explanation";
import type { Store } from "../state/store";
import { Choices, Icon } from "../ui/Field";
import { Refused } from "../ui/Notices";
import type { Shown } from "../wire/types";

export function Compare({ store }: { store: Store }) {
  const pinned = store.wire.pinned.value;
  if (!pinned) {
    return (
      <div class="fx-compare">
        <button
          type="button"
          class="fx-button"
          data-action="pin"
          title="Keep this explanation as A, then change the caption, p or method and compare"
          disabled={!store.wire.result.value}
          onClick={() => store.ask({ type: "pin" })}
        >
          Pin as A
        </button>
        <Refused store={store} names={["pin"]} />
      </div>
    );
  }
  const b = store.wire.result.value;
  const differs = !b || haveOneUnit(b, pinned.result);
  const chips = [
    { value: "pinned", label: "A", title: `A, pinned: ${pinned.label}` },
    { value: "current", label: "B", title: "B, the current explanation" },
    {
      value: "difference",
      label: "B − A",
      title: differs
        ? "Change from A to B, with its own colour scale"
        : "A and B cannot be subtracted, because they are not both in logits",
      disabled: store.wire.difference.value === null,
    },
  ];
  return (
    <div class="fx-compare">
      <Choices
        label="Which explanation is shown"
        value={store.view.shown.value}
        options={chips}
        change={(value) => store.commit("shown", value as Shown)}
      />
      <button
        type="button"
        class="fx-icon"
        data-action="unpin"
        aria-label="Unpin A"
        title="Unpin A"
        onClick={() => store.ask({ type: "unpin" })}
      >
        <Icon name="close" />
      </button>
      <span class="fx-pinned" title={pinned.label}>
        A: {pinned.label}
      </span>
      <Refused store={store} names={["pin", "unpin", "shown"]} />
    </div>
  );
}
