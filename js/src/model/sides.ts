/** Values of the image players in A, B and B − A, side by side, and the ends of their two colour scales. */

import { crossLimit, type Explanation, isSignificant, valuesFor } from "./explanation";

/** A, B and B − A, with the text player of A that matches each one of B, or null; both are numbered from 0. */
export interface Sides {
  readonly a: Explanation;
  readonly b: Explanation;
  readonly difference: Explanation;
  readonly partners: readonly (number | null)[];
}

/** Chosen words: as players of A and of B, and those players of A that B does not have. */
export interface Words {
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly onlyA: readonly number[];
}

/** Return the chosen words of B, with their partners in A, and of A alone. */
export function wordsFrom(sides: Sides, b: readonly number[], onlyA: readonly number[]): Words {
  return { a: [...b.flatMap((player) => partnerOf(sides, player) ?? []), ...onlyA], b, onlyA };
}

export interface SideValues {
  /** (nImage,) values; null for an explanation that has none of the chosen words. */
  readonly a: readonly number[] | null;
  readonly b: readonly number[] | null;
  readonly difference: readonly number[];
  /** End of the scale that A and B share, and of that of B − A. */
  readonly limit: number;
  readonly change: number;
}

/**
 * Return the interactions of each image player with the chosen words, summed, or with all words if none is chosen; the
 * values of single players if there are no interactions with words. In B − A, a word that one of them does not have counts as 0 there.
 */
export function sideValues({ a, b, difference }: Sides, chosen: Words): SideValues {
  if (!hasChoice(b)) {
    return scaled(alone(a), alone(b), alone(difference), 0, 0);
  }
  if (chosen.a.length + chosen.b.length === 0) {
    const [ofA, ofB] = [summed(a, wordsOf(a)), summed(b, wordsOf(b))];
    // all words of A count, also those that B does not have
    const change = ofB.map((value, patch) => value - (ofA[patch] ?? 0));
    return scaled(ofA, ofB, change, 0, 0);
  }
  const missing = summed(a, chosen.onlyA);
  return scaled(
    chosen.a.length > 0 ? summed(a, chosen.a) : null,
    chosen.b.length > 0 ? summed(b, chosen.b) : null,
    summed(difference, chosen.b).map((value, patch) => value - (missing[patch] ?? 0)),
    Math.max(crossLimit(a), crossLimit(b)),
    crossLimit(difference),
  );
}

/** Return the explanation whose errors B − A has for the one chosen word, with its player there; null for several words. */
export function oneChange({ a, difference }: Sides, chosen: Words): { of: Explanation; word: number } | null {
  const [ofB, ofA] = [chosen.b[0], chosen.onlyA[0]];
  if (chosen.b.length + chosen.onlyA.length !== 1) {
    return null;
  }
  return ofB !== undefined ? { of: difference, word: ofB } : { of: a, word: ofA as number };
}

/** Return whether there are interactions with words, of which a few can be chosen. */
export function hasChoice({ order, tokens }: Explanation): boolean {
  return order > 1 && tokens.length > 0;
}

/** Return the player of A that matches a text player of B, or null. */
export function partnerOf(
  { a, b, partners }: Pick<Sides, "a" | "b" | "partners">,
  player: number,
): number | null {
  const partner = partners[player - b.nImage] ?? null;
  return partner === null ? null : a.nImage + partner;
}

/** Return whether the interaction of an image player with a word is significant. */
export function significantWith({ of, word }: { of: Explanation; word: number }, patch: number): boolean {
  return isSignificant(of, word, patch) === true;
}

function alone(of: Explanation): number[] {
  return [...of.alone.subarray(0, of.nImage)];
}

function wordsOf(of: Explanation): number[] {
  return of.tokens.map((_, index) => of.nImage + index);
}

/** Return the summed interactions of each image player with the text players; 0 for no text player. */
function summed(of: Explanation, players: readonly number[]): number[] {
  return players.length > 0 ? [...valuesFor(of, players).subarray(0, of.nImage)] : Array(of.nImage).fill(0);
}

function scaled(
  a: readonly number[] | null,
  b: readonly number[] | null,
  difference: readonly number[],
  limit: number,
  change: number,
): SideValues {
  const largest = (values: readonly number[]) => Math.max(...values.map(Math.abs), 0);
  return {
    a,
    b,
    difference,
    limit: Math.max(largest(a ?? []), largest(b ?? []), limit) || 1,
    change: Math.max(largest(difference), change) || 1,
  };
}
