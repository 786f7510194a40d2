/** The key to the picture's colours: a choice of what they show, and their scale. */

import { plain } from "../lib/format";
import { unitOf } from "../model/explanation";
import { imageWord, textWord } from "../model/players";
import { OPACITIES } from "../model/words";
import type { Colouring, WordColours } from "../state/first-sight";
import type { Store } from "../state/store";
import { Choices } from "../ui/Field";

/** A choice of what colours the picture while no player is active. */
export function ColouringChoice({ store }: { store: Store }) {
  const { one, many } = textWord(store.view.board.value);
  const image = imageWord(store.view.board.value);
  const selected = store.wire.selection.value.length > 0;
  const options = [
    {
      value: "words",
      label: `${many[0]?.toUpperCase()}${many.slice(1)}`,
      title: `Each ${image.one} in the colour of its ${one}`,
    },
    { value: "main", label: "Main effects", title: `The main effect of each ${image.one} and ${one}` },
  ];
  return (
    <Choices
      label="Colours of the picture without a selection"
      value={store.view.colouring.value}
      options={options.map((option) => ({
        ...option,
        title: selected ? "Clear the selection to see this" : option.title,
        disabled: selected,
      }))}
      change={(value) => {
        store.view.colouring.value = value as Colouring;
      }}
    />
  );
}

/** The scale of the opacities while words colour the picture. */
export function Strength({ store, words }: { store: Store; words: WordColours }) {
  const shown = store.view.explanation.value;
  const { weakest, strongest } = OPACITIES;
  const end = `+${plain(words.largest)}${shown ? unitOf(shown) : ""}`;
  return (
    <div
      class="fx-scale"
      style={{ visibility: words.largest > 0 ? "visible" : "hidden" }}
      title={`The opacity grows with the interaction, up to ${end}${SHARED[sharing(store)]}`}
    >
      <span aria-hidden="true">0</span>
      <span class="fx-bar fx-strength" style={{ "--weakest": weakest, "--strongest": strongest }} />
      <span>
        {end}
        {SHARED[sharing(store)]}
      </span>
    </div>
  );
}

/** The ends of the scales; tokens have their own, because on it the patches' main effects would hardly be visible. */
export function Scale({ store }: { store: Store }) {
  const { patch, token } = store.view.scales.value;
  const shown = store.view.explanation.value;
  const colours = store.view.values.value?.some((value) => value !== 0);
  const { positive, negative } = store.view.palette.value;
  const unit = shown ? unitOf(shown) : "";
  const board = store.view.board.value;
  const one = board.tokens.length === 0 || plain(patch) === plain(token);
  const ends = one
    ? `±${plain(patch)}`
    : `${imageWord(board).many} ±${plain(patch)} · ${textWord(board).many} ±${plain(token)}`;
  return (
    <div
      class="fx-scale"
      style={{ visibility: colours ? "visible" : "hidden" }}
      title={`The colours end at ${ends}${unit}${SHARED[sharing(store)]}`}
    >
      <span aria-hidden="true">−</span>
      <span class="fx-bar" style={{ "--positive": positive, "--negative": negative }} />
      <span aria-hidden="true">+</span>
      <span>
        {ends}
        {unit}
        {SHARED[sharing(store)]}
      </span>
    </div>
  );
}

const SHARED = { own: "", locked: " · same scale for A and B", difference: " · own scale of B − A" } as const;

function sharing(store: Store): keyof typeof SHARED {
  if (store.view.shown.value === "difference") {
    return "difference";
  }
  return store.view.compared.value.length > 1 ? "locked" : "own";
}
