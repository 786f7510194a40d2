/** An explanation in the browser: what each player does, alone and with others. Numbers are the kernel's. */

import { decode, decodeIfKnown } from "../wire/arrays";
import type { Facts, WireResult } from "../wire/types";

/** An interaction is certain when it is further from zero than this many standard errors (95 %, two-sided). */
export const CERTAIN = 1.96;

export interface Explanation extends Facts {
  readonly nImage: number;
  readonly nPlayers: number;
  readonly main: Float32Array;
  readonly mainSe: Float32Array | null;
  /** (n, n), row-major. */
  readonly interactions: Float32Array;
  readonly interactionsSe: Float32Array | null;
}

export function explanationOf(wire: WireResult): Explanation {
  const { main, main_se, interactions, interactions_se, ...facts } = wire;
  const nImage = wire.grid[0] * wire.grid[1];
  return {
    ...facts,
    nImage,
    nPlayers: nImage + wire.tokens.length,
    main: decode(main),
    mainSe: decodeIfKnown(main_se),
    interactions: decode(interactions),
    interactionsSe: decodeIfKnown(interactions_se),
  };
}

/** " logits", after a number; nothing where the numbers have no unit. */
export function unitOf({ in_logits = true }: Unit): string {
  return in_logits ? " logits" : "";
}

/** Whether numbers have a common unit: logits, or whatever the one method of both has. */
export function haveOneUnit(a: Unit, b: Unit): boolean {
  return a.method === b.method || (a.in_logits !== false && b.in_logits !== false);
}

type Unit = Pick<Facts, "method" | "in_logits">;

export function interaction(of: Explanation, i: number, j: number): number {
  return of.interactions[i * of.nPlayers + j] ?? Number.NaN;
}

export function interactionError(of: Explanation, i: number, j: number): number | null {
  const error = of.interactionsSe?.[i * of.nPlayers + j];
  return error !== undefined && Number.isFinite(error) ? error : null;
}

/** Whether a term's sign is certain; unknown errors make no claim where none of the explanation's are known. */
export function isCertain(of: Explanation, i: number, j: number): boolean {
  const error = interactionError(of, i, j);
  return error === null ? of.interactionsSe === null : Math.abs(interaction(of, i, j)) >= CERTAIN * error;
}

/**
 * What each player is worth in the light of `active`: its main effect when nothing is active, else its interactions
 * with the active players, summed. An active player keeps its main effect.
 */
export function valuesFor(of: Explanation, active: readonly number[]): Float32Array {
  if (active.length === 0) {
    return of.main;
  }
  const values = new Float32Array(of.nPlayers);
  for (const player of active) {
    const row = player * of.nPlayers;
    for (let other = 0; other < of.nPlayers; other++) {
      values[other] = (values[other] ?? 0) + (of.interactions[row + other] ?? 0);
    }
  }
  for (const player of active) {
    values[player] = of.main[player] ?? Number.NaN;
  }
  return values;
}

/** Largest size among `values`, the end of a symmetric colour scale; 1 where all are zero or unknown. */
export function limitOf(values: Float32Array): number {
  let limit = 0;
  for (const value of values) {
    if (Math.abs(value) > limit) {
      limit = Math.abs(value);
    }
  }
  return limit || 1;
}

/**
 * Largest cross-modal interaction: one scale for whatever is active, so that weak interactions look weak.
 * What is stronger within image or text has the colour of the scale's end.
 */
export function crossLimit(of: Explanation): number {
  const tokens = [...Array(of.nPlayers - of.nImage).keys()].map((index) => of.nImage + index);
  const rows = tokens.map((token) =>
    of.interactions.subarray(token * of.nPlayers, token * of.nPlayers + of.nImage),
  );
  const limits = rows.filter((row) => row.some((value) => value !== 0)).map(limitOf);
  return limits.length > 0 ? Math.max(...limits) : 1;
}

/** The `k` players that interact most with `player`, among those that `wanted` admits, strongest first. */
export function strongest(
  of: Explanation,
  player: number,
  k: number,
  wanted: (other: number) => boolean,
): number[] {
  const others = [...Array(of.nPlayers).keys()].filter((other) => other !== player && wanted(other));
  const size = (other: number) => Math.abs(interaction(of, player, other));
  return others.sort((a, b) => size(b) - size(a)).slice(0, k);
}
