/** Settings of the views: kind, sign and number of interactions, layout, and subset. */

import { type Board, imageWord, playersWord, textWord } from "../model/players";
import type { Store } from "../state/store";
import { Slider } from "../ui/Slider";
import type { Block, Setting, ViewName } from "../wire/types";

/** Largest subset that the slider offers. */
const LARGEST_SUBSET = 24;

export function ViewSettings({ store, view }: { store: Store; view: ViewName }) {
  const { options } = store.wire;
  const { layouts, kinds, signs } = options.value;
  const ofBoth = store.view.board.value.tokens.length > 0;
  if (view === "waterfall" || view === "maps" || (store.view.explanation.value?.order ?? 2) < 2) {
    return null;
  }
  if (view === "heatmap") {
    return ofBoth ? <Blocks store={store} /> : null;
  }
  return (
    <div class="fx-view-settings">
      {ofBoth && <Choice store={store} name="graph_kind" label="Which interactions" choices={kinds} />}
      <Choice store={store} name="graph_sign" label="Which sign" choices={signs} />
      {view === "graph" && <Choice store={store} name="graph_layout" label="Layout" choices={layouts} />}
      <Top store={store} />
      {view === "graph" && <SubsetSize store={store} />}
    </div>
  );
}

function Top({ store }: { store: Store }) {
  const { top_k } = store.wire;
  return (
    <Slider
      id={`${store.id}-top`}
      label="top"
      name={(value) => String(value)}
      value={top_k.value}
      min={1}
      max={Math.max(60, top_k.value)}
      step={1}
      commit={(value) => store.commit("top_k", value)}
    />
  );
}

/** The number of players in the subset. */
function SubsetSize({ store }: { store: Store }) {
  const { subset_size } = store.wire;
  return (
    <Slider
      id={`${store.id}-subset`}
      label="subset"
      name={(value) => (value === 0 ? "off" : String(value))}
      value={subset_size.value}
      min={0}
      max={Math.max(LARGEST_SUBSET, subset_size.value)}
      step={1}
      commit={(value) => store.commit("subset_size", value)}
    />
  );
}

/** A choice between the subsets with the highest and the lowest value, within a sentence. */
export function SubsetEnd({ store, words }: { store: Store; words: Readonly<Record<string, string>> }) {
  return (
    <Choice
      store={store}
      name="subset_sign"
      label="The subset with the highest or the lowest value"
      choices={["positive", "negative"]}
      words={words}
    />
  );
}

const BLOCKS: readonly { readonly block: Block; readonly label: string }[] = [
  { block: "cross", label: "image × text" },
  { block: "text_text", label: "text × text" },
  { block: "image_image", label: "image × image" },
];

/** Return the nouns for the players of a block. */
function playersIn(block: Block, board: Board): string {
  return { cross: playersWord(board), text_text: textWord(board).many, image_image: imageWord(board).many }[
    block
  ];
}

function Blocks({ store }: { store: Store }) {
  const shown = store.wire.heatmap_kind.value;
  return (
    <div class="fx-tabs" role="group" aria-label="Which interactions">
      {BLOCKS.map(({ block, label }) => (
        <button
          key={block}
          type="button"
          title={`Interactions between ${playersIn(block, store.view.board.value)}${shrunk(store, block)}`}
          data-heatmap-kind={block}
          aria-pressed={block === shown}
          onClick={() => store.commit("heatmap_kind", block)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

/** Return a note on a block with too few masks. */
function shrunk(store: Store, block: Block): string {
  return store.view.explanation.value?.identified[block] === false ? "; shrunk: too few masks" : "";
}

const WORDS: Readonly<Record<string, string>> = {
  all: "all pairs",
  cross: "image × text",
  intra: "within one",
  both: "+ and −",
  positive: "only +",
  negative: "only −",
  anchored: "in place",
  spring: "spring",
  kamada_kawai: "Kamada–Kawai",
};

interface ChoiceProps {
  readonly store: Store;
  readonly name: Extract<Setting, "graph_kind" | "graph_sign" | "graph_layout" | "subset_sign">;
  readonly label: string;
  readonly choices: readonly string[];
  readonly words?: Readonly<Record<string, string>>;
}

function Choice({ store, name, label, choices, words = WORDS }: ChoiceProps) {
  return (
    <select
      class="fx-select"
      aria-label={label}
      title={label}
      data-setting={name}
      value={store.wire[name].value}
      onChange={(event) => store.commit(name, event.currentTarget.value as never)}
    >
      {choices.map((choice) => (
        <option key={choice} value={choice}>
          {words[choice] ?? choice}
        </option>
      ))}
    </select>
  );
}
