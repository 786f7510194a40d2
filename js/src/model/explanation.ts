/** An explanation in the browser: main effects and interactions, as computed by the kernel. */

import { decode, decodeIfKnown } from "../wire/arrays";
import type { Facts, WireResult } from "../wire/types";
import { type Significant, significantOf, type Values } from "./significance";

export interface Explanation extends Omit<Facts, "significant">, Values {
  /** (n,) values of single players without a selection: main effects, or Banzhaf values where all players are of the image. */
  readonly alone: Float32Array;
  readonly significant: Significant;
}

export function explanationOf(wire: WireResult): Explanation {
  const { main, main_se, interactions, interactions_se, first_order, significant: _, ...facts } = wire;
  const nImage = wire.grid[0] * wire.grid[1];
  const values = {
    nImage,
    nPlayers: nImage + wire.tokens.length,
    main: decode(main),
    alone: decode(first_order ?? main),
    mainSe: decodeIfKnown(main_se),
    interactions: decode(interactions),
    interactionsSe: decodeIfKnown(interactions_se),
  };
  return { ...facts, ...values, significant: significantOf(wire, values) };
}

/** Return " logits" or " nats" to follow a number, or an empty string if the values have no unit. */
export function unitOf({ in_logits = true, unit = in_logits ? "logits" : "" }: Unit): string {
  return unit && ` ${unit}`;
}

/** What the value of the complete input is called: the score that is explained. */
export type ScoreName = "similarity" | "logit" | "margin" | "log-probability";

/** Return the name of the score: the similarity of a pair, or the logit of a class, for example. */
export function scoreName({ choice, unit }: Pick<Facts, "choice" | "unit">): ScoreName {
  if (!choice) {
    return "similarity";
  }
  return choice.minus ? "margin" : unit === "nats" ? "log-probability" : "logit";
}

/** Return the score with its class: "logit of “dog”", "margin of “dog” over “cat”"; or "similarity". */
export function scoreOf(of: Pick<Facts, "choice" | "unit">): string {
  const { choice } = of;
  const over = choice?.minus ? ` over “${choice.minus}”` : "";
  return choice ? `${scoreName(of)} of “${choice.name}”${over}` : scoreName(of);
}

/** Return the input whose parts are players: a pair of image and caption, or one of them if the other is given. */
export function inputName({ choice }: Pick<Facts, "choice">): "pair" | "image" | "caption" {
  return choice ? (choice.kind === "class" ? "image" : "caption") : "pair";
}

/** Return whether two explanations have a common unit: both in logits, or both by the same method. */
export function haveOneUnit(a: Unit, b: Unit): boolean {
  return a.method === b.method || (a.in_logits !== false && b.in_logits !== false);
}

type Unit = Pick<Facts, "method" | "in_logits" | "unit">;

export function interaction(of: Explanation, i: number, j: number): number {
  return of.interactions[i * of.nPlayers + j] ?? Number.NaN;
}

export function interactionError(of: Explanation, i: number, j: number): number | null {
  const error = of.interactionsSe?.[i * of.nPlayers + j];
  return error !== undefined && Number.isFinite(error) ? error : null;
}

/** Return whether an interaction is significant; null if its standard error is unknown. */
export function isSignificant(of: Explanation, i: number, j: number): boolean | null {
  return interactionError(of, i, j) === null ? null : of.significant.interactions[i * of.nPlayers + j] === 1;
}

/**
 * Return (n,) values of single players if no player is active, else the sum of each player's interactions with the active players.
 * An active player keeps its main effect.
 */
export function valuesFor(of: Explanation, active: readonly number[]): Float32Array {
  if (active.length === 0) {
    return of.alone;
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

/** Return the largest absolute value, the end of a symmetric colour scale; 1 if all are zero or NaN. */
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
 * Return the largest absolute cross-modal interaction; 1 if all are zero. This scale is independent of the active
 * players, so that weak interactions look weak.
 */
export function crossLimit(of: Explanation): number {
  const tokens = [...Array(of.nPlayers - of.nImage).keys()].map((index) => of.nImage + index);
  const rows = tokens.map((token) =>
    of.interactions.subarray(token * of.nPlayers, token * of.nPlayers + of.nImage),
  );
  const limits = rows.filter((row) => row.some((value) => value !== 0)).map(limitOf);
  return limits.length > 0 ? Math.max(...limits) : 1;
}

/** Return the `k` players with the largest interactions with `player`, strongest first, if `wanted` accepts them. */
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
