/** Panels under the views, at most one open; nothing above them moves when one opens. */

import type { ComponentType } from "preact";
import type { Store } from "../state/store";
import { FAITHFULNESS_REFUSALS, Faithfulness } from "./faithfulness/Faithfulness";
import { Examples } from "./masks/Examples";
import { SETTINGS_REFUSALS, Settings } from "./settings/Settings";
import { Trust } from "./trust/Trust";

interface Panel {
  readonly name: string;
  readonly label: string;
  readonly title: string;
  readonly Content: ComponentType<{ store: Store }>;
  /** Settings and requests whose refusal the panel shows. */
  readonly refusals: readonly string[];
}

const PANELS = [
  { name: "trust", label: "Trust", title: "How reliable the explanation is", Content: Trust, refusals: [] },
  {
    name: "faithfulness",
    label: "Faithfulness",
    title: "Whether the model agrees with the explanation",
    Content: Faithfulness,
    refusals: FAITHFULNESS_REFUSALS,
  },
  { name: "examples", label: "Masks", title: "What the model sees", Content: Examples, refusals: [] },
  {
    name: "settings",
    label: "More",
    title: "Method, order, colours, theme, reset",
    Content: Settings,
    refusals: SETTINGS_REFUSALS,
  },
] as const satisfies readonly Panel[];

export type PanelName = (typeof PANELS)[number]["name"];

/** Return the settings and requests whose refusal the open panel shows. */
export function refusalsIn(open: PanelName | null): readonly string[] {
  return PANELS.find(({ name }) => name === open)?.refusals ?? [];
}

interface PanelsProps {
  readonly store: Store;
  readonly open: PanelName | null;
  readonly toggle: (name: PanelName) => void;
}

export function Panels({ store, open, toggle }: PanelsProps) {
  const shown = PANELS.find(({ name }) => name === open);
  const id = `${store.id}-panels`;
  return (
    <div class="fx-panels">
      <div class="fx-panel-names" role="group" aria-label="Panels">
        {PANELS.map(({ name, label, title }) => (
          <button
            key={name}
            type="button"
            title={title}
            aria-expanded={name === open}
            aria-controls={id}
            data-panel={name}
            onClick={() => toggle(name)}
          >
            {label}
          </button>
        ))}
      </div>
      <section class="fx-panel-content" id={id} aria-label={shown?.title ?? "Panel"} hidden={!shown}>
        {shown && <shown.Content store={store} />}
      </section>
    </div>
  );
}
