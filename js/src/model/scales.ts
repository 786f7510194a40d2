/** Ends of the colour scales: one for patches and one for tokens, shared by A and B. */

import type { Block } from "../wire/types";
import { type Explanation, limitOf, valuesFor } from "./explanation";

/** Largest absolute value of each scale, in logits. */
export interface Scales {
  readonly patch: number;
  readonly token: number;
  /** Scale of cross-modal interactions, which arcs show. */
  readonly cross: number;
}

export type BlockLimits = Readonly<Record<Block, number>>;

/**
 * Return the largest absolute interaction of each block; 0 if all are zero.
 *
 * @returns limits of `cross`, `text_text` and `image_image`, in logits.
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

/** Return the largest limit of each block, which A and B share. */
export function widest(limits: readonly BlockLimits[]): BlockLimits {
  const most = (block: Block) => Math.max(...limits.map((limit) => limit[block]), 0);
  return { cross: most("cross"), text_text: most("text_text"), image_image: most("image_image") };
}

/**
 * Return the scales of main effects (no player active), or of interactions with the active players.
 *
 * Main effects of tokens are several times those of patches, hence two scales. Interactions within one modality never
 * have a smaller scale than cross-modal ones, so that weak interactions look weak.
 *
 * @param explanations the explanations that share the scales.
 */
export function scalesOf(
  explanations: readonly Explanation[],
  limits: BlockLimits,
  active: readonly number[],
): Scales {
  const cross = limits.cross || 1;
  if (active.length === 0) {
    const patch = Math.max(...explanations.map((of) => limitOf(of.alone.subarray(0, of.nImage))));
    const token = Math.max(...explanations.map((of) => limitOf(of.alone.subarray(of.nImage))));
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

/** Return the largest summed interaction of a patch, and of a token, among players that are not active. */
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
