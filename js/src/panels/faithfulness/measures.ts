/** Measurements: those of the shown explanation and of others, and their descriptions. */

import { budgetName, plain, probability } from "../../lib/format";
import { scoreName } from "../../model/explanation";
import type { Facts, Measured } from "../../wire/types";

/** Facts that determine a measurement. */
const SAME = [
  "caption",
  "method",
  "order",
  "p",
  "budget",
  "seed",
  "image_encodes",
  "text_encodes",
] as const satisfies readonly (keyof Facts & keyof Measured)[];

type Known = Omit<Facts, "significant">;

/** Return the measurement of this explanation, if there is one. */
export function measuredOf(of: Known, measured: readonly Measured[]): Measured | null {
  return measured.find((each) => SAME.every((name) => each[name] === of[name])) ?? null;
}

/** Return measurements of other explanations of the same caption, in order of measurement. */
export function measuredBeside(of: Known, measured: readonly Measured[]): readonly Measured[] {
  const own = measuredOf(of, measured);
  return measured.filter((each) => each !== own && each.caption === of.caption);
}

/** "FIxLIP (weighted Banzhaf) · p 0.5 · budget 2¹⁷" */
export function nameOf({ label, order, uses_p, p, uses_budget, budget }: Measured): string {
  return [
    label,
    order > 2 && `order ${order}`,
    uses_p && `p ${probability(p)}`,
    uses_budget && `budget ${budgetName(budget)}`,
  ]
    .filter(Boolean)
    .join(" · ");
}

/** Return the share of players kept at a point of a curve, 0 to 1. */
export function keptAt(point: number, { most }: Measured): number {
  return point / (most.length - 1);
}

/** What the coalitions of the two curves are called: those with the highest and with the lowest predicted score. */
export interface Ends {
  readonly most: string;
  readonly least: string;
}

export function endsOf(of: Pick<Facts, "choice" | "unit">): Ends {
  const score = scoreName(of);
  return score === "similarity"
    ? { most: "most similar", least: "least similar" }
    : { most: `highest ${score}`, least: `lowest ${score}` };
}

/** "50 % kept: most similar 1.32, least similar −0.20" */
export function readingOf(measured: Measured, point: number, ends: Ends): string {
  const kept = Math.round(100 * keptAt(point, measured));
  const [most, least] = [measured.most[point] ?? Number.NaN, measured.least[point] ?? Number.NaN];
  return `${kept} % kept: ${ends.most} ${plain(most)}, ${ends.least} ${plain(least)}`;
}

/** Describe the curves in sentences, for screen readers. */
export function summaryOf(measured: Measured, ends: Ends): string {
  const [high, low] = [extreme(measured, "most", Math.max), extreme(measured, "least", Math.min)];
  return (
    `${nameOf(measured)}: between everything hidden (0) and nothing hidden (1), the curve “${ends.most}” reaches ` +
    `${high}; “${ends.least}” falls to ${low}. The area between the curves is ${plain(measured.aid)}.`
  );
}

function extreme(measured: Measured, curve: "most" | "least", choose: (...of: number[]) => number): string {
  const value = choose(...measured[curve]);
  const kept = keptAt(measured[curve].indexOf(value), measured);
  return `${plain(value)} with ${Math.round(100 * kept)} % kept`;
}
