/** Which explanation the views show, and in the light of which players. */

import { computed, type ReadonlySignal } from "@preact/signals";
import { type Explanation, explanationOf } from "./explanation";
import type { Group, Shown, Subset, Traits } from "./protocol";

type Compared = { readonly [Name in "shown" | "pinned" | "difference"]: ReadonlySignal<Traits[Name]> };

/** What the views show of A, B and B − A, and what shares one colour scale: A with B; their difference has its own. */
export function comparison(traits: Compared, current: ReadonlySignal<Explanation | null>) {
  const pinned = computed(() => traits.pinned.value && explanationOf(traits.pinned.value.result));
  const difference = computed(() => traits.difference.value && explanationOf(traits.difference.value.result));
  const of = { current, pinned, difference };
  const shown = computed<Shown>(() => (of[traits.shown.value]?.value ? traits.shown.value : "current"));
  const explanation = computed(() => of[shown.value].value);
  const compared = computed(() => {
    const together =
      shown.value === "difference" ? [difference.value] : [explanation.value, current.value, pinned.value];
    return [...new Set(together)].filter((one) => one !== null);
  });
  return { shown, explanation, compared };
}

/** The kernel's answer, if it is for this selection in this explanation. */
export function groupFor(
  group: Group | null,
  selection: readonly number[],
  explanation: Explanation | null,
): Group | null {
  const fits =
    group !== null &&
    group.generation === explanation?.generation &&
    group.selection.length === selection.length &&
    selection.every((player) => group.selection.includes(player));
  return fits ? group : null;
}

type Asked = { readonly [Name in "subsets" | "subset_size" | "subset_sign"]: ReadonlySignal<Traits[Name]> };

/** The subset to show, if one is asked for and the kernel has it for this explanation. */
export function subsetFor(traits: Asked, explanation: Explanation | null): Subset | null {
  const { subsets, subset_size, subset_sign } = traits;
  const size = subset_size.value;
  if (size === 0 || !subsets.value || subsets.value.generation !== explanation?.generation) {
    return null;
  }
  return subsets.value[subset_sign.value].find(({ players }) => players.length === size) ?? null;
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
