/** The simple level: the picture with the words, and beside it the finding, how far to trust it, and p. */

import { Hiding } from "../scene/Hiding";
import { Legend } from "../scene/Legend";
import { Stage } from "../scene/Stage";
import type { Store } from "../state/store";
import { KeepProbability } from "./Controls";
import { Finding } from "./Finding";
import { TrustWord } from "./Header";

export function Simple({ store }: { store: Store }) {
  const { live, offline } = store.wire;
  return (
    <div class="fx-simple" aria-busy={store.view.stale.value}>
      <section class="fx-scene" aria-label="Image and caption">
        <Stage store={store} />
        <Legend store={store} />
      </section>
      <div class="fx-told">
        <Finding store={store} />
        <TrustWord store={store} name="Trust in this explanation" />
        {(live.value || offline.value) && <KeepProbability store={store} />}
        {offline.value && <p class="fx-hint">{offline.value.why}</p>}
      </div>
      <Hiding store={store} />
    </div>
  );
}
