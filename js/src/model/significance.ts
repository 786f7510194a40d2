/** Which terms differ significantly from 0: the kernel's answer or, where only the page can know, the same procedure. */

import type { WireResult } from "../wire/types";

const LEVEL = 0.05;

/** The decoded arrays of an explanation. */
export interface Values {
  readonly nImage: number;
  readonly nPlayers: number;
  readonly main: Float32Array;
  readonly mainSe: Float32Array | null;
  /** (n, n), row-major. */
  readonly interactions: Float32Array;
  readonly interactionsSe: Float32Array | null;
}

/** 1 for significant terms, else 0: (n,) main effects and (n, n) interactions. */
export interface Significant {
  readonly main: Uint8Array;
  readonly interactions: Uint8Array;
}

export function significantOf(wire: WireResult, of: Values): Significant {
  const { nImage, nPlayers: n } = of;
  const above = [...Array(n).keys()].flatMap((i) =>
    [...Array(n - i - 1).keys()].map((k) => i * n + i + 1 + k),
  );
  const freedom = (images: number) => wire.degrees_of_freedom?.[images] ?? Number.POSITIVE_INFINITY;
  const flags = wire.significant && {
    main: bitsOf(wire.significant.main, n),
    pairs: bitsOf(wire.significant.interactions, above.length),
  };
  const rounding = roundingOf(wire, of);
  const main =
    flags?.main ??
    holm(
      [...of.main].map((value, player) => ({
        value,
        error: of.mainSe?.[player] ?? Number.NaN,
        freedom: freedom(Number(player < nImage)),
      })),
      rounding,
    );
  const pairs =
    flags?.pairs ??
    holm(
      above.map((at) => ({
        value: of.interactions[at] ?? Number.NaN,
        error: of.interactionsSe?.[at] ?? Number.NaN,
        freedom: freedom(Number(Math.floor(at / n) < nImage) + Number(at % n < nImage)),
      })),
      rounding,
    );
  const interactions = new Uint8Array(n * n);
  above.forEach((at, index) => {
    interactions[at] = interactions[(at % n) * n + Math.floor(at / n)] = pairs[index] ?? 0;
  });
  return { main, interactions };
}

/** Return the first `count` bits of base64 data; the first one is the highest of its byte. */
export function bitsOf(base64: string, count: number): Uint8Array {
  const bytes = atob(base64);
  return Uint8Array.from({ length: count }, (_, at) => (bytes.charCodeAt(at >> 3) >> (7 - (at & 7))) & 1);
}

/** Return the size below which an exact value may be rounding error, as `Explanation.rounding` in Python. */
export function roundingOf(wire: WireResult, of: Pick<Values, "main" | "interactions">): number {
  let largest = 0;
  for (const value of [
    wire.similarity,
    wire.empty_similarity,
    wire.baseline,
    ...of.main,
    ...of.interactions,
  ]) {
    largest = Math.max(largest, Math.abs(value ?? 0) || 0);
  }
  return 1e-6 * largest;
}

export interface Tested {
  readonly value: number;
  readonly error: number;
  /** Degrees of freedom of the error. */
  readonly freedom: number;
}

/**
 * Return 1 for each value that differs significantly from 0, by Holm's procedure with Student's t, as
 * `fixlip_widgets/explanation/significance.py`, which names the sources. A value with error 0 is exact; one with an
 * unknown error is not tested.
 */
export function holm(terms: readonly Tested[], rounding = 0): Uint8Array {
  const tested = terms
    .map((term, at) => ({ at, score: scoreOf(term, rounding) }))
    .filter(({ score }) => !Number.isNaN(score))
    .sort((a, b) => b.score - a.score);
  const rejected = new Uint8Array(terms.length);
  for (const [rank, { at, score }] of tested.entries()) {
    if (!(erfc(score / Math.SQRT2) < LEVEL / (tested.length - rank))) {
      break;
    }
    rejected[at] = 1;
  }
  return rejected;
}

/** Return the normal ratio that is as improbable as |value / error| (Wallace); NaN if it cannot be tested. */
function scoreOf({ value, error, freedom }: Tested, rounding: number): number {
  if (!Number.isFinite(value) || !Number.isFinite(error)) {
    return Number.NaN;
  }
  if (error === 0) {
    return Math.abs(value) > rounding ? Number.POSITIVE_INFINITY : 0;
  }
  const ratio = Math.abs(value) / error;
  if (!Number.isFinite(freedom)) {
    return ratio;
  }
  const scale = (8 * freedom + 1) / (8 * freedom + 3);
  return Math.sqrt(freedom * Math.log1p(ratio ** 2 / freedom)) * scale;
}

/**
 * Return the complementary error function of x ≥ 0, to a relative error of 1e-10 (continued fraction from x = 2 on, else
 * the Taylor series of erf). Source: Abramowitz and Stegun 1964, 7.1.6 and 7.1.14.
 */
export function erfc(x: number): number {
  if (!Number.isFinite(x)) {
    return 0;
  }
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let k = 1; k < 60; k++) {
      term *= (2 * x * x) / (2 * k + 1);
      sum += term;
    }
    return 1 - (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
  }
  let fraction = x;
  for (let k = 60; k > 0; k--) {
    fraction = x + k / 2 / fraction;
  }
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / fraction;
}
