/** The most probable classes without the hidden parts, beside their probabilities with everything kept. */

import { type ClassRow, percent } from "../model/classes";
import type { Store } from "../state/store";

/** Number of most probable classes; the chosen ones are shown too. */
const MOST = 5;

/** Present if the widget has classes. */
export function Probabilities({ store }: { store: Store }) {
  const rows = store.view.classRows.value;
  if (!rows) {
    return null;
  }
  const chosen = store.wire.chosen.value;
  const known = rows.some(({ now }) => now !== null);
  const ranked = [...rows].sort((a, b) => (b.now ?? b.probability) - (a.now ?? a.probability));
  const shown = ranked.filter(({ name }, rank) => rank < MOST || chosen.includes(name));
  const rest = rows.length - shown.length;
  return (
    <div class="fx-values fx-probabilities" aria-busy={!known}>
      <p class="fx-hint">Probabilities without the hidden parts; the line is that of the whole image</p>
      {shown.map((row) => (
        <Bar key={row.name} row={row} />
      ))}
      {rest > 0 && <p class="fx-hint">{others(rows, shown)}</p>}
      {!known && <p class="fx-hint">{store.wire.played.value?.why || "Waiting for the model …"}</p>}
    </div>
  );
}

function Bar({ row: { name, probability, now } }: { row: ClassRow }) {
  return (
    <div class="fx-value" data-class={name}>
      <span dir="auto" title={name}>
        {name}
      </span>
      <span class="fx-track" data-strong={true} data-waiting={now === null} aria-hidden="true">
        <span style={{ "--from": "0%", "--length": `${100 * (now ?? 0)}%` }} />
        <i style={{ left: `${100 * probability}%` }} />
      </span>
      <b>
        {now === null ? "…" : percent(now)}
        <span class="fx-hidden"> before {percent(probability)}</span>
      </b>
    </div>
  );
}

/** "997 other classes: 0.4 % together"; without a sum where probabilities are not of one distribution. */
function others(rows: readonly ClassRow[], shown: readonly ClassRow[]): string {
  const rest = rows.filter((row) => !shown.includes(row));
  const share = rest.reduce((sum, { now, probability }) => sum + (now ?? probability), 0);
  return `${rest.length.toLocaleString("en")} other classes${share <= 1 ? `: ${percent(share)} together` : ""}`;
}
