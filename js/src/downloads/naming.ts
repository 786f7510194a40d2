/** Names and titles of downloaded files: which explanation they show. */

import { count, plain, probability } from "../lib/format";
import { unitOf } from "../model/explanation";
import { groupName, imageWord, textWord } from "../model/players";
import type { Store } from "../state/store";

const LONGEST_CAPTION = 48;

/** Return the name of a file without its ending: `a-dog-and-a-cat_p0.5_131072_B-minus-A_picture`. */
export function fileName(store: Store, what: string): string {
  const shown = store.view.explanation.value;
  const { uses_p, uses_budget } = methodOf(store);
  const words = (shown?.caption ?? "").match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  const parts = [
    words.join("-").slice(0, LONGEST_CAPTION) || "explanation",
    shown && uses_p && `p${probability(shown.p)}`,
    shown && uses_budget && String(shown.budget),
    store.wire.pinned.value && { current: "B", pinned: "A", difference: "B-minus-A" }[store.view.shown.value],
    what,
  ];
  return parts.filter(Boolean).join("_");
}

/** Return the title of a file: "B − A: “a dog”, Weighted Banzhaf at p = 0.5, 131,072 evaluations, minus A, …". */
export function fileTitle(store: Store): string {
  const shown = store.view.explanation.value;
  if (!shown) {
    return "";
  }
  const { uses_p, uses_budget, label } = methodOf(store);
  const pinned = store.wire.pinned.value;
  const { current, difference } = { current: "B: ", difference: "B − A: " };
  const which = { current, pinned: "A: ", difference }[store.view.shown.value];
  const facts = [
    `“${shown.caption}”`,
    uses_p ? `${label} at p = ${probability(shown.p)}` : label,
    uses_budget && `${count(shown.budget)} evaluations`,
    store.view.shown.value === "difference" && pinned && `minus A, ${pinned.label}`,
  ];
  return (pinned ? which : "") + facts.filter(Boolean).join(", ");
}

/** Return what the colours of the picture are, and what is selected, hidden and in the subset, as sentences. */
export function fileState(store: Store): string {
  const board = store.view.board.value;
  const state = [
    { what: "Selected", players: store.wire.selection.value },
    { what: "Hidden from the model", players: store.wire.removed.value },
    { what: "Subset", players: store.view.subset.value?.players ?? [] },
  ];
  const sentences = state
    .filter(({ players }) => players.length > 0)
    .map(({ what, players }) => `${what}: ${groupName(board, players)}.`);
  return [colours(store), ...sentences].filter(Boolean).join(" ");
}

function colours(store: Store): string {
  const shown = store.view.explanation.value;
  if (!shown || store.view.tool.value === "hide") {
    return "";
  }
  const { firstSight, active, board, scales } = store.view;
  const unit = unitOf(shown);
  if (firstSight.value) {
    const [image, text] = [imageWord(shown).one, textWord(shown).one];
    return `Each ${image} has the colour of the ${text} it interacts with most, up to +${plain(firstSight.value.largest)}${unit}.`;
  }
  const what =
    active.value.length > 0 ? `Interactions with ${groupName(board.value, active.value)}` : "Main effects";
  const { patch, token } = scales.value;
  return `${what}; colours end at ±${plain(patch)} for ${imageWord(shown).many} and ±${plain(token)} for ${textWord(shown).many}${unit && `,${unit}`}.`;
}

function methodOf(store: Store) {
  const method = store.view.explanation.value?.method ?? "";
  const known = store.wire.options.value.methods.find(({ name }) => name === method);
  return known ?? { uses_p: true, uses_budget: true, label: method };
}
