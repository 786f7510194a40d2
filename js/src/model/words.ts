/** The word of each image player, and the colours of words. The kernel decides which word a patch belongs to. */

import { type Explanation, interaction } from "./explanation";

export interface PatchWords {
  /** Text player of each image player, numbered from 0; -1 if none. */
  readonly words: readonly number[];
  /** (n_image,) interactions with that word; 0 if none. */
  readonly values: readonly number[];
}

/** Return the word of each image player; null if the explanation has no interactions or words, or is from an old page. */
export function patchWordsOf(of: Explanation): PatchWords | null {
  if (of.order < 2 || !of.patch_words || of.tokens.length === 0) {
    return null;
  }
  const words = of.patch_words;
  return {
    words,
    values: words.map((word, patch) => (word < 0 ? 0 : interaction(of, of.nImage + word, patch))),
  };
}

/** Return (n_text,) sums of the interactions of each word's patches. */
export function wordSums({ words, values }: PatchWords, nText: number): number[] {
  const sums = Array<number>(nText).fill(0);
  for (const [patch, word] of words.entries()) {
    if (word >= 0) {
      sums[word] = (sums[word] ?? 0) + (values[patch] ?? 0);
    }
  }
  return sums;
}

/** Index of each word's colour; null for a word that never had one. */
export type ColourIndices = readonly (number | null)[];

/**
 * Return the colours of words, given in the order of `sums`, strongest first.
 *
 * A word keeps the colour that it has in `before`, so that a patch changes its colour only with its word. If all
 * colours are taken, a word without patches loses its own.
 *
 * @param sums sums of the interactions of each word's patches; 0 without patches.
 * @param colours number of colours.
 */
export function assignColours(
  sums: readonly number[],
  colours: number,
  before: ColourIndices = [],
): ColourIndices {
  const indices = sums.map((_, word) => before[word] ?? null);
  const wanting = [...sums.keys()]
    .filter((word) => (sums[word] ?? 0) > 0 && indices[word] === null)
    .sort((a, b) => (sums[b] ?? 0) - (sums[a] ?? 0));
  for (const word of wanting) {
    const free = [...Array(colours).keys()].find((index) => !indices.includes(index));
    const idle = indices.findIndex((index, other) => index !== null && !((sums[other] ?? 0) > 0));
    if (free !== undefined) {
      indices[word] = free;
    } else if (idle >= 0) {
      indices[word] = indices[idle] ?? null;
      indices[idle] = null;
    }
  }
  return indices;
}

/** Opacities of a patch with the weakest and with the strongest interaction, as in the kernel's drawings. */
export const OPACITIES = { weakest: 0.2, strongest: 0.72 };

/** Return the opacity of a patch whose interaction with its word is `value`. */
export function wordOpacity(value: number, largest: number): number {
  const share = Math.min(value / (largest || 1), 1);
  return OPACITIES.weakest + (OPACITIES.strongest - OPACITIES.weakest) * share;
}
