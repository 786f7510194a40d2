/** The model's value of the masked pair beside the explanation's prediction, as bars on one scale. */

import { plain, signed } from "../lib/format";
import { inputName, scoreOf, unitOf } from "../model/explanation";
import { isOf } from "../state/comparison";
import type { Store } from "../state/store";
import type { Played } from "../wire/types";

interface Reading {
  readonly value: number | null;
  readonly prediction: number | null;
  readonly waiting: boolean;
  readonly why: string;
}

/** Return value and prediction of the pair with exactly these players hidden. */
export function reading(played: Played | null, removed: readonly number[], whole: number | null): Reading {
  if (!isOf(played, removed)) {
    const waiting = removed.length > 0;
    return { value: waiting ? null : whole, prediction: null, waiting, why: "" };
  }
  const { value, prediction, why } = played;
  return { value, prediction, waiting: value === null && why === "", why };
}

export function Values({ store }: { store: Store }) {
  const { played, removed } = store.wire;
  const shown = store.wire.result.value;
  const answer = shown && played.value?.generation !== shown.generation ? null : played.value;
  const known = reading(answer, removed.value, shown?.similarity ?? null);
  const { value, prediction } = known;
  const marks = [
    { name: "all hidden", at: shown?.empty_similarity ?? null },
    { name: "all kept", at: shown?.similarity ?? null },
  ].filter((mark): mark is Mark => mark.at !== null);
  const scale = scaleOf([value, prediction, ...marks.map((mark) => mark.at)]);
  const predicts = shown?.in_logits !== false;
  const input = inputName(shown ?? {});
  return (
    <div class="fx-values" aria-busy={known.waiting}>
      <p class="fx-hint">
        {shown && `${capital(scoreOf(shown))} of the masked ${input}, in${unitOf(shown) || " logits"}`}
      </p>
      <Bar name="the model" value={value} scale={scale} waiting={known.waiting} strong />
      <Bar name="predicted" value={prediction} scale={scale} waiting={known.waiting && predicts} />
      <div class="fx-marks" aria-hidden="true">
        {labelled(marks, scale).map(({ name, at, side }) => (
          <span key={name} data-side={side} style={{ "--share": `${scale.share(at)}%` }}>
            {name} {plain(at)}
          </span>
        ))}
      </div>
      <p class="fx-hint" role="status">
        {known.why ||
          sentence(known, removed.value.length > 0 ? "" : `Nothing is hidden: this is the whole ${input}.`)}
        {!predicts && " This method makes no prediction, because its values are not logits."}
      </p>
    </div>
  );
}

function capital(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** @param whole what to say without a prediction. */
function sentence({ value, prediction, waiting }: Reading, whole: string): string {
  if (waiting) {
    return "Waiting for the model …";
  }
  if (value === null) {
    return "The model’s value is unknown.";
  }
  if (prediction !== null) {
    return `Error of the prediction: ${signed(prediction - value)} logits.`;
  }
  return whole;
}

export interface Scale {
  /** Return the position of a value on the scale, in percent. */
  readonly share: (value: number) => number;
}

/** Return a scale that includes zero and all `values`. */
export function scaleOf(values: readonly (number | null)[]): Scale {
  const known = values.filter((value) => value !== null);
  const low = Math.min(0, ...known);
  const high = Math.max(0, ...known);
  const length = 1.04 * (high - low) || 1;
  return { share: (value) => (100 * (value - low)) / length };
}

export interface Mark {
  readonly name: string;
  readonly at: number;
}

/** Return the marks, upper label first, with sides that keep labels off the other's line and within the bars. */
export function labelled(marks: readonly Mark[], { share }: Scale): (Mark & { side: "start" | "end" })[] {
  const [left, right] = [...marks].sort((one, other) => one.at - other.at);
  if (!left || !right) {
    return marks.map((mark) => ({ ...mark, side: share(mark.at) > 50 ? "end" : "start" }));
  }
  // in a narrow view a label is slightly shorter than a third of the bars
  return share(right.at) <= 60
    ? [
        { ...right, side: "start" },
        { ...left, side: "start" },
      ]
    : [
        { ...left, side: share(left.at) > 30 ? "end" : "start" },
        { ...right, side: "end" },
      ];
}

interface BarProps {
  readonly name: string;
  readonly value: number | null;
  readonly scale: Scale;
  readonly waiting: boolean;
  readonly strong?: boolean;
}

function Bar({ name, value, scale, waiting, strong = false }: BarProps) {
  const [zero, end] = [scale.share(0), scale.share(value ?? 0)];
  return (
    <div class="fx-value">
      <span>{name}</span>
      <span class="fx-track" data-waiting={waiting} data-strong={strong} aria-hidden="true">
        <span style={{ "--from": `${Math.min(zero, end)}%`, "--length": `${Math.abs(end - zero)}%` }} />
      </span>
      <b>{value !== null ? plain(value) : waiting ? "…" : "–"}</b>
    </div>
  );
}
