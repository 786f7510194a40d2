/** Agreement of model and explanation: measured on request, and shown beside earlier measurements. */

import { useState } from "preact/hooks";
import { count, duration, plain, probability } from "../../lib/format";
import { scoreName } from "../../model/explanation";
import { playersWord } from "../../model/players";
import type { Store } from "../../state/store";
import { Refused } from "../../ui/Notices";
import type { MeasureCost, Measured } from "../../wire/types";
import { Curves } from "./Curves";
import { endsOf, measuredBeside, measuredOf } from "./measures";
import { Scores } from "./Scores";

/** Requests whose refusal this panel shows. */
export const FAITHFULNESS_REFUSALS = ["measure"];
/** Values of p in the table before the first measurement. */
const EVERYWHERE = [0.3, 0.5, 0.7];

export function Faithfulness({ store }: { store: Store }) {
  const [lit, setLit] = useState<Measured | null>(null);
  const shown = store.view.explanation.value;
  if (!shown) {
    return <p class="fx-empty">Nothing is computed yet.</p>;
  }
  if (store.view.shown.value === "difference") {
    return <p class="fx-empty">A difference of two explanations cannot be measured; show A or B.</p>;
  }
  const { measured, measuring, measure_cost } = store.wire;
  const current = measuredOf(shown, measured.value);
  const others = measuredBeside(shown, measured.value);
  const p = measure_cost.value?.p ?? current?.faithfulness.map((each) => each.p) ?? EVERYWHERE;
  const { positive, negative } = store.view.palette.value;
  const players = playersWord(store.view.board.value);
  const any = current !== null || others.length > 0;
  return (
    <div class="fx-faithfulness" style={{ "--most": positive, "--least": negative }}>
      {any ? (
        <Curves current={current} others={others} lit={lit} players={players} ends={endsOf(shown)} />
      ) : (
        <Question players={players} score={scoreName(shown)} />
      )}
      <div class="fx-measured">
        {any && <Scores current={current} others={others} p={p} light={setLit} />}
        {any && <Notes measured={current ? [current, ...others] : others} />}
        <Measuring store={store} current={current} />
        <span class="fx-hidden" role="status">
          {measuring.value ? "measuring" : current && `measured: area ${plain(current.aid)}`}
        </span>
        <Refused store={store} names={FAITHFULNESS_REFUSALS} />
      </div>
    </div>
  );
}

/** Explanation of the measurements, before the first one. */
function Question({ players, score }: { players: string; score: string }) {
  return (
    <div class="fx-question">
      <p>
        <b>Does the model agree?</b>
      </p>
      <p>
        <i>Curves.</i> The model evaluates subsets of the {players}, from none to all: those with the highest
        predicted {score}, and those with the lowest. The larger the area between the two curves, the more
        faithful the explanation.
      </p>
      <p>
        <i>Faithfulness.</i> The model evaluates random subsets of the {players}. A faithful explanation ranks
        them in the same order as the model.
      </p>
    </div>
  );
}

function Notes({ measured }: { measured: readonly Measured[] }) {
  const masks = measured.flatMap(({ faithfulness }) => faithfulness.map((each) => each.masks))[0];
  const unlike = [...new Set(measured.filter((each) => !each.in_logits).map(({ label }) => label))];
  return (
    <p class="fx-hint">
      AID is the area between the two curves.{" "}
      {masks !== undefined &&
        `At each p: Spearman’s rank correlation between model and explanation on ${count(masks)} new masks, with R² below. `}
      {unlike.length > 0 && `R² is not meaningful for ${unlike.join(" and ")}, whose values are not logits.`}
    </p>
  );
}

/** The button and its cost, the progress, or the reason why measuring is impossible. */
function Measuring({ store, current }: { store: Store; current: Measured | null }) {
  const { measuring, measure_cost, live, offline } = store.wire;
  const cost = measure_cost.value;
  if (measuring.value) {
    return <Running store={store} />;
  }
  if (current && (!cost || current.faithfulness.length >= cost.p.length)) {
    return null;
  }
  if (!live.value) {
    const why = offline.value?.why ?? "This is a finished explanation without a model.";
    return <p class="fx-hint">This explanation was not measured; measuring needs the model. {why}</p>;
  }
  const busy = store.view.status.value === "running" || store.view.explanation.value?.partial === true;
  return (
    <div class="fx-measure">
      <button
        type="button"
        class="fx-button"
        data-action="measure"
        disabled={busy || !cost}
        onClick={() => store.ask({ type: "measure" })}
      >
        {current ? "Measure the rest" : "Measure"}
      </button>
      <p class="fx-hint">
        {busy
          ? "You can measure this explanation after the refinement."
          : cost
            ? costOf(cost)
            : "The caption has changed since this explanation was computed."}
      </p>
    </div>
  );
}

/** "At most 852 image encodings, about 3 s: for the curves, and for 250 new masks at each of p = 0.3, 0.5 and 0.7." */
export function costOf({ image, text, seconds, p, masks }: MeasureCost): string {
  if (image + text === 0) {
    return "All required encodings exist already.";
  }
  const texts = text > 0 ? ` and ${count(text)} text` : "";
  const time = seconds === null ? "" : `, about ${duration(seconds)}`;
  const all = p.map(probability);
  const places = `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
  return (
    `At most ${count(image)} image${texts} encodings${time}: for the curves, and for ${count(masks)} new masks ` +
    `at each of p = ${places}. Existing encodings are reused.`
  );
}

function Running({ store }: { store: Store }) {
  const told = store.wire.measurement.value;
  const percent = Math.floor(100 * (told?.fraction ?? 0));
  const left = told?.seconds_left ?? 0;
  return (
    <div class="fx-measure">
      <button
        type="button"
        class="fx-button"
        data-action="stop-measuring"
        onClick={() => store.ask({ type: "cancel" })}
      >
        Stop
      </button>
      <div class="fx-hint" aria-hidden="true">
        <div class="fx-share" style={{ "--share": `${percent}%` }} />
        measuring {percent} %{left >= 2 ? ` · ${duration(left)}` : ""}
      </div>
    </div>
  );
}
