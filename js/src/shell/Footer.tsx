/** Method, cost and provenance of the explanation, and code that reproduces it. */

import { useRef, useState } from "preact/hooks";
import { count, encodings, probability } from "../lib/format";
import type { Store } from "../state/store";

export function Footer({ store }: { store: Store }) {
  const [open, setOpen] = useState(false);
  const shown = of(store);
  const differs = store.view.shown.value === "difference";
  const id = `${store.id}-provenance`;
  return (
    <footer class="fx-footer">
      <span>{computed(store)}</span>
      {shown && (
        <div class="fx-row">
          <CopyCode code={(differs && store.wire.difference.value?.result.code) || shown.code} />
          <button
            type="button"
            class="fx-link"
            aria-expanded={open}
            aria-controls={id}
            data-action="provenance"
            onClick={() => setOpen(!open)}
          >
            Provenance
          </button>
        </div>
      )}
      <dl class="fx-provenance" id={id} hidden={!open || !shown}>
        {open &&
          shown?.provenance.map(([label, value]) => (
            <div key={label}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </footer>
  );
}

/** Return the shown explanation; for a difference, the current one. */
function of(store: Store) {
  return store.view.shown.value === "difference" ? store.wire.result.value : store.view.explanation.value;
}

/** "Weighted Banzhaf at p = 0.5 · 131,072 evaluations from 2,184 image + 256 text encodings · seed 0" */
function computed(store: Store): string {
  const shown = of(store);
  if (!shown) {
    return "";
  }
  const { masking } = store.wire.scene.value;
  const method = store.wire.options.value.methods.find(({ name }) => name === shown.method);
  const { uses_p, uses_budget, label } = method ?? { uses_p: true, uses_budget: true, label: shown.method };
  return [
    uses_p ? `${label} at p = ${probability(shown.p)}` : label,
    uses_budget &&
      `${count(shown.budget)} ${shown.choice ? "masks" : "evaluations"} from ${encodings(shown.image_encodes, shown.text_encodes)}`,
    shown.seed !== null && `seed ${shown.seed}`,
    masking && `masking ${masking.name}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

const SAID_FOR_MS = 2000;

/** A button that copies the code; without access to the clipboard, it shows the code selected. */
function CopyCode({ code }: { code: string }) {
  const [state, setState] = useState<"ready" | "copied" | "shown">("ready");
  const area = useRef<HTMLTextAreaElement>(null);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(code);
      setState("copied");
      setTimeout(() => setState("ready"), SAID_FOR_MS);
    } catch {
      // insecure pages and sandboxed frames have no clipboard, so the user copies the text
      setState(state === "shown" ? "ready" : "shown");
      requestAnimationFrame(() => area.current?.select());
    }
  };
  return (
    <>
      <button
        type="button"
        class="fx-link"
        data-action="copy-code"
        title="Python code that reproduces this explanation"
        disabled={code === ""}
        onClick={copy}
      >
        {state === "copied" ? "Copied" : "Copy as code"}
      </button>
      <span class="fx-hidden" role="status">
        {state === "copied" ? "The code was copied to the clipboard." : ""}
      </span>
      {state === "shown" && (
        <textarea ref={area} class="fx-code" aria-label="Code to copy" readOnly rows={5} value={code} />
      )}
    </>
  );
}
