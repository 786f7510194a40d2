/** Selection of the explanation to show, and of the kernel's answers that belong to it. */

import { computed, type ReadonlySignal } from "@preact/signals";
import { type Explanation, explanationOf, haveOneUnit } from "../model/explanation";
import type { Sides } from "../model/sides";
import type { Group, Played, Shown, Subset, Subsets, Traits } from "../wire/types";

type Compared = { readonly [Name in "shown" | "pinned" | "difference"]: ReadonlySignal<Traits[Name]> };

/** Choose among A, B and B − A. A and B share a colour scale if they have one unit; B − A has its own scale. */
export function comparison(traits: Compared, current: ReadonlySignal<Explanation | null>) {
  const pinned = computed(() => traits.pinned.value && explanationOf(traits.pinned.value.result));
  const difference = computed(() => traits.difference.value && explanationOf(traits.difference.value.result));
  const of = { current, pinned, difference };
  const shown = computed<Shown>(() => (of[traits.shown.value]?.value ? traits.shown.value : "current"));
  const explanation = computed(() => of[shown.value].value);
  const compared = computed(() => {
    const together =
      shown.value === "difference" ? [difference.value] : [explanation.value, current.value, pinned.value];
    const all = [...new Set(together)].filter((one) => one !== null);
    return all.filter((one) => explanation.value && haveOneUnit(one, explanation.value));
  });
  const sides = computed<Sides | null>(() => {
    const [a, b, change] = [pinned.value, current.value, difference.value];
    return a && b && change && a.order < 2 === b.order < 2
      ? { a, b, difference: change, partners: traits.difference.value?.partners ?? [] }
      : null;
  });
  return { shown, explanation, compared, sides };
}

/** Return whether `played` is about exactly these hidden players. */
export function isOf(played: Played | null, removed: readonly number[]): played is Played {
  return (
    played !== null &&
    played.removed.length === removed.length &&
    removed.every((player) => played.removed.includes(player))
  );
}

/** Return the kernel's sums if they are for this selection. */
export function groupFor(group: Group | null, selection: readonly number[]): Group | null {
  const fits =
    group !== null &&
    group.selection.length === selection.length &&
    selection.every((player) => group.selection.includes(player));
  return fits ? group : null;
}

/** Return the subset of `size` players; null for size 0. */
export function subsetFor(subsets: Subsets | null, size: number, sign: Traits["subset_sign"]): Subset | null {
  if (size === 0 || !subsets) {
    return null;
  }
  return subsets[sign].find(({ players }) => players.length === size) ?? null;
}

/**
 * Return the kernel's `answer` if it is about the explanation on screen: about the same one of A, B and B − A, and about
 * the current result. Answers about A do not depend on the current result.
 */
export function answerFor<Answer extends { readonly shown: Shown; readonly generation: number }>(
  answer: Answer | null,
  shown: Shown,
  current: Explanation | null,
): Answer | null {
  const fits = answer?.shown === shown && (shown === "pinned" || answer.generation === current?.generation);
  return fits ? answer : null;
}

/** Return the selected players, else the hovered one; players that the explanation does not have are dropped. */
export function activePlayers(
  selection: readonly number[],
  hovered: number | null,
  explanation: Explanation | null,
): readonly number[] {
  const players = explanation?.nPlayers ?? 0;
  const selected = selection.filter((player) => player < players);
  if (selected.length > 0) {
    return selected;
  }
  return hovered !== null && hovered < players ? [hovered] : [];
}
