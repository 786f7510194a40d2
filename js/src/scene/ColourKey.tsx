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
      title={`The opacity grows with the interaction, up to ${end}`}
    >
      <span aria-hidden="true">0</span>
      <span class="fx-bar fx-strength" style={{ "--weakest": weakest, "--strongest": strongest }} />
      <span>{end}</span>
      {sharingNote(store) && <span class="fx-shared">{sharingNote(store)}</span>}
    </div>
  );
}

/**
 * The colours with the values at their ends. Tokens have a scale of their own where theirs differs, because patches would
 * hardly be visible on it; each scale then has its own colours with its own ends.
 */
export function Scales({ store }: { store: Store }) {
  const { patch, token } = store.view.scales.value;
  const board = store.view.board.value;
  const same = board.tokens.length === 0 || plain(patch) === plain(token);
  const scales = same
    ? [{ name: "", end: patch }]
    : [
        { name: imageWord(board).many, end: patch },
        { name: textWord(board).many, end: token },
      ];
  const colours = store.view.values.value?.some((value) => value !== 0);
  return (
    <div class="fx-scales" style={{ visibility: colours ? "visible" : "hidden" }}>
      {scales.map((scale) => (
        <Scale key={scale.name} store={store} {...scale} />
      ))}
      {sharingNote(store) && <span class="fx-shared">{sharingNote(store)}</span>}
    </div>
  );
}

/** One scale from −`end` to `end`; its name is that of the players on it. */
export function Scale({ store, name, end }: { store: Store; name: string; end: number }) {
  const shown = store.view.explanation.value;
  const { positive, negative } = store.view.palette.value;
  return (
    <span class="fx-scale" data-scale={name} title={`The colours end at ±${plain(end)}`}>
      {name && <span>{name}</span>}
      <span aria-hidden="true">−</span>
      <span class="fx-bar" style={{ "--positive": positive, "--negative": negative }} />
      <span aria-hidden="true">+</span>
      <span>
        ±{plain(end)}
        {shown ? unitOf(shown) : ""}
      </span>
    </span>
  );
}

/** Return which explanations share the scale, or an empty string. */
export function sharingNote(store: Store): string {
  if (store.view.shown.value === "difference") {
    return "own scale of B − A";
  }
  return store.view.compared.value.length > 1 ? "same scale for A and B" : "";
}
