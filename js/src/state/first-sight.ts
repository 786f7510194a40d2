/** The picture before any action: each patch in the colour of the word that it belongs to. */

import { computed, type ReadonlySignal } from "@preact/signals";
import type { Explanation } from "../model/explanation";
import { assignColours, type ColourIndices, type PatchWords, patchWordsOf, wordSums } from "../model/words";
import type { Options, Shown } from "../wire/types";

/** What colours the picture while no player is active. */
export type Colouring = "words" | "main";

export interface WordColours extends PatchWords {
  /** Colour of each text player; null for words without patches. */
  readonly colours: readonly (string | null)[];
  /** Largest of the values, over the compared explanations. */
  readonly largest: number;
}

interface Sources {
  readonly explanation: ReadonlySignal<Explanation | null>;
  readonly shown: ReadonlySignal<Shown>;
  readonly compared: ReadonlySignal<readonly Explanation[]>;
  readonly options: ReadonlySignal<Options>;
}

/**
 * Return the colours of words and patches; null for B − A, for methods without interactions, and in old pages.
 *
 * While the caption stays, words keep their colours, whatever p and the budget are.
 */
export function wordColours({
  explanation,
  shown,
  compared,
  options,
}: Sources): ReadonlySignal<WordColours | null> {
  const given = new Map<string, ColourIndices>();
  return computed(() => {
    const of = explanation.value;
    const palette = options.value.word_colors ?? [];
    const patches = of && shown.value !== "difference" ? patchWordsOf(of) : null;
    if (!of || !patches || palette.length === 0) {
      return null;
    }
    const sums = wordSums(patches, of.tokens.length);
    const caption = of.tokens.join("\n");
    const indices = assignColours(sums, palette.length, given.get(caption));
    given.set(caption, indices);
    const colours = indices.map((index, word) =>
      index !== null && (sums[word] ?? 0) > 0 ? (palette[index] ?? null) : null,
    );
    const values = compared.value.flatMap((one) => patchWordsOf(one)?.values ?? []);
    return { ...patches, colours, largest: Math.max(...values, 0) };
  });
}
