/** Whether the model agrees with what is shown: measured when somebody asks for it, beside what was measured before. */

import { useState } from "preact/hooks";
import { count, duration, plain, probability } from "../../lib/format";
import { playersWord } from "../../model/players";
import type { Store } from "../../state/store";
import { Refused } from "../../ui/Notices";
import type { MeasureCost, Measured } from "../../wire/types";
import { Curves } from "./Curves";
import { measuredBeside, measuredOf } from "./measures";
import { Scores } from "./Scores";

/** Requests whose refusal is told here. */
export const TOLD_IN_FAITHFULNESS = ["measure"];
/** Columns of the table before anything says otherwise. */
const EVERYWHERE = [0.3, 0.5, 0.7];

export function Faithfulness({ store }: { store: Store }) {
  const [lit, setLit] = useState<Measured | null>(null);
  const shown = store.view.explanation.value;
  if (!shown) {
    return <p class="fx-empty">Nothing is computed yet.</p>;
  }
  if (store.view.shown.value === "difference") {
    return (
      <p class="fx-empty">A difference of two explanations explains no pair: show A or B to measure it.</p>
    );
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
        <Curves current={current} others={others} lit={lit} players={players} />
      ) : (
        <Question players={players} />
      )}
      <div class="fx-measured">
        {any && <Scores current={current} others={others} p={p} light={setLit} />}
        {any && <Notes measured={current ? [current, ...others] : others} />}
        <Measuring store={store} current={current} />
        <span class="fx-hidden" role="status">
          {measuring.value ? "measuring" : current && `measured: area ${plain(current.aid)}`}
        </span>
        <Refused store={store} names={TOLD_IN_FAITHFULNESS} />
      </div>
    </div>
  );
}

/** What would be measured, before it is. */
function Question({ players }: { players: string }) {
  return (
    <div class="fx-question">
      <p>
        <b>Does the model agree?</b>
      </p>
      <p>
        <i>Curves.</i> The model is shown the {players} that the explanation calls most similar, and those
        that it calls least similar, from none to all of them. The further apart its answers lie, the more the
        explanation knows.
      </p>
      <p>
        <i>Faithfulness.</i> The model is shown {players} at random. The explanation should rank these pairs
        as the model does.
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
        `At each p: Spearman’s rank correlation of model and explanation on ${count(masks)} fresh masks, R² below it. `}
      {unlike.length > 0 && `R² means nothing for ${unlike.join(" and ")}: not in logits.`}
    </p>
  );
}

/** The button with what it costs; how far it is; or why there is no button. */
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
    const why = offline.value?.why ?? "This is a finished explanation, and its model is not here.";
    return <p class="fx-hint">This explanation was not measured: that needs the model. {why}</p>;
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
          ? "What is shown can be measured once the refinement is done."
          : cost
            ? costOf(cost)
            : "The model has another caption now than what is shown explains."}
      </p>
    </div>
  );
}

/** "At most 852 image encodings, 3 s: for the curves, and on 250 fresh masks at each of p = 0.3, 0.5 and 0.7." */
export function costOf({ image, text, seconds, p, masks }: MeasureCost): string {
  if (image + text === 0) {
    return "All that this needs is encoded already.";
  }
  const texts = text > 0 ? ` and ${count(text)} text` : "";
  const time = seconds === null ? "" : `, about ${duration(seconds)}`;
  const all = p.map(probability);
  const places = `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
  return (
    `At most ${count(image)} image${texts} encodings${time}: for the curves, and for ${count(masks)} fresh masks ` +
    `at each of p = ${places}. What was encoded for another explanation is not encoded again.`
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
