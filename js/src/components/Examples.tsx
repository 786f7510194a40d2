/** Masked pairs as the model saw them: removed patches are flat, removed tokens are struck out. */

import { probability } from "../format";
import { cell, patchCount } from "../players";
import type { Store } from "../store";

/** Masks in the strip; the panel shows all. */
const FEW = 4;

interface StripProps {
  readonly store: Store;
  readonly open: boolean;
  readonly toggle: () => void;
}

/** A few of them beside the sliders; pressed, it shows them at length. */
export function Strip({ store, open, toggle }: StripProps) {
  const { examples } = store.traits;
  const masks = examples.value?.masks.slice(0, FEW) ?? Array<string>(FEW).fill("");
  const title = usesP(store)
    ? `what the model sees at p = ${probability(examples.value?.p ?? store.traits.p.value)}`
    : "this method draws no masks at p";
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
          <Masked key={index} store={store} mask={mask} />
        ))}
      </span>
    </button>
  );
}

/** All of them, each with its caption. */
export function Examples({ store }: { store: Store }) {
  const examples = store.traits.examples.value;
  if (!examples || examples.masks.length === 0) {
    return (
      <p class="fx-empty">
        {usesP(store)
          ? "No mask was drawn yet: they come with the first result."
          : "This method draws no masks at p."}
      </p>
    );
  }
  return (
    <>
      <p class="fx-hint">
        Each player is kept with probability {probability(examples.p)}. A removed patch is flat (0 after the
        model’s normalisation), a removed token is hidden from the model’s attention.
      </p>
      <ul class="fx-examples">
        {examples.masks.map((mask, index) => (
          <li key={index}>
            <Masked store={store} mask={mask} />
            <Words store={store} mask={mask} />
          </li>
        ))}
      </ul>
    </>
  );
}

function usesP(store: Store): boolean {
  const { options, method } = store.traits;
  return options.value.methods.find(({ name }) => name === method.value)?.uses_p ?? true;
}

function Words({ store, mask }: { store: Store; mask: string }) {
  const board = store.board.value;
  const first = patchCount(board);
  const kept = [...mask.slice(0, first)].filter((bit) => bit === "1").length;
  const words = board.tokens.filter((_, index) => mask[first + index] === "1");
  return (
    <>
      <span class="fx-hidden">
        {kept} of {first} patches kept; tokens kept: {words.join(" ") || "none"}
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

/** The picture without the patches that a mask removes; without a picture, the patches that it keeps. */
function Masked({ store, mask }: { store: Store; mask: string }) {
  const board = store.board.value;
  const [rows, columns] = board.grid;
  const picture = store.picture.value;
  const { image } = store.traits.scene.value;
  const patches = [...mask.slice(0, patchCount(board))];
  const removed = patches.flatMap((bit, player) => (bit === "0" ? [player] : []));
  const squares = removed.map((player) => {
    const { row, column } = cell(board, player);
    return `M${column} ${row}h1v1h-1z`;
  });
  const stretch = image ? (image.width / image.height) * (rows / columns) : 1;
  return (
    <svg
      class="fx-masked"
      viewBox={`0 0 ${columns} ${rows}`}
      preserveAspectRatio="none"
      style={{ aspectRatio: `${columns * stretch} / ${rows}` }}
      aria-hidden="true"
    >
      {picture && mask && <image href={picture} width={columns} height={rows} preserveAspectRatio="none" />}
      <path d={squares.join("")} />
    </svg>
  );
}
