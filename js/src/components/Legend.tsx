/** What the colours mean, and the numbers of the player in question. */

import { interaction, interactionError } from "../explanation";
import { plain, signed, withError } from "../format";
import { namesOf, playerCount, shortName } from "../players";
import type { Store } from "../store";

export function Legend({ store }: { store: Store }) {
  const shown = store.explanation.value;
  if (!shown) {
    return null;
  }
  const { positive, negative } = store.palette.value;
  const limit = plain(store.limit.value);
  return (
    <div class="fx-legend">
      <Readout store={store} />
      <div class="fx-scale" title={`Colours from −${limit} to +${limit} logits`}>
        <span>−{limit}</span>
        <span class="fx-bar" style={{ "--positive": positive, "--negative": negative }} />
        <span>+{limit} logits</span>
      </div>
    </div>
  );
}

function Readout({ store }: { store: Store }) {
  const shown = store.explanation.value;
  const board = store.board.value;
  const active = store.active.value;
  const hovered = store.hovered.value;
  if (!shown) {
    return null;
  }
  const only = active.length === 1 ? active[0] : undefined;
  const pinned = store.traits.selection.value.length > 0;
  if (pinned && hovered !== null && hovered < playerCount(board) && !active.includes(hovered)) {
    const value = store.values.value?.[hovered] ?? Number.NaN;
    const error = only === undefined ? null : interactionError(shown, only, hovered);
    return (
      <p class="fx-readout">
        {namesOf(board, active)} × {shortName(board, hovered)} <b>{withError(value, error)}</b>
      </p>
    );
  }
  if (only !== undefined) {
    const main = withError(shown.main[only] ?? Number.NaN, shown.mainSe?.[only]);
    return (
      <p class="fx-readout">
        interactions with <b>{shortName(board, only)}</b> · its main effect {main}
      </p>
    );
  }
  if (active.length > 1) {
    return (
      <p class="fx-readout">
        interactions with <b>{namesOf(board, active)}</b>, summed · among themselves{" "}
        {signed(sumWithin(store, active))}
      </p>
    );
  }
  return (
    <p class="fx-readout">
      <b>main effects</b> · point at a patch or word for its interactions, click to keep them
    </p>
  );
}

function sumWithin(store: Store, players: readonly number[]): number {
  const shown = store.explanation.value;
  let sum = 0;
  for (const [index, i] of players.entries()) {
    for (const j of players.slice(index + 1)) {
      sum += shown ? interaction(shown, i, j) : 0;
    }
  }
  return sum;
}
