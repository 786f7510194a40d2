/** Masked pairs as the model sees them: removed patches are masked, removed tokens are struck out. */

import { probability } from "../../lib/format";
import { imageWord, patchCount, textWord } from "../../model/players";
import { Masked, MaskingNote, removedBy } from "../../scene/Masked";
import type { Store } from "../../state/store";

/** Number of masks in the strip; the panel shows all. */
const FEW = 4;

interface StripProps {
  readonly store: Store;
  readonly open: boolean;
  readonly toggle: () => void;
}

/** A button beside the sliders with a few masks; it opens the panel with all. */
export function Strip({ store, open, toggle }: StripProps) {
  const { examples } = store.wire;
  const masks = examples.value?.masks.slice(0, FEW) ?? Array<string>(FEW).fill("");
  const title = usesP(store)
    ? `what the model sees at p = ${probability(examples.value?.p ?? store.wire.p.value)}`
    : "no masks are drawn at p";
  return (
    <button
      type="button"
      class="fx-strip"
      aria-expanded={open}
      aria-controls={`${store.id}-panels`}
      title="Show what the model sees in full"
      data-action="examples"
      onClick={toggle}
    >
      <span class="fx-strip-title">{title}</span>
      <span class="fx-thumbs">
        {masks.map((mask, index) => (
          <Masked key={index} store={store} name={`strip-${index}`} removed={mask ? removedBy(mask) : null} />
        ))}
      </span>
    </button>
  );
}

/** All masks, each with its caption. */
export function Examples({ store }: { store: Store }) {
  const examples = store.wire.examples.value;
  if (!examples || examples.masks.length === 0) {
    return (
      <p class="fx-empty">
        {usesP(store)
          ? "No masks yet; they are drawn with the first result."
          : "This method draws no masks at p."}
      </p>
    );
  }
  return (
    <>
      <p class="fx-hint">
        Each player is kept with probability {probability(examples.p)}. <MaskingNote store={store} />
        {store.view.board.value.tokens.length > 0 &&
          ` A removed ${textWord(store.view.board.value).one} is hidden from the model’s attention.`}
      </p>
      <ul class="fx-examples">
        {examples.masks.map((mask, index) => (
          <li key={index}>
            <Masked store={store} name={`mask-${index}`} removed={removedBy(mask)} />
            <Words store={store} mask={mask} />
          </li>
        ))}
      </ul>
    </>
  );
}

function usesP(store: Store): boolean {
  const { options, method } = store.wire;
  return options.value.methods.find(({ name }) => name === method.value)?.uses_p ?? true;
}

function Words({ store, mask }: { store: Store; mask: string }) {
  const board = store.view.board.value;
  const first = patchCount(board);
  const kept = [...mask.slice(0, first)].filter((bit) => bit === "1").length;
  const words = board.tokens.filter((_, index) => mask[first + index] === "1");
  return (
    <>
      <span class="fx-hidden">
        {kept} of {first} {imageWord(board).many} kept; {textWord(board).many} kept:{" "}
        {words.join(" ") || "none"}
      </span>
      <span class="fx-words" aria-hidden="true">
        {board.tokens.map((token, index) => (
          <span key={index} data-kept={mask[first + index] === "1"}>
            {token}
          </span>
        ))}
      </span>
    </>
  );
}
