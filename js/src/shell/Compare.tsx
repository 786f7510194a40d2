/** Pins an explanation as A, or that of another caption, and chooses among A, the current explanation B, and B − A. */

import type { RefObject } from "preact";
import { useRef } from "preact/hooks";
import { haveOneUnit } from "../model/explanation";
import type { Store } from "../state/store";
import { Choices, Icon } from "../ui/Field";
import { Refused } from "../ui/Notices";
import type { Shown } from "../wire/types";
import { Editor, useDraft } from "./Caption";

export function Compare({ store }: { store: Store }) {
  const opener = useRef<HTMLButtonElement>(null);
  const { draft, setDraft, done } = useDraft(store, "compare_with", opener);
  const pinned = store.wire.pinned.value;
  const caption = store.wire.compare_with.value;
  return (
    <div class="fx-compare">
      {draft !== null ? (
        <OtherCaption store={store} draft={draft} change={setDraft} done={done} />
      ) : caption != null && !pinned ? (
        <Waiting store={store} caption={caption} />
      ) : pinned ? (
        <Pinned store={store} />
      ) : (
        <Begin store={store} opener={opener} open={() => setDraft("")} />
      )}
      <Refused store={store} names={["pin", "unpin", "shown", "compare_with"]} />
    </div>
  );
}

interface BeginProps {
  readonly store: Store;
  readonly opener: RefObject<HTMLButtonElement>;
  readonly open: () => void;
}

function Begin({ store, opener, open }: BeginProps) {
  const none = !store.wire.result.value;
  return (
    <>
      <button
        type="button"
        class="fx-button"
        data-action="pin"
        title={`Keep this explanation as A, then change ${store.wire.candidates.value ? "the class or p" : "the caption, p or method"} and compare`}
        disabled={none}
        onClick={() => store.ask({ type: "pin" })}
      >
        Pin as A
      </button>
      {!store.wire.candidates.value && (
        <button
          ref={opener}
          type="button"
          class="fx-button"
          data-action="compare-with"
          title="Explain another caption from the same masks, and show the difference"
          disabled={none}
          onClick={open}
        >
          Compare with …
        </button>
      )}
    </>
  );
}

interface OtherCaptionProps {
  readonly store: Store;
  readonly draft: string;
  readonly change: (text: string) => void;
  readonly done: (text: string | null) => void;
}

/** A field for the other caption; without a model, a choice among the recorded captions. */
function OtherCaption({ store, draft, change, done }: OtherCaptionProps) {
  const { live, offline, text } = store.wire;
  const cancel = (
    <button type="button" class="fx-button" data-action="cancel-comparison" onClick={() => done(null)}>
      Cancel
    </button>
  );
  if (live.value) {
    return (
      <Editor draft={draft} change={change} done={done} label="Caption to compare with">
        <button type="submit" class="fx-button" data-action="apply-comparison">
          Compare
        </button>
        {cancel}
      </Editor>
    );
  }
  const others = offline.value?.captions.filter((caption) => caption !== text.value) ?? [];
  return (
    <>
      {others.length > 0 && (
        <select
          class="fx-select"
          aria-label="Caption to compare with"
          data-setting="compare_with"
          value=""
          onChange={(event) => done(event.currentTarget.value)}
        >
          <option value="" disabled>
            Choose a caption
          </option>
          {others.map((caption) => (
            <option key={caption} value={caption}>
              {caption}
            </option>
          ))}
        </select>
      )}
      {cancel}
      <p class="fx-hint">
        {offline.value &&
          (others.length > 0
            ? "Only recorded captions can be compared. "
            : "No other caption was recorded. ")}
        {offline.value?.why ?? "This explanation has no model, so no other caption can be explained."}
      </p>
    </>
  );
}

/** The other caption is being explained: between two batches, or with the next result. */
function Waiting({ store, caption }: { store: Store; caption: string }) {
  return (
    <>
      <span class="fx-hint" role="status">
        Explaining <span dir="auto">“{caption}”</span> …
      </span>
      <button
        type="button"
        class="fx-icon"
        aria-label="Do not compare"
        title="Do not compare"
        onClick={() => store.commit("compare_with", null)}
      >
        <Icon name="close" />
      </button>
    </>
  );
}

function Pinned({ store }: { store: Store }) {
  const { pinned, result, difference, compare_with } = store.wire;
  const a = pinned.value;
  if (!a) {
    return null;
  }
  const differs = !result.value || haveOneUnit(result.value, a.result);
  const { shown, beside, sideBySide } = store.view;
  const chips = [
    {
      value: "pinned",
      label: "A",
      title: `A, ${compare_with.value == null ? "pinned" : "compared"}: ${a.label}`,
    },
    { value: "current", label: "B", title: "B, the current explanation" },
    {
      value: "difference",
      label: "B − A",
      title: differs
        ? "Change from A to B, with its own colour scale"
        : "A and B cannot be subtracted, because they are not both in logits",
      disabled: difference.value === null,
    },
  ];
  const remove = compare_with.value == null ? "Unpin A" : "Stop comparing";
  return (
    <>
      <Choices
        label="Which explanation is shown"
        value={shown.value}
        options={chips}
        change={(value) => store.commit("shown", value as Shown)}
      />
      <button
        type="button"
        class="fx-icon"
        data-action="unpin"
        aria-label={remove}
        title={remove}
        onClick={() => store.ask({ type: "unpin" })}
      >
        <Icon name="close" />
      </button>
      {store.view.sides.value && (
        <button
          type="button"
          class="fx-link"
          data-action="beside"
          aria-pressed={sideBySide.value !== null}
          title="A, B and B − A as three pictures"
          onClick={() => {
            beside.value = sideBySide.value === null;
            if (beside.value) {
              store.commit("shown", "difference");
            }
          }}
        >
          Side by side
        </button>
      )}
      <span class="fx-pinned" title={a.label}>
        A: {a.label}
      </span>
    </>
  );
}
