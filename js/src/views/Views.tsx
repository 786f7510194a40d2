/** Views of the interactions behind tabs, and caveats about them. */

import type { ComponentType } from "preact";
import type { Store } from "../state/store";
import type { ViewName } from "../wire/types";
import { FirstOrder } from "./FirstOrder";
import { dashes } from "./graph/Edges";
import { Graph } from "./graph/Graph";
import { Heatmap } from "./heatmap/Heatmap";
import { ClassMaps } from "./maps/ClassMaps";
import { Maps } from "./maps/Maps";
import { Table } from "./table/Table";
import { ViewSettings } from "./ViewSettings";
import { Waterfall } from "./waterfall/Waterfall";

interface View {
  readonly name: ViewName;
  readonly label: string;
  readonly Panel: ComponentType<{ store: Store }>;
}

const VIEWS: readonly [View, ...View[]] = [
  { name: "graph", label: "Graph", Panel: Graph },
  { name: "heatmap", label: "Heatmap", Panel: Heatmap },
  { name: "maps", label: "Maps", Panel: AllMaps },
  { name: "waterfall", label: "Waterfall", Panel: Waterfall },
  { name: "table", label: "Table", Panel: Table },
];

/** Views that methods without interactions do not have. */
const OF_INTERACTIONS: ReadonlySet<ViewName> = new Set<ViewName>(["graph", "heatmap", "maps"]);

/** A map for each class, or for each word. */
function AllMaps({ store }: { store: Store }) {
  return store.wire.candidates.value ? <ClassMaps store={store} /> : <Maps store={store} />;
}

export function Views({ store }: { store: Store }) {
  const view = VIEWS.find(({ name }) => name === store.wire.view.value) ?? VIEWS[0];
  const turn = (event: KeyboardEvent) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step && event.currentTarget instanceof Element) {
      const next = (VIEWS.indexOf(view) + step + VIEWS.length) % VIEWS.length;
      store.commit("view", (VIEWS[next] ?? view).name);
      event.currentTarget.querySelectorAll<HTMLElement>("[role=tab]")[next]?.focus();
    }
  };
  return (
    <section class="fx-views" aria-label="Interactions">
      <div class="fx-toolbar">
        <div class="fx-tabs" role="tablist" aria-label="Views" onKeyDown={turn}>
          {VIEWS.map(({ name, label }) => (
            <button
              key={name}
              type="button"
              role="tab"
              id={`${store.id}-tab-${name}`}
              aria-selected={name === view.name}
              aria-controls={`${store.id}-panel`}
              tabindex={name === view.name ? 0 : -1}
              data-view={name}
              onClick={() => store.commit("view", name)}
            >
              {label}
            </button>
          ))}
        </div>
        <ViewSettings store={store} view={view.name} />
      </div>
      <div
        class="fx-panel"
        role="tabpanel"
        id={`${store.id}-panel`}
        aria-labelledby={`${store.id}-tab-${view.name}`}
        data-waiting={store.view.explanation.value === null}
      >
        <Panel store={store} view={view} />
      </div>
      <Caveat store={store} view={view.name} />
    </section>
  );
}

function Panel({ store, view }: { store: Store; view: View }) {
  const shown = store.view.explanation.value;
  if (!shown) {
    const running = store.view.status.value === "running";
    return (
      <p class="fx-empty">
        {running ? "Encoding the first masked images …" : "Nothing is computed yet: press Run."}
      </p>
    );
  }
  return shown.order < 2 && OF_INTERACTIONS.has(view.name) ? (
    <FirstOrder store={store} />
  ) : (
    <view.Panel store={store} />
  );
}

/** Caveats about the view on screen. */
function Caveat({ store, view }: { store: Store; view: ViewName }) {
  const shown = store.view.explanation.value;
  if (!shown || shown.order < 2) {
    return null;
  }
  return (
    <p class="fx-caveat">
      {view === "graph" && dashes(store) && (
        <span data-caveat="dashes">Dashed and faded: not significant. </span>
      )}
      {view === "graph" && hasNoCross(store) && (
        <span data-caveat="cross">
          None of these interactions is between image and text.{" "}
          <button
            type="button"
            class="fx-link"
            data-action="show-cross"
            onClick={() => store.commit("graph_kind", "cross")}
          >
            Show those
          </button>
        </span>
      )}
    </p>
  );
}

/** Return whether the graph shows no cross-modal interaction although there are some. */
function hasNoCross(store: Store): boolean {
  const edges = store.view.graph.value?.edges ?? [];
  const crossing = edges.some(({ kind }) => kind === "cross" || kind === "term");
  return (
    store.wire.graph_kind.value === "all" &&
    edges.length > 0 &&
    !crossing &&
    store.view.limits.value.cross > 0
  );
}
