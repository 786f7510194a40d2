/** The strongest main effects, for methods without interactions. */

import { colourOf } from "../lib/colour";
import { withError } from "../lib/format";
import { imageWord, textWord } from "../model/players";
import { mainRows, sorted } from "../model/rows";
import type { Store } from "../state/store";
import { adds, pointingEvents, press } from "../ui/player-events";

const SHOWN = 12;

export function FirstOrder({ store }: { store: Store }) {
  const of = store.view.explanation.value;
  if (!of) {
    return null;
  }
  const rows = sorted(mainRows(of, null), "size", true).slice(0, SHOWN);
  const strongest = Math.max(...rows.map(({ value }) => Math.abs(value)), 0) || 1;
  const known = store.wire.options.value.methods.find(({ name }) => name === of.method);
  return (
    <div class="fx-first-order">
      <p>
        This method{known && `, ${known.label},`} has no interactions: it computes one value for each{" "}
        {imageWord(of).one} and {textWord(of).one}. The picture shows all values; the strongest are:
      </p>
      <ol {...pointingEvents(store)}>
        {rows.map(({ players, name, value, se }) => (
          <li key={name} data-players={players.join(" ")}>
            <button type="button" onClick={(event) => press(store, players, adds(store, event))}>
              {name}
            </button>
            <span
              class="fx-size"
              style={{
                "--share": `${(100 * Math.abs(value)) / strongest}%`,
                "--colour": colourOf(store.view.palette.value, value),
              }}
            />
            <span class="fx-number">{withError(value, se)}</span>
          </li>
        ))}
      </ol>
    </div>
  );
}
