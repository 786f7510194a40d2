/** Sums over saved results: groups, predictions, differences. */

import { roundingOf } from "../model/significance";
import { decode, decodeIfKnown } from "../wire/arrays";
import type { Difference, Group, Part, Shown, WireResult } from "../wire/types";
import { type SavedDifference, unpacked, wireArray } from "./saved";

/** Said of differences whose paired errors were not recorded. */
const BOUNDED =
  "The errors of this difference are at most those shown: how the errors of A and B depend on each other is not in this page.";

/** Return the sums of a selection, without standard errors, which only the kernel can compute. */
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
 * Return the prediction for the pair without the `removed` players: baseline + Σ main + Σ interactions of the others;
 * null for order 3, since the page contains only some of its terms.
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
 * Return `current` − `pinned` on the players of `current`, as the kernel does (fixlip_widgets/comparison.py).
 *
 * @param partners for each token of `current`, the matching token of `pinned`, or null, whose value counts as 0.
 * @param recorded standard errors of this difference; without them, they are bounded.
 */
export function differenceOf(
  current: WireResult,
  pinned: WireResult,
  partners: readonly (number | null)[],
  recorded: SavedDifference | null = null,
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
  const { significant: _, patch_words: __, parts: now, ...rest } = current;
  const parts = now && pinned.parts && partsBetween(now, pinned.parts);
  const rounding = Math.max(
    ...[current, pinned].map((wire) =>
      roundingOf(wire, { main: decode(wire.main), interactions: decode(wire.interactions) }),
    ),
  );
  const result: WireResult = {
    ...rest,
    order: Math.min(current.order, 2),
    identified: both(current.identified, pinned.identified),
    similarity: minus(current.similarity, pinned.similarity),
    empty_similarity: minus(current.empty_similarity, pinned.empty_similarity),
    baseline: minus(current.baseline, pinned.baseline),
    residual: parts
      ? (parts.find(({ kind }) => kind === "residual")?.value ?? null)
      : minus(current.residual, pinned.residual),
    r2: null,
    spearman: null,
    r2_in_sample: null,
    findings: [recorded?.finding ?? BOUNDED],
    ...(parts && { parts }),
    conservative_errors: !recorded || Boolean(current.conservative_errors || pinned.conservative_errors),
    triples: [],
    main: subtracted(current.main, pinned.main, one),
    main_se: recorded ? unpacked(recorded.main_se) : errorOf(current.main_se, pinned.main_se, one, rounding),
    interactions: subtracted(current.interactions, pinned.interactions, two),
    interactions_se: recorded
      ? unpacked(recorded.interactions_se)
      : errorOf(current.interactions_se, pinned.interactions_se, two, rounding),
  };
  const unmatched = [...players.keys()].filter((player) => players[player] === null);
  return { result, unmatched, partners };
}

function both(current: Identified, pinned: Identified): Identified {
  const { cross, text_text, image_image } = current;
  return {
    cross: cross && pinned.cross,
    text_text: text_text && pinned.text_text,
    image_image: image_image && pinned.image_image,
  };
}

type Identified = WireResult["identified"];

/** Maps an index of a current value to that of the matching pinned value, or null. */
type Partner = (index: number) => number | null;
type Wire = WireResult["main"];

function subtracted(current: Wire, pinned: Wire, partner: Partner): Wire {
  const before = decode(pinned);
  return wireArray(
    decode(current).map((value, index) => value - (before[partner(index) ?? -1] ?? 0)),
    current.shape,
  );
}

/**
 * Return upper bounds of the standard errors of a difference, a + b, which hold for any correlation of the two
 * estimates; `rounding` for exact ones.
 */
function errorOf(current: Wire | null, pinned: Wire | null, partner: Partner, rounding: number): Wire | null {
  const [now, before] = [decodeIfKnown(current), decodeIfKnown(pinned)];
  if (!current || !now || !before) {
    return null;
  }
  return wireArray(
    now.map((error, index) => {
      const other = partner(index);
      const both = other === null ? null : error + (before[other] ?? Number.NaN);
      return both === 0 ? rounding : (both ?? error);
    }),
    current.shape,
  );
}

function minus(current: number | null, pinned: number | null): number | null {
  return current === null || pinned === null ? null : current - pinned;
}

/** Return B − A part by part, with bounds of the errors; empty if the kinds of parts differ. */
function partsBetween(b: readonly Part[], a: readonly Part[]): readonly Part[] {
  const kinds = (parts: readonly Part[]) => parts.map(({ kind }) => kind).join();
  if (kinds(b) !== kinds(a)) {
    return [];
  }
  return b.map(({ kind, value, se }, index) => {
    const { value: before = Number.NaN, se: error = null } = a[index] ?? {};
    return { kind, value: value - before, se: se === null || error === null ? null : se + error };
  });
}
