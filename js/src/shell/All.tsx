/** The module of what the simple level does not show: controls, views, panels, comparison, and files to download. */

import { downloadFile } from "../downloads/download-file";
import { type PanelName, Panels, refusalsIn } from "../panels/Panels";
import { Hiding } from "../scene/Hiding";
import { Legend } from "../scene/Legend";
import { Stage } from "../scene/Stage";
import type { Store } from "../state/store";
import { Sides } from "../views/sides/Sides";
import { Views } from "../views/Views";
import css from "./all.css?inline";
import { Compare } from "./Compare";
import { Controls } from "./Controls";
import { Finding } from "./Finding";
import { Footer } from "./Footer";

interface AllProps {
  readonly store: Store;
  readonly open: PanelName | null;
  readonly toggle: (name: PanelName) => void;
}

/** Everything below the header. */
function All({ store, open, toggle }: AllProps) {
  const { live, offline } = store.wire;
  const sides = store.view.sideBySide.value;
  return (
    <>
      {(live.value || offline.value) && (
        <Controls store={store} examples={open === "examples"} toggleExamples={() => toggle("examples")} />
      )}
      <Finding store={store}>
        <Compare store={store} />
      </Finding>
      {sides ? (
        <Sides store={store} of={sides} />
      ) : (
        <div class="fx-body" aria-busy={store.view.stale.value}>
          <section class="fx-scene" aria-label="Image and caption">
            <Stage store={store} />
            <Legend store={store} />
            <Hiding store={store} />
          </section>
          <Views store={store} />
        </div>
      )}
      <Panels store={store} open={open} toggle={toggle} />
      <Footer store={store} />
    </>
  );
}

export default { All, Compare, Sides, css, downloadFile, refusalsIn };
