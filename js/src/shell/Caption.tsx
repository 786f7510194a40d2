/** The caption and its editor; a rejected caption stays in the editor, with the reason. */

import type { ComponentChildren, RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Store } from "../state/store";
import { Icon } from "../ui/Field";
import { Refused } from "../ui/Notices";

/**
 * The draft of a setting that is edited as text; null while it is not. A rejected one stays in the editor.
 *
 * @param opener has the focus again when the editor closes.
 */
export function useDraft(store: Store, name: "text" | "compare_with", opener: RefObject<HTMLElement>) {
  const [draft, setDraft] = useState<string | null>(null);
  const attempt = useRef<string | null>(null);
  const edited = useRef(false);
  const refused = store.view.refusal.value?.name === name;
  useEffect(() => {
    if (refused && attempt.current !== null) {
      setDraft(attempt.current);
      attempt.current = null;
    }
  }, [refused]);
  useEffect(() => {
    if (draft === null && edited.current) {
      opener.current?.focus();
    }
    edited.current = draft !== null;
  }, [draft]);
  const done = (text: string | null) => {
    if (text !== null && text.trim() !== store.wire[name].value) {
      attempt.current = text;
      store.commit(name, text.trim());
    } else if (refused) {
      store.view.refusal.value = null;
    }
    setDraft(null);
  };
  return { draft, setDraft, done };
}

export function Caption({ store }: { store: Store }) {
  const pencil = useRef<HTMLButtonElement>(null);
  const { draft, setDraft, done } = useDraft(store, "text", pencil);
  const offered = store.wire.offline.value?.captions ?? [];
  return (
    <div class="fx-title">
      {draft !== null ? (
        <Editor draft={draft} change={setDraft} done={done}>
          <button type="submit" class="fx-button" data-action="apply-caption">
            Apply
          </button>
          <button type="button" class="fx-button" data-action="keep-caption" onClick={() => done(null)}>
            Keep
          </button>
        </Editor>
      ) : offered.length > 1 ? (
        <Offered store={store} captions={offered} />
      ) : (
        <Shown store={store} pencil={pencil} edit={() => setDraft(store.wire.text.value)} />
      )}
      <Refused store={store} names={["text"]} />
    </div>
  );
}

/** A choice among the captions computed in advance, for pages without a model. */
function Offered({ store, captions }: { store: Store; captions: readonly string[] }) {
  const text = store.wire.text.value;
  return (
    <h2 class="fx-caption">
      <select
        class="fx-select"
        aria-label="Caption"
        data-setting="text"
        value={text}
        onChange={(event) => store.commit("text", event.currentTarget.value)}
      >
        {[...new Set([...captions, text])].map((caption) => (
          <option key={caption} value={caption}>
            {caption}
          </option>
        ))}
      </select>
    </h2>
  );
}

interface ShownProps {
  readonly store: Store;
  readonly pencil: RefObject<HTMLButtonElement>;
  readonly edit: () => void;
}

function Shown({ store, pencil, edit }: ShownProps) {
  const pinned = store.view.shown.value === "pinned" ? store.view.explanation.value : null;
  const text = pinned ? pinned.caption : store.wire.text.value;
  return (
    <h2 class="fx-caption">
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the pencil beside it does the same for the keyboard */}
      <span dir="auto" onDblClick={store.wire.live.value && !pinned ? edit : undefined}>
        {text}
      </span>
      {store.wire.live.value && !pinned && (
        <button
          ref={pencil}
          type="button"
          class="fx-icon"
          aria-label="Edit the caption"
          title="Edit the caption"
          onClick={edit}
        >
          <Icon name="edit" />
        </button>
      )}
    </h2>
  );
}

interface EditorProps {
  readonly draft: string;
  readonly change: (text: string) => void;
  /** Called with the new text, or with null to keep the old one. */
  readonly done: (text: string | null) => void;
  /** Name of the field. */
  readonly label?: string;
  /** Buttons. */
  readonly children: ComponentChildren;
}

export function Editor({ draft, change, done, label = "Caption", children }: EditorProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    input.current?.focus();
    input.current?.select();
  }, []);
  return (
    <form
      class="fx-caption fx-editor"
      onSubmit={(event) => {
        event.preventDefault();
        done(draft);
      }}
    >
      <input
        ref={input}
        type="text"
        class="fx-text"
        aria-label={label}
        dir="auto"
        autocomplete="off"
        spellcheck={false}
        value={draft}
        onInput={(event) => change(event.currentTarget.value)}
        onKeyDown={(event) => {
          // JupyterLab stops Enter from submitting a form inside a cell
          if (event.key === "Enter" && !event.isComposing) {
            event.preventDefault();
            done(draft);
          } else if (event.key === "Escape") {
            event.stopPropagation();
            done(null);
          }
        }}
      />
      {children}
    </form>
  );
}
