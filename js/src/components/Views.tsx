/** Three views of the interactions behind tabs, and what the graph shows of them. */

import type { ComponentType } from "preact";
import { useState } from "preact/hooks";
import type { Setting } from "../protocol";
import type { Store } from "../store";
import { Graph } from "./Graph";
import { Heatmap } from "./Heatmap";
import { Slider } from "./Slider";
import { Table } from "./Table";

interface View {
  readonly name: string;
  readonly Panel: ComponentType<{ store: Store }>;
  /** Whether it shows the graph's edges. */
  readonly edges: boolean;
}

const VIEWS: readonly View[] = [
  { name: "Graph", Panel: Graph, edges: true },
  { name: "Heatmap", Panel: Heatmap, edges: false },
  { name: "Table", Panel: Table, edges: true },
];

export function Views({ store }: { store: Store }) {
  const [shown, setShown] = useState(0);
  const { name, Panel, edges } = VIEWS[shown] as View;
  const turn = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step && event.currentTarget instanceof Element) {
      const next = (shown + step + VIEWS.length) % VIEWS.length;
      setShown(next);
      event.currentTarget.querySelectorAll<HTMLElement>("[role=tab]")[next]?.focus();
    }
  };
  return (
    <section class="fx-views">
      <div class="fx-toolbar">
        <div class="fx-tabs" role="tablist" aria-label="Views" onKeyDown={turn}>
          {VIEWS.map((view, index) => (
            <button
              key={view.name}
              type="button"
              role="tab"
              id={`${store.id}-tab-${index}`}
              aria-selected={index === shown}
              aria-controls={`${store.id}-panel`}
              tabindex={index === shown ? 0 : -1}
              data-view={view.name.toLowerCase()}
              onClick={() => setShown(index)}
            >
              {view.name}
            </button>
          ))}
        </div>
        {edges && <EdgeSettings store={store} places={name === "Graph"} />}
      </div>
      <div
        class="fx-panel"
        role="tabpanel"
        id={`${store.id}-panel`}
        aria-labelledby={`${store.id}-tab-${shown}`}
        data-waiting={store.explanation.value === null}
      >
        {store.explanation.value ? <Panel store={store} /> : <p class="fx-empty">{waiting(store)}</p>}
      </div>
      <Caveat store={store} dashes={name === "Graph"} />
    </section>
  );
}

function waiting(store: Store): string {
  const running = store.status.value === "running";
  return running ? "Encoding the first masked images …" : "Nothing is computed yet: press Run.";
}

function EdgeSettings({ store, places }: { store: Store; places: boolean }) {
  const { options, top_k } = store.traits;
  const { layouts, kinds } = options.value;
  return (
    <div class="fx-edge-settings">
      <Choice store={store} name="graph_kind" label="Which interactions" choices={kinds} />
      {places && <Choice store={store} name="graph_layout" label="Layout" choices={layouts} />}
      <Slider
        id={`${store.id}-top`}
        label="top"
        name={(value) => String(value)}
        value={top_k.value}
        min={1}
        max={Math.max(60, top_k.value)}
        step={1}
        commit={(value) => store.commit("top_k", value)}
      />
    </div>
  );
}

const WORDS: Readonly<Record<string, string>> = {
  all: "all pairs",
  cross: "image–text",
  intra: "within one",
  anchored: "in place",
  spring: "spring",
  kamada_kawai: "Kamada–Kawai",
};

interface ChoiceProps {
  readonly store: Store;
  readonly name: Extract<Setting, "graph_kind" | "graph_layout">;
  readonly label: string;
  readonly choices: readonly string[];
}

function Choice({ store, name, label, choices }: ChoiceProps) {
  return (
    <select
      class="fx-select"
      aria-label={label}
      title={label}
      data-setting={name}
      value={store.traits[name].value}
      onChange={(event) => store.commit(name, event.currentTarget.value)}
    >
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {WORDS[choice] ?? choice}
        </option>
      ))}
    </select>
  );
}

const BLOCKS = { cross: "image–text", text_text: "text–text", image_image: "image–image" } as const;

/** What the numbers do not support yet. */
function Caveat({ store, dashes }: { store: Store; dashes: boolean }) {
  const shown = store.explanation.value;
  if (!shown || shown.order < 2) {
    return null;
  }
  const open = (Object.keys(BLOCKS) as (keyof typeof BLOCKS)[]).filter(
    (block) => shown.identified[block] === false,
  );
  const dashed = dashes && shown.interactionsSe !== null;
  return (
    <p class="fx-caveat">
      {open.length > 0 && (
        <span data-caveat="identified">
          {open.map((block) => BLOCKS[block]).join(" and ")} terms are shrunk: too few masks for them yet.{" "}
        </span>
      )}
      {dashed && <span>Dashed: the sign is not certain (95 %).</span>}
    </p>
  );
}
