/** What can be said of saved numbers by adding and subtracting them: groups, predictions, differences. */

import { decode, decodeIfKnown } from "../wire/arrays";
import type { Difference, Group, Shown, WireResult } from "../wire/types";
import { wireArray } from "./saved";

/** What several players do together. How sure that is, only the kernel knows: errors of sums are not sums of errors. */
export function groupOf(
  of: WireResult,
  selection: readonly number[],
  shown: Shown = "current",
): Group | null {
  const [first, second] = selection;
  if (first === undefined) {
    return null;
  }
  const n = of.main.shape[0] ?? 0;
  const values = decode(of.interactions);
  const errors = decodeIfKnown(of.interactions_se);
  const sum = (others: readonly number[]) =>
    selection.flatMap((player) => others.map((other) => values[player * n + other] ?? 0)).reduce(plus, 0);
  const alone = selection.length === 1;
  const ofPair = selection.length === 2 ? errors?.[first * n + (second as number)] : undefined;
  return {
    generation: of.generation,
    shown,
    selection,
    se: alone && errors ? wireArray(errors.slice(first * n, (first + 1) * n), [n]) : null,
    total: sum([...Array(n).keys()].filter((other) => !selection.includes(other))),
    total_se: null,
    within: sum(selection) / 2,
    within_se: alone ? 0 : ofPair !== undefined && Number.isFinite(ofPair) ? ofPair : null,
  };
}

function plus(a: number, b: number): number {
  return a + b;
}

/**
 * The explanation's value for the pair without the `removed` players: baseline + Σ main + Σ interactions of the rest;
 * null for one of third order, whose terms the page has in part only.
 */
export function predictionOf(of: WireResult, removed: readonly number[]): number | null {
  if (of.baseline === null || of.order > 2) {
    return null;
  }
  const main = decode(of.main);
  const interactions = decode(of.interactions);
  const kept = [...main.keys()].filter((player) => !removed.includes(player));
  let value = of.baseline;
  kept.forEach((player, index) => {
    value += main[player] ?? 0;
    for (const other of kept.slice(index + 1)) {
      value += interactions[player * main.length + other] ?? 0;
    }
  });
  return value;
}

/**
 * `current` − `pinned` on the players of `current`, as the kernel subtracts (fixlip_widgets/comparison.py).
 *
 * @param partners for each token of `current`, the one of `pinned` that it is, or null: its value there counts as 0.
 */
export function differenceOf(
  current: WireResult,
  pinned: WireResult,
  partners: readonly (number | null)[],
): Difference {
  const nImage = current.grid[0] * current.grid[1];
  const players = [
    ...Array(nImage).keys(),
    ...partners.map((partner) => (partner === null ? null : nImage + partner)),
  ];
  const n = players.length;
  const m = pinned.main.shape[0] ?? 0;
  const one = (index: number) => players[index] ?? null;
  const two = (index: number) => {
    const [row = null, column = null] = [players[Math.floor(index / n)], players[index % n]];
    return row === null || column === null ? null : row * m + column;
  };
  const result: WireResult = {
    ...current,
    similarity: minus(current.similarity, pinned.similarity),
    empty_similarity: minus(current.empty_similarity, pinned.empty_similarity),
    baseline: minus(current.baseline, pinned.baseline),
    residual: minus(current.residual, pinned.residual),
    r2: null,
    spearman: null,
    r2_in_sample: null,
    findings: [],
    triples: [],
    main: subtracted(current.main, pinned.main, one),
    main_se: errorOf(current.main_se, pinned.main_se, one),
    interactions: subtracted(current.interactions, pinned.interactions, two),
    interactions_se: errorOf(current.interactions_se, pinned.interactions_se, two),
  };
  const unmatched = [...players.keys()].filter((player) => players[player] === null);
  return { result, unmatched };
}

/** Where the pinned number lies that belongs to the current one at an index; null where there is none. */
type Partner = (index: number) => number | null;
type Wire = WireResult["main"];

function subtracted(current: Wire, pinned: Wire, partner: Partner): Wire {
  const before = decode(pinned);
  return wireArray(
    decode(current).map((value, index) => value - (before[partner(index) ?? -1] ?? 0)),
    current.shape,
  );
}

/** Errors of a difference of two independent estimates: √(a² + b²). */
function errorOf(current: Wire | null, pinned: Wire | null, partner: Partner): Wire | null {
  const [now, before] = [decodeIfKnown(current), decodeIfKnown(pinned)];
  if (!current || !now || !before) {
    return null;
  }
  return wireArray(
    now.map((error, index) => Math.hypot(error, before[partner(index) ?? -1] ?? 0)),
    current.shape,
  );
}

function minus(current: number | null, pinned: number | null): number | null {
  return current === null || pinned === null ? null : current - pinned;
}
