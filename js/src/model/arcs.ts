/** Selection of the cross-modal interactions that are drawn as arcs over the picture. */

import { crossLimit, type Explanation, interaction, isSignificant, strongest } from "./explanation";

export interface Arc {
  readonly token: number;
  readonly patch: number;
  readonly value: number;
  /** Null if its standard error is unknown. */
  readonly significant: boolean | null;
}

/** Largest number of arcs, shared by the active players. */
const MOST = 6;
/** Largest number of arcs of several active players. */
const MOST_OF_ALL = 9;
/** Arcs below this share of the player's strongest, or of the explanation's strongest, are omitted as clutter. */
const FAINTEST = { ofPlayer: 0.35, ofAll: 0.15 };

/** Return each active player's strongest interactions with the other modality, weakest first. */
export function arcsFrom(explanation: Explanation, active: readonly number[]): Arc[] {
  const { nImage } = explanation;
  const each = Math.max(2, Math.floor(MOST / Math.max(active.length, 1)));
  const arcs = active.flatMap((player) =>
    strongest(explanation, player, each, (other) => other < nImage !== player < nImage).map((other) => {
      const [patch, token] = player < nImage ? [player, other] : [other, player];
      const value = interaction(explanation, token, patch);
      return { token, patch, value, significant: isSignificant(explanation, token, patch) };
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
