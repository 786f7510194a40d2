/** Buttons under the picture: what a click does, and buttons that undo what clicks did. */

import type { ComponentChildren } from "preact";
import { groupName } from "../model/players";
import type { Store } from "../state/store";
import { Icon } from "../ui/Field";

/** Touch screens need the first button to select several players. */
export function Picking({ store }: { store: Store }) {
  const { tool, several } = store.view;
  const hides = tool.value === "hide";
  const selection = store.wire.selection.value;
  const hidden = store.wire.removed.value.length > 0;
  return (
    <div class="fx-picking">
      <Toggle
        action="several"
        pressed={several.value && !hides}
        disabled={hides}
        title="Each click adds to the selection; drag over the picture for an area (Shift does the same)"
        press={() => {
          several.value = !several.value;
        }}
      >
        <svg class="fx-glyph" viewBox="0 0 16 16" aria-hidden="true">
          <rect
            x="1.5"
            y="1.5"
            width="13"
            height="13"
            rx="2"
            stroke-dasharray="2.6 2"
            stroke-linecap="butt"
          />
        </svg>
        Select several
      </Toggle>
      <Toggle
        action="hide"
        pressed={hides}
        title="Each click hides a part from the model, and shows what the model answers; Escape ends this"
        press={() => {
          tool.value = hides ? "select" : "hide";
        }}
      >
        <Icon name="hide" />
        Hide
      </Toggle>
      {hidden && (
        <Toggle action="show-all" press={() => store.commit("removed", [])}>
          Show everything again
        </Toggle>
      )}
      {selection.length > 0 && !hides && (
        <Toggle action="clear" press={() => store.commit("selection", [])}>
          Clear {groupName(store.view.board.value, selection)}
        </Toggle>
      )}
    </div>
  );
}

interface ToggleProps {
  readonly action: string;
  /** Absent for buttons that are not on or off. */
  readonly pressed?: boolean;
  readonly disabled?: boolean;
  readonly title?: string;
  readonly press: () => void;
  readonly children: ComponentChildren;
}

function Toggle({ action, pressed, disabled = false, title, press, children }: ToggleProps) {
  return (
    <button
      type="button"
      class="fx-toggle"
      data-action={action}
      aria-pressed={pressed}
      disabled={disabled}
      title={title}
      onClick={press}
    >
      {children}
    </button>
  );
}
