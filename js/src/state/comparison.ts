/** Which explanation the views show, and in the light of which players. */

import { computed, type ReadonlySignal } from "@preact/signals";
import { type Explanation, explanationOf, haveOneUnit } from "../model/explanation";
import type { Group, Shown, Subset, Subsets, Traits } from "../wire/types";

type Compared = { readonly [Name in "shown" | "pinned" | "difference"]: ReadonlySignal<Traits[Name]> };

/** What the views show of A, B and B − A, and what shares one colour scale: A with B in one unit; their difference has its own. */
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
  return { shown, explanation, compared };
}

/**
 * The kernel's answer, if it is for this selection and for the present result, whose number an answer bears whichever
 * explanation is shown.
 */
export function groupFor(
  group: Group | null,
  selection: readonly number[],
  current: Explanation | null,
): Group | null {
  const fits =
    group !== null &&
    group.generation === current?.generation &&
    group.selection.length === selection.length &&
    selection.every((player) => group.selection.includes(player));
  return fits ? group : null;
}

/** The subset to show, if one is asked for and the kernel has it for the present result. */
export function subsetFor(
  subsets: Subsets | null,
  size: number,
  sign: Traits["subset_sign"],
  current: Explanation | null,
): Subset | null {
  if (size === 0 || !subsets || subsets.generation !== current?.generation) {
    return null;
  }
  return subsets[sign].find(({ players }) => players.length === size) ?? null;
}

/** `answer` where it is about the explanation that is shown. */
export function answerFor<Answer extends { readonly shown: Shown }>(
  answer: Answer | null,
  shown: Shown,
): Answer | null {
  return answer?.shown === shown ? answer : null;
}

/** Players that the explanation does not have (any more) are left out. */
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
