/** What is hidden from the model, the picture as the encoder sees it, and the model's value beside the prediction. */

import { imageWord, patchCount, shortName, spokenName } from "../model/players";
import { isOf } from "../state/comparison";
import type { Store } from "../state/store";
import { Icon } from "../ui/Field";
import { Refused } from "../ui/Notices";
import { Masked, MaskingNote } from "./Masked";
import { Probabilities } from "./Probabilities";
import { Values } from "./Values";

/** The settings whose refusal appears here. */
const REFUSALS = ["removed"];

/** Present while the user hides players, or something is hidden. */
export function Hiding({ store }: { store: Store }) {
  const removed = store.wire.removed.value;
  if (!hides(store)) {
    return null;
  }
  return (
    <section class="fx-hiding" aria-label="The model without the hidden parts">
      <Seen store={store} />
      <div class="fx-hidden-parts">
        {removed.length > 0 && <Hidden store={store} removed={removed} />}
        <p class="fx-hint">
          <MaskingNote store={store} />
        </p>
      </div>
      <Probabilities store={store} />
      <Values store={store} />
      <Refused store={store} names={REFUSALS} />
    </section>
  );
}

/** Return the settings whose refusal appears beside the picture. */
export function refusalsOfHiding(store: Store): readonly string[] {
  return hides(store) ? REFUSALS : [];
}

function hides(store: Store): boolean {
  return store.view.tool.value === "hide" || store.wire.removed.value.length > 0;
}

/** The masked picture: at first composed by the view, then as the encoder sees it. */
function Seen({ store }: { store: Store }) {
  const { scene, played, removed } = store.wire;
  const { masking, image } = scene.value;
  if (!masking || !image) {
    return null;
  }
  const known = isOf(played.value, removed.value) ? store.view.seen.value : null;
  const first = patchCount(store.view.board.value);
  const { many } = imageWord(store.view.board.value);
  const hidden = removed.value.filter((player) => player < first).length;
  return (
    <figure class="fx-seen">
      <div
        role="img"
        aria-label={`The picture as the encoder sees it, ${hidden} of ${first} ${many} hidden`}
        data-from={known ? "model" : "view"}
      >
        {known ? (
          <img src={known} alt="" style={{ aspectRatio: `${image.width} / ${image.height}` }} />
        ) : (
          <Masked store={store} name="seen" removed={removed.value} />
        )}
      </div>
      <figcaption>what the encoder sees</figcaption>
    </figure>
  );
}

function Hidden({ store, removed }: { store: Store; removed: readonly number[] }) {
  const board = store.view.board.value;
  return (
    <ul class="fx-removed" aria-label="Hidden players">
      {removed.map((player) => (
        <li key={player}>
          <button
            type="button"
            aria-label={`Show ${spokenName(board, player)} again`}
            title="Show it again"
            data-shows={player}
            onClick={() => store.toggleRemoved([player])}
          >
            {shortName(board, player)}
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}
