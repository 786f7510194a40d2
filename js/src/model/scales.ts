/** Where colour scales end: one for patches and one for words, the same for whatever is active and for A as for B. */

import type { Block } from "../wire/types";
import { type Explanation, limitOf, valuesFor } from "./explanation";

/** Ends of the scales, ±, in logits. */
export interface Scales {
  readonly patch: number;
  readonly token: number;
  /** Of an interaction between image and text, as arcs show them. */
  readonly cross: number;
}

export type BlockLimits = Readonly<Record<Block, number>>;

/**
 * Largest size among each block's interactions; 0 where all are zero.
 *
 * @returns of `cross` (n_text, n_image), `text_text` and `image_image`, in logits.
 */
export function blockLimits(of: Explanation): BlockLimits {
  const limits = { cross: 0, text_text: 0, image_image: 0 };
  for (let i = 0; i < of.nPlayers; i++) {
    for (let j = i + 1; j < of.nPlayers; j++) {
      const block = blockOf(of, i, j);
      limits[block] = Math.max(limits[block], Math.abs(of.interactions[i * of.nPlayers + j] ?? 0) || 0);
    }
  }
  return limits;
}

export function blockOf(of: Explanation, i: number, j: number): Block {
  const patches = Number(i < of.nImage) + Number(j < of.nImage);
  return patches === 2 ? "image_image" : patches === 1 ? "cross" : "text_text";
}

/** The larger of each limit: what A and B share. */
export function widest(limits: readonly BlockLimits[]): BlockLimits {
  const most = (block: Block) => Math.max(...limits.map((limit) => limit[block]), 0);
  return { cross: most("cross"), text_text: most("text_text"), image_image: most("image_image") };
}

/**
 * Scales for the main effects (nothing active), or for the interactions with the active players.
 *
 * Main effects of words are several times those of patches, hence a scale for each. Interactions within image or text
 * are never on a finer scale than those across: weak ones look weak.
 *
 * @param explanations what is shown, and what it is compared with on the same scale.
 */
export function scalesOf(
  explanations: readonly Explanation[],
  limits: BlockLimits,
  active: readonly number[],
): Scales {
  const cross = limits.cross || 1;
  if (active.length === 0) {
    const patch = Math.max(...explanations.map((of) => limitOf(of.main.subarray(0, of.nImage))));
    const token = Math.max(...explanations.map((of) => limitOf(of.main.subarray(of.nImage))));
    return { patch, token, cross };
  }
  const first = explanations[0]?.nImage ?? 0;
  const patches = active.some((player) => player < first);
  const tokens = active.some((player) => player >= first);
  const sums = active.length > 1 ? largestSums(explanations, active) : { patch: 0, token: 0 };
  return {
    patch: Math.max(cross, patches ? limits.image_image : 0, sums.patch),
    token: Math.max(cross, tokens ? limits.text_text : 0, sums.token),
    cross,
  };
}

/** Largest summed interaction of a patch, and of a token, that is not active itself. */
function largestSums(explanations: readonly Explanation[], active: readonly number[]) {
  const largest = { patch: 0, token: 0 };
  for (const of of explanations) {
    const known = active.filter((player) => player < of.nPlayers);
    const values = valuesFor(of, known);
    for (let player = 0; player < of.nPlayers; player++) {
      if (!known.includes(player)) {
        const kind = player < of.nImage ? "patch" : "token";
        largest[kind] = Math.max(largest[kind], Math.abs(values[player] ?? 0) || 0);
      }
    }
  }
  return largest;
}
