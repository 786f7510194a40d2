/** What is hidden from the model, the picture as the encoder sees it, and the model's value beside the prediction. */

import { type ClassRow, percent } from "../model/classes";
import { imageWord, patchCount, shortName, spokenName } from "../model/players";
import { isOf } from "../state/comparison";
import type { Store } from "../state/store";
import { Icon } from "../ui/Field";
import { Refused } from "../ui/Notices";
import { Masked, MaskingNote } from "./Masked";
import { Values } from "./Values";

/** The settings whose refusal appears here. */
const REFUSALS = ["removed"];

/** Present while the user hides players, or something is hidden. */
export function Hiding({ store }: { store: Store }) {
  const removed = store.wire.removed.value;
  if (!hides(store)) {
    return null;
  }
  return (
    <section class="fx-hiding" aria-label="The model without the hidden parts">
      <Seen store={store} />
      <div class="fx-hidden-parts">
        {removed.length > 0 && <Hidden store={store} removed={removed} />}
        <p class="fx-hint">
          <MaskingNote store={store} />
        </p>
      </div>
      <Probabilities store={store} />
      <Values store={store} />
      <Refused store={store} names={REFUSALS} />
    </section>
  );
}

/** Return the settings whose refusal appears beside the picture. */
export function refusalsOfHiding(store: Store): readonly string[] {
  return hides(store) ? REFUSALS : [];
}

function hides(store: Store): boolean {
  return store.view.tool.value === "hide" || store.wire.removed.value.length > 0;
}

/** The masked picture: at first composed by the view, then as the encoder sees it. */
function Seen({ store }: { store: Store }) {
  const { scene, played, removed } = store.wire;
  const { masking, image } = scene.value;
  if (!masking || !image) {
    return null;
  }
  const known = isOf(played.value, removed.value) ? store.view.seen.value : null;
  const first = patchCount(store.view.board.value);
  const { many } = imageWord(store.view.board.value);
  const hidden = removed.value.filter((player) => player < first).length;
  return (
    <figure class="fx-seen">
      <div
        role="img"
        aria-label={`The picture as the encoder sees it, ${hidden} of ${first} ${many} hidden`}
        data-from={known ? "model" : "view"}
      >
        {known ? (
          <img src={known} alt="" style={{ aspectRatio: `${image.width} / ${image.height}` }} />
        ) : (
          <Masked store={store} name="seen" removed={removed.value} />
        )}
      </div>
      <figcaption>what the encoder sees</figcaption>
    </figure>
  );
}

function Hidden({ store, removed }: { store: Store; removed: readonly number[] }) {
  const board = store.view.board.value;
  return (
    <ul class="fx-removed" aria-label="Hidden players">
      {removed.map((player) => (
        <li key={player}>
          <button
            type="button"
            aria-label={`Show ${spokenName(board, player)} again`}
            title="Show it again"
            data-shows={player}
            onClick={() => store.toggleRemoved([player])}
          >
            {shortName(board, player)}
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Number of most probable classes; the chosen ones are shown too. */
const MOST = 5;

/**
 * The most probable classes without the hidden parts, beside their probabilities with everything kept; present if the
 * widget has classes.
 */
function Probabilities({ store }: { store: Store }) {
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
