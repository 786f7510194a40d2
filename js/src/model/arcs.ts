/** Which cross-modal interactions deserve an arc over the picture. */

import { crossLimit, type Explanation, interaction, isCertain, strongest } from "./explanation";

export interface Arc {
  readonly token: number;
  readonly patch: number;
  readonly value: number;
  readonly certain: boolean;
}

const MOST = 6;
/** Of several active players together. */
const MOST_OF_ALL = 9;
/** Weaker than this share of the strongest of its player, or of the whole explanation, an arc is only clutter. */
const FAINTEST = { ofPlayer: 0.35, ofAll: 0.15 };

/** The strongest interactions of each active player with the other modality, weakest first so that strong ones lie on top. */
export function arcsFrom(explanation: Explanation, active: readonly number[]): Arc[] {
  const { nImage } = explanation;
  const each = Math.max(2, Math.floor(MOST / Math.max(active.length, 1)));
  const arcs = active.flatMap((player) =>
    strongest(explanation, player, each, (other) => other < nImage !== player < nImage).map((other) => {
      const [patch, token] = player < nImage ? [player, other] : [other, player];
      const value = interaction(explanation, token, patch);
      return { token, patch, value, certain: isCertain(explanation, token, patch) };
    }),
  );
  const ofPlayer = FAINTEST.ofPlayer * Math.max(...arcs.map((arc) => Math.abs(arc.value)), 0);
  const least = Math.max(ofPlayer, FAINTEST.ofAll * crossLimit(explanation), Number.MIN_VALUE);
  return unique(arcs)
    .filter((arc) => Math.abs(arc.value) >= least)
    .sort((a, b) => Math.abs(a.value) - Math.abs(b.value))
    .slice(-MOST_OF_ALL);
}

/** Remove duplicates: a token and a patch that are both active give the same arc twice. */
function unique(arcs: readonly Arc[]): Arc[] {
  return [...new Map(arcs.map((arc) => [`${arc.token}-${arc.patch}`, arc])).values()];
}
