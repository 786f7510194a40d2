/**
 * The whole view of one widget.
 *
 * What tests and style sheets may rely on:
 *
 * - `.fixlip` — the root. `data-status` (idle, running, cancelled, done, error; running from the moment that this view
 *   asked for something new), `data-generation` (of the result that is shown; -1 before the first), `data-requested`
 *   (the newest request's generation), `data-partial`, `data-p`, `data-budget` and `data-top-k` (the settings, as
 *   committed), `data-result-p` and `data-result-budget` (of what is shown), `data-selection` (players, joined by
 *   spaces), `data-theme` (light, dark).
 * - `.fx-patch`, `.fx-chip`, `.fx-node` — patches on the picture, tokens under it, nodes of the graph:
 *   `data-player`, `data-value` (what colours it: main effect, or interaction with the active players; its own main
 *   effect where it is active itself), `data-active`, `aria-pressed` (selected).
 * - `.fx-edge` — `data-source`, `data-target`, `data-value`, `data-certain`, `data-lit` (ends at an active player).
 * - `.fx-heatmap` — Plotly's element: its `data[0].z` is (tokens, patches).
 * - `input[id$="-p"]`, `input[id$="-budget"]` (exponent of two), `input[id$="-top"]` — the sliders.
 * - `[data-action=run|cancel|apply-caption|keep-caption]`, `[data-view=graph|heatmap|table]`,
 *   `[data-setting=graph_kind|graph_layout|palette]`, `.fx-notice[data-kind=refusal|error]`,
 *   `[data-caveat=identified]`.
 */

import { count, probability } from "../format";
import type { Store } from "../store";
import { Controls } from "./Controls";
import { Bar, Header } from "./Header";
import { Legend } from "./Legend";
import { Notices } from "./Notices";
import { Stage } from "./Stage";
import { Views } from "./Views";

export function App({ store }: { store: Store }) {
  const { generation, p, budget, selection, text, theme, live, top_k } = store.traits;
  const shown = store.explanation.value;
  return (
    <section
      class="fixlip"
      aria-label={`Why the model finds the image and “${text.value}” similar`}
      onFocusIn={keepKeys}
      data-theme={store.dark.value ? "dark" : "light"}
      data-host={theme.value === "auto"}
      data-status={store.status.value}
      data-generation={shown?.generation ?? -1}
      data-requested={generation.value}
      data-partial={shown?.partial ?? false}
      data-p={p.value}
      data-budget={budget.value}
      data-top-k={top_k.value}
      data-result-p={shown?.p}
      data-result-budget={shown?.budget}
      data-selection={selection.value.join(" ")}
      onKeyDown={(event) => {
        if (event.key === "Escape" && selection.value.length > 0) {
          store.commit("selection", []);
        }
      }}
    >
      <Header store={store} />
      <Bar store={store} />
      <Notices store={store} />
      {live.value && <Controls store={store} />}
      <div class="fx-body">
        <section class="fx-scene" aria-label="Image and caption">
          <Stage store={store} />
          <Legend store={store} />
        </section>
        <Views store={store} />
      </div>
      <Footer store={store} />
    </section>
  );
}

/**
 * Keys that are meant for the widget must not move through the notebook: JupyterLab takes them before anything in the
 * page sees them, unless the very element that has the focus says no.
 */
function keepKeys(event: FocusEvent) {
  if (event.target instanceof Element) {
    event.target.setAttribute("data-lm-suppress-shortcuts", "true");
  }
}

function Footer({ store }: { store: Store }) {
  const shown = store.explanation.value;
  const { palette, options } = store.traits;
  return (
    <footer class="fx-footer">
      <span>
        {shown &&
          `${METHODS[shown.method] ?? shown.method} at p = ${probability(shown.p)} · ${count(shown.budget)} evaluations from ` +
            `${count(shown.image_encodes)} + ${count(shown.text_encodes)} encodings` +
            `${shown.seed === null ? "" : ` · seed ${shown.seed}`}`}
      </span>
      <label>
        colours{" "}
        <select
          class="fx-select"
          data-setting="palette"
          value={palette.value}
          onChange={(event) => store.commit("palette", event.currentTarget.value)}
        >
          {Object.keys(options.value.palettes).map((name) => (
            <option key={name} value={name}>
              {PALETTES[name] ?? name}
            </option>
          ))}
        </select>
      </label>
    </footer>
  );
}

const METHODS: Readonly<Record<string, string>> = {
  banzhaf: "Weighted Banzhaf interactions",
  shapley: "Shapley interactions",
};

const PALETTES: Readonly<Record<string, string>> = {
  house: "pink and blue",
  safe: "orange and purple",
};
