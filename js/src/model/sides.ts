/** Values of the image players in A, B and B − A, side by side, and the ends of their two colour scales. */

import { crossLimit, type Explanation, isSignificant, valuesFor } from "./explanation";

/** A, B and B − A, with the text player of A that matches each one of B, or null; both are numbered from 0. */
export interface Sides {
  readonly a: Explanation;
  readonly b: Explanation;
  readonly difference: Explanation;
  readonly partners: readonly (number | null)[];
}

export interface SideValues {
  /** (nImage,) values; null for A if it has none of the chosen words. */
  readonly a: readonly number[] | null;
  readonly b: readonly number[];
  readonly difference: readonly number[];
  /** End of the scale that A and B share, and of that of B − A. */
  readonly limit: number;
  readonly change: number;
}

/**
 * Return the interactions of each image player with the chosen words, summed, or with all words if none is chosen; the
 * main effects if there are no interactions.
 *
 * @param chosen text players of B.
 */
export function sideValues({ a, b, difference, partners }: Sides, chosen: readonly number[]): SideValues {
  if (b.order < 2) {
    return scaled(mains(a), mains(b), mains(difference), 0, 0);
  }
  if (chosen.length === 0) {
    const [ofA, ofB] = [summed(a, wordsOf(a)), summed(b, wordsOf(b))];
    // all words of A count, also those that B does not have
    const change = ofB.map((value, patch) => value - (ofA[patch] ?? 0));
    return scaled(ofA, ofB, change, 0, 0);
  }
  const own = chosen.flatMap((player) => partnerOf({ a, b, partners }, player) ?? []);
  return scaled(
    own.length > 0 ? summed(a, own) : null,
    summed(b, chosen),
    summed(difference, chosen),
    Math.max(crossLimit(a), crossLimit(b)),
    crossLimit(difference),
  );
}

/** Return the player of A that matches a text player of B, or null. */
export function partnerOf(
  { a, b, partners }: Pick<Sides, "a" | "b" | "partners">,
  player: number,
): number | null {
  const partner = partners[player - b.nImage] ?? null;
  return partner === null ? null : a.nImage + partner;
}

/** Return whether the interaction of an image player with the one chosen word is significant; false for sums. */
export function significantWith(of: Explanation, words: readonly number[], patch: number): boolean {
  const [only] = words;
  return words.length === 1 && only !== undefined && isSignificant(of, only, patch) === true;
}

function wordsOf(of: Explanation): number[] {
  return of.tokens.map((_, index) => of.nImage + index);
}

function mains(of: Explanation): number[] {
  return [...of.main.subarray(0, of.nImage)];
}

function summed(of: Explanation, players: readonly number[]): number[] {
  return [...valuesFor(of, players).subarray(0, of.nImage)];
}

function scaled(
  a: readonly number[] | null,
  b: readonly number[],
  difference: readonly number[],
  limit: number,
  change: number,
): SideValues {
  const largest = (values: readonly number[]) => Math.max(...values.map(Math.abs), 0);
  return {
    a,
    b,
    difference,
    limit: Math.max(largest(a ?? []), largest(b), limit) || 1,
    change: Math.max(largest(difference), change) || 1,
  };
}
