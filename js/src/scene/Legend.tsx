/** The meaning of the colours, and the numbers of the selected and hovered players. */

import type { ComponentChildren } from "preact";
import { withError } from "../lib/format";
import { type Explanation, interaction, interactionError, scoreOf, valuesFor } from "../model/explanation";
import { groupName, imageWord, playersWord, shortName, textWord } from "../model/players";
import type { WordColours } from "../state/first-sight";
import type { Store } from "../state/store";
import { Definition } from "../ui/Definition";
import { ColouringChoice, Scales, Strength } from "./ColourKey";

export function Legend({ store }: { store: Store }) {
  if (!store.view.explanation.value) {
    return null;
  }
  const words = store.view.words.value !== null && store.view.tool.value === "select";
  return (
    <div class="fx-legend" data-chooses={words}>
      {words && store.view.level.value === "all" && <ColouringChoice store={store} />}
      <p class="fx-readout">
        <Readout store={store} />
      </p>
      {store.view.tool.value === "select" &&
        (store.view.firstSight.value ? (
          <Strength store={store} words={store.view.firstSight.value} />
        ) : (
          <Scales store={store} />
        ))}
      <p class="fx-hidden" role="status">
        {announcement(store)}
      </p>
      {store.view.arcs.value.some((arc) => arc.significant === false) && (
        <p class="fx-dashes">
          dashed arc: not <Definition of="se">significant</Definition>
        </p>
      )}
    </div>
  );
}

function Readout({ store }: { store: Store }): ComponentChildren {
  const shown = store.view.explanation.value;
  if (!shown) {
    return null;
  }
  if (store.view.tool.value === "hide") {
    return <HiddenReadout store={store} />;
  }
  const active = store.view.active.value;
  const [first, second] = store.view.pointed.value.filter((player) => player < shown.nPlayers);
  const selected = store.wire.selection.value.length > 0;
  if (first !== undefined && second !== undefined) {
    return <Pair store={store} shown={shown} pair={[first, second]} />;
  }
  if (selected && first !== undefined && !active.includes(first)) {
    return <WithSelection store={store} shown={shown} player={first} />;
  }
  const [only] = active;
  if (only !== undefined && active.length === 1) {
    const main = withError(shown.main[only] ?? Number.NaN, shown.mainSe?.[only]);
    const name = <b>{shortName(store.view.board.value, only)}</b>;
    return shown.order < 2 ? (
      <>
        {name} · {main} · this method has no interactions
      </>
    ) : (
      <>
        <Definition of="interaction">interactions</Definition> with {name} · its{" "}
        <Definition of="main">main effect</Definition> {main}
      </>
    );
  }
  return active.length > 1 ? (
    <Together store={store} shown={shown} />
  ) : (
    <Invitation store={store} of={shown} />
  );
}

function Invitation({ store, of }: { store: Store; of: Explanation }) {
  const [image, text] = [imageWord(of).one, textWord(of).one];
  if (of.order < 2) {
    return (
      <>
        <b>values</b> · this method has no interactions
      </>
    );
  }
  if (of.tokens.length === 0) {
    return (
      <>
        <b>{meaningOfHeat(of)}</b> Point at a {image} to see its interactions, click to select it.
      </>
    );
  }
  if (!store.view.words.value) {
    return (
      <>
        <Definition of="main">
          <b>{of.main.some((value) => value !== 0) ? "main effects" : "no main effects"}</b>
        </Definition>{" "}
        · point at a {image} or {text} to see its interactions, click to select it
      </>
    );
  }
  return (
    <>
      {store.view.firstSight.value ? (
        <>
          <b>{meaningOfWords(of, store.view.firstSight.value)}</b>
          <Definition of="interaction" name="interaction" />
        </>
      ) : (
        <>
          <b>Negative{NEGATIVE[store.wire.palette.value]}:</b> alone, without the other players, this {image}{" "}
          lowers the predicted similarity; its interactions may still raise it.
        </>
      )}{" "}
      Point at a {image} or {text} to see its interactions, click to select it.
    </>
  );
}

/** Explain the picture of an explanation without words. */
function meaningOfHeat(of: Explanation): string {
  return `Each ${imageWord(of).one}: what it adds to the ${scoreOf(of)}, averaged over masks.`;
}

/** Name of each palette's negative colour. */
const NEGATIVE: Readonly<Record<string, string>> = { house: " (blue)", safe: " (purple)" };

/** Explain the picture in the colours of words. */
function meaningOfWords(of: Explanation, { colours }: WordColours): string {
  const [image, text] = [imageWord(of).one, textWord(of).one];
  const known = of.interactionsSe?.some(Number.isFinite) ?? false;
  return colours.some((colour) => colour !== null)
    ? `Each ${image} has the colour of the ${text} it interacts with most (positive${known ? ", significant" : ""}).`
    : `No ${image} has a positive${known ? ", significant" : ""} interaction with a ${text}${of.partial ? " yet" : ""}.`;
}

function HiddenReadout({ store }: { store: Store }) {
  const removed = store.wire.removed.value;
  return removed.length > 0 ? (
    <>
      hidden from the model: <b>{groupName(store.view.board.value, removed)}</b>
    </>
  ) : (
    <>Click {playersWord(store.view.board.value)}, or drag over the picture, to hide them from the model.</>
  );
}

interface ReadoutProps {
  readonly store: Store;
  readonly shown: Explanation;
}

/** The interaction under the pointer or focus. */
function Pair({ store, shown, pair: [i, j] }: ReadoutProps & { readonly pair: readonly [number, number] }) {
  const board = store.view.board.value;
  return (
    <>
      {shortName(board, i)} × {shortName(board, j)}{" "}
      <b>{withError(interaction(shown, i, j), interactionError(shown, i, j))}</b>
    </>
  );
}

/** The hovered player's interaction with the selection. */
function WithSelection({ store, shown, player }: ReadoutProps & { readonly player: number }) {
  const board = store.view.board.value;
  const active = store.view.active.value;
  const [only] = active;
  const alone = active.length === 1 && only !== undefined;
  const error = alone ? interactionError(shown, only, player) : store.view.groupErrors.value?.[player];
  const value = store.view.values.value?.[player] ?? Number.NaN;
  return (
    <>
      {groupName(board, active)} × {shortName(board, player)} <b>{withError(value, error)}</b>
    </>
  );
}

/** Return the selection's sums for screen readers; they change with the selection, not with the pointer. */
function announcement(store: Store): string {
  const shown = store.view.explanation.value;
  const selection = store.wire.selection.value;
  if (!shown || selection.length < 2) {
    return "";
  }
  const { total, within } = sumsOf(store, shown, selection);
  return `Selected: ${groupName(store.view.board.value, selection)}. With all others ${total}, among themselves ${within}.`;
}

/** Return sums over several players as text, with the kernel's standard errors if available. */
function sumsOf(store: Store, shown: Explanation, players: readonly number[]) {
  const group = store.view.group.value;
  return {
    total: withError(group?.total ?? sumOutside(shown, players), group?.total_se),
    within: withError(group?.within ?? sumWithin(shown, players), group?.within_se),
  };
}

/** Sums of several players' interactions. */
function Together({ store, shown }: ReadoutProps) {
  const active = store.view.active.value;
  const { total, within } = sumsOf(store, shown, active);
  return (
    <>
      <b>{groupName(store.view.board.value, active)}</b> with all others <b data-group="total">{total}</b> ·
      among themselves <span data-group="within">{within}</span>
      {hasTooFewMasks(store, shown) && " · too few masks yet for a standard error"}
    </>
  );
}

/** Return whether the final result has too few masks for standard errors of sums. */
function hasTooFewMasks(store: Store, shown: Explanation): boolean {
  const group = store.view.group.value;
  const estimated =
    shown.method === "banzhaf" && store.view.shown.value === "current" && store.wire.live.value;
  return estimated && group !== null && group.total_se === null && !shown.partial;
}

function sumOutside(shown: Explanation, players: readonly number[]): number {
  const values = valuesFor(shown, players);
  return values.reduce((sum, value, other) => (players.includes(other) ? sum : sum + value), 0);
}

function sumWithin(shown: Explanation, players: readonly number[]): number {
  let sum = 0;
  for (const [index, i] of players.entries()) {
    for (const j of players.slice(index + 1)) {
      sum += interaction(shown, i, j);
    }
  }
  return sum;
}
