/** The mask playground: hide players, and compare the model's value of the masked pair with the prediction. */

import { useEffect } from "preact/hooks";
import { plain, signed } from "../../lib/format";
import {
  type Board,
  imageWord,
  patchCount,
  playersWord,
  shortName,
  spokenName,
  textWord,
} from "../../model/players";
import { Masked } from "../../scene/Masked";
import type { Store, Tool } from "../../state/store";
import { Choices, Icon } from "../../ui/Field";
import { Refused } from "../../ui/Notices";
import type { Played } from "../../wire/types";
import { MaskingNote } from "../masks/Examples";

function toolsFor(board: Board) {
  const clicked = `A click on the picture or a ${textWord(board).one}`;
  return [
    { value: "select", label: "Select", title: `${clicked} selects it` },
    { value: "hide", label: "Hide", title: `${clicked} hides it from the model` },
  ] as const;
}

/** Settings whose refusal this panel shows. */
export const PLAYGROUND_REFUSALS = ["removed"];

export function Playground({ store }: { store: Store }) {
  // a closed panel must not leave its tool active
  useEffect(
    () => () => {
      store.view.tool.value = "select";
    },
    [store],
  );
  const removed = store.wire.removed.value;
  return (
    <div class="fx-playground">
      <Seen store={store} />
      <div class="fx-hiding">
        <div class="fx-row">
          <Choices
            label={`What a click on the picture or a ${textWord(store.view.board.value).one} does`}
            value={store.view.tool.value}
            options={toolsFor(store.view.board.value)}
            change={(tool) => {
              store.view.tool.value = tool as Tool;
            }}
          />
          <button
            type="button"
            class="fx-button"
            data-action="show-all"
            disabled={removed.length === 0}
            onClick={() => store.commit("removed", [])}
          >
            Show everything again
          </button>
        </div>
        <Hidden store={store} />
        <p class="fx-hint">
          <MaskingNote store={store} />
        </p>
        <Refused store={store} names={PLAYGROUND_REFUSALS} />
      </div>
      <Values store={store} />
    </div>
  );
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

function Hidden({ store }: { store: Store }) {
  const removed = store.wire.removed.value;
  const board = store.view.board.value;
  if (removed.length === 0) {
    return (
      <p class="fx-hint">
        Nothing is hidden. {store.view.tool.value === "hide" ? "Click" : "Choose “Hide”, then click"}{" "}
        {playersWord(board)}.
      </p>
    );
  }
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

interface Reading {
  readonly value: number | null;
  readonly prediction: number | null;
  readonly waiting: boolean;
  readonly why: string;
}

/** Return whether `played` is about exactly these hidden players. */
function isOf(played: Played | null, removed: readonly number[]): played is Played {
  return (
    played !== null &&
    played.removed.length === removed.length &&
    removed.every((player) => played.removed.includes(player))
  );
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

function Values({ store }: { store: Store }) {
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
  return (
    <div class="fx-values" aria-busy={known.waiting}>
      <p class="fx-hint">Similarity of the masked pair, in logits</p>
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
        {known.why || sentence(known, removed.value.length > 0)}
        {!predicts && " This method makes no prediction, because its values are not logits."}
      </p>
    </div>
  );
}

function sentence({ value, prediction, waiting }: Reading, hides: boolean): string {
  if (waiting) {
    return "Waiting for the model …";
  }
  if (value === null) {
    return "The model’s value is unknown.";
  }
  if (prediction !== null) {
    return `Error of the prediction: ${signed(prediction - value)} logits.`;
  }
  return hides ? "" : "Nothing is hidden: this is the whole pair.";
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
