/**
 * The whole view of one widget.
 *
 * Attributes and classes that tests and style sheets use:
 *
 * - `.fixlip` — the root. `data-status` (idle, running, cancelled, done, error; running as soon as this view
 *   requests a refinement), `data-generation` (of the current result; -1 before the first), `data-requested`
 *   (the newest request's generation), `data-partial`, `data-stale` (the
 *   explanation is of an earlier caption), `data-level` (simple, all), `data-p`, `data-budget` and `data-top-k` (the settings, as
 *   committed), `data-result-p` and `data-result-budget` (of the shown explanation), `data-selection` (players, joined
 *   by spaces), `data-shown` (current, pinned, difference), `data-theme` (light, dark).
 * - `.fx-patch`, `.fx-chip`, `.fx-node` — patches on the picture, tokens under it, nodes of the graph:
 *   `data-player`, `data-value` (the coloured value: main effect, or interaction with the active players; an active
 *   player keeps its main effect), `data-active`, `aria-pressed` (selected).
 *   Patches and tokens have `data-word` while words colour the picture: the player of a patch's word; whether a token
 *   has a colour. `.fx-word-labels [data-word]` are the labels on the picture.
 *   All of them: `data-pointed` (under the pointer or focus in any part), `data-member` (of the shown subset);
 *   patches and tokens: `data-removed` (hidden from the model), `data-held` (in the lasso).
 *   Elements for an interaction — edges, third-order terms (`data-kind=term`), rows of the table — have `data-players`.
 * - `.fx-edge` — `data-source`, `data-target`, `data-value`, `data-significant`, `data-lit` (ends at an active player).
 * - `.fx-heatmap` — Plotly's element: its `data[0].z` is (rows, columns) of the block, (tokens, patches) at first.
 * - `[data-action=several|hide|show-all|clear|level|reset-places|only-selection]`, `[data-heatmap-kind=cross|text_text|image_image]`,
 *   `[data-sort=name|value|certainty|size]`, `[data-subset-value]`, `[data-group=total|within]`.
 * - `input[id$="-p"]`, `input[id$="-budget"]` (exponent of two), `input[id$="-top"]` — the sliders.
 * - `.fx-sides figure` — A, B and B − A side by side: `data-side` (a, b, difference), `data-values` (of the image players).
 * - `[data-action=run|more|cancel|undo|reset|retry|pin|unpin|compare-with|apply-comparison|cancel-comparison|beside|back|measure|stop-measuring|show-cross|download|load-plotly|load-details|copy-code|provenance|examples|apply-caption|keep-caption]`,
 *   `[data-view=graph|heatmap|maps|waterfall|table]`, `[data-panel=trust|faithfulness|examples|settings]`
 *   (`aria-expanded`),
 *   `[data-setting=graph_kind|graph_layout|palette|theme|method|order|stop_at|text|compare_with]`,
 *   `[data-item=picture-svg|picture-png|graph-svg|graph-png|csv]` (downloads),
 *   `[data-choice=words|main]` and `[data-choice=pinned|current|difference]` (`aria-pressed`), `[data-shows=PLAYER]` (shows a hidden player again),
 *   `.fx-sentence p` (the first one is the finding), `.fx-value b` (the model's value, the prediction),
 *   `.fx-curves` (`data-aid` of the curves in front), `.fx-scores tbody` (`data-method`, `data-current`),
 *   `.fx-notice[data-kind=refusal|error|silent]`, `[data-caveat=identified]`.
 */

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { dressIn } from "../lib/mount";
import type { PanelName } from "../panels/Panels";
import { Hiding, refusalsOfHiding } from "../scene/Hiding";
import { Legend } from "../scene/Legend";
import { Stage } from "../scene/Stage";
import type { Store } from "../state/store";
import { Notice, Notices } from "../ui/Notices";
import { ClassMaps } from "../views/maps/ClassMaps";
import { CLASS_REFUSALS, Classes } from "./Classes";
import { type Details, type Loading, useDetails } from "./details";
import { Finding } from "./Finding";
import { Bar, Header, TrustWord } from "./Header";
import { KeepProbability } from "./KeepProbability";

export function App({ store }: { store: Store }) {
  const { generation, p, budget, selection, text, theme, top_k } = store.wire;
  const [open, setOpen] = useState<PanelName | null>(null);
  const toggle = (name: PanelName) => setOpen(open === name ? null : name);
  const current = store.wire.result.value;
  const shown = store.view.explanation.value;
  const ofClasses = store.wire.candidates.value !== null;
  const all = store.view.level.value === "all";
  const needed = all || store.wire.pinned.value !== null;
  const loading = useDetails(store, needed);
  const details = loading.module;
  const root = useRef<HTMLElement>(null);
  useLayoutEffect(
    () => (details && root.current ? dressIn(details.css, root.current) : undefined),
    [details],
  );
  return (
    <section
      ref={root}
      class="fixlip"
      aria-label={
        ofClasses
          ? `Why the model chooses a class: “${text.value}”`
          : `Why the model finds the image and “${text.value}” similar`
      }
      data-theme={store.view.dark.value ? "dark" : "light"}
      data-host={theme.value === "auto"}
      data-status={store.view.status.value}
      data-generation={current?.generation ?? -1}
      data-requested={generation.value}
      data-partial={current?.partial ?? false}
      data-stale={store.view.stale.value}
      data-level={store.view.level.value}
      data-p={p.value}
      data-budget={budget.value}
      data-top-k={top_k.value}
      data-result-p={shown?.p}
      data-result-budget={shown?.budget}
      data-shown={store.view.shown.value}
      data-selection={selection.value.join(" ")}
      onKeyDown={(event) => {
        if (event.key === "Escape" && store.view.tool.value === "hide") {
          store.view.tool.value = "select";
        } else if (event.key === "Escape" && selection.value.length > 0) {
          store.commit("selection", []);
        } else if (asksToUndo(event) && store.wire.undoable.value !== "") {
          event.preventDefault();
          store.ask({ type: "undo" });
        }
      }}
    >
      <Header store={store} />
      <Bar store={store} />
      <Classes store={store} />
      <Notices
        store={store}
        elsewhere={[
          ...(details?.refusalsIn(open) ?? []),
          ...refusalsOfHiding(store),
          ...(ofClasses ? CLASS_REFUSALS : []),
        ]}
      />
      {needed && !details && <Waiting loading={loading} />}
      {all && details ? (
        <details.All store={store} open={open} toggle={toggle} />
      ) : (
        <Simple store={store} details={details} />
      )}
    </section>
  );
}

/** What is not here yet, or could not be loaded; the simple level is shown meanwhile. */
function Waiting({ loading }: { loading: Loading }) {
  return loading.failed ? (
    <Notice kind="error" text={MISSING}>
      <button type="button" class="fx-button" data-action="load-details" onClick={loading.retry}>
        Try again
      </button>
    </Notice>
  ) : (
    <p class="fx-hint fx-waiting" role="status">
      Loading the other views and controls …
    </p>
  );
}

const MISSING =
  "The other views and controls could not be loaded: they were not saved with this notebook, or the kernel did not send them. Run the cell again if a new attempt fails too.";

/** Number of maps of classes at the simple level. */
const FEW_MAPS = 8;

/** The simple level: the picture with the words, and beside it the finding, how far to trust it, and p. */
function Simple({ store, details }: { store: Store; details: Details | null }) {
  const { live, offline, pinned } = store.wire;
  const sides = store.view.sideBySide.value;
  const finding = (
    <Finding store={store}>{details && pinned.value && <details.Compare store={store} />}</Finding>
  );
  if (details && sides) {
    return (
      <>
        {finding}
        <details.Sides store={store} of={sides} />
      </>
    );
  }
  return (
    <div class="fx-simple" aria-busy={store.view.stale.value}>
      <section class="fx-scene" aria-label="Image and caption">
        <Stage store={store} />
        <Legend store={store} />
      </section>
      <div class="fx-told">
        {finding}
        <TrustWord store={store} name="Trust in this explanation" />
        {(live.value || offline.value) && <KeepProbability store={store} />}
        {store.wire.candidates.value && <ClassMaps store={store} most={FEW_MAPS} />}
        {offline.value && <p class="fx-hint">{offline.value.why}</p>}
      </div>
      <Hiding store={store} />
    </div>
  );
}

/** Return whether a key is Ctrl+Z or Cmd+Z outside text fields. */
function asksToUndo(event: KeyboardEvent): boolean {
  const typing = event.target instanceof Element && event.target.matches("input[type=text], textarea");
  return event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !typing;
}
