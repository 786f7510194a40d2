/** Which cross-modal interactions deserve an arc over the picture. */

import { crossLimit, type Explanation, interaction, isCertain, strongest } from "./explanation";

export interface Ray {
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
export function raysFrom(explanation: Explanation, active: readonly number[]): Ray[] {
  const { nImage } = explanation;
  const each = Math.max(2, Math.floor(MOST / Math.max(active.length, 1)));
  const rays = active.flatMap((player) =>
    strongest(explanation, player, each, (other) => other < nImage !== player < nImage).map((other) => {
      const [patch, token] = player < nImage ? [player, other] : [other, player];
      const value = interaction(explanation, token, patch);
      return { token, patch, value, certain: isCertain(explanation, token, patch) };
    }),
  );
  const ofPlayer = FAINTEST.ofPlayer * Math.max(...rays.map((ray) => Math.abs(ray.value)), 0);
  const least = Math.max(ofPlayer, FAINTEST.ofAll * crossLimit(explanation), Number.MIN_VALUE);
  return unique(rays)
    .filter((ray) => Math.abs(ray.value) >= least)
    .sort((a, b) => Math.abs(a.value) - Math.abs(b.value))
    .slice(-MOST_OF_ALL);
}

/** A word and a patch that are both active would be tied twice. */
function unique(rays: readonly Ray[]): Ray[] {
  return [...new Map(rays.map((ray) => [`${ray.token}-${ray.patch}`, ray])).values()];
}
