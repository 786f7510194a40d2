/** A, B and B − A side by side: A and B on one colour scale, B − A on its own. */

import { useEffect, useMemo, useState } from "preact/hooks";
import { plain, signed, withError } from "../../lib/format";
import { type Explanation, interactionError, scoreName, unitOf } from "../../model/explanation";
import { groupName, imageWord, neighbour, shortName, textWord, tokenName } from "../../model/players";
import {
  hasChoice,
  oneChange,
  partnerOf,
  type SideValues,
  sideValues,
  significantWith,
  type Sides as Three,
  type Words,
  wordsFrom,
} from "../../model/sides";
import { Scale } from "../../scene/ColourKey";
import type { Store } from "../../state/store";
import { patchAt, tinted } from "../maps/cells";
import { TintedPicture, useShapes } from "../maps/TintedPicture";

export function Sides({ store, of }: { store: Store; of: Three }) {
  const [patch, setPatch] = useState<number | null>(null);
  const { a, b, difference } = of;
  const selection = store.wire.selection.value;
  /** Chosen words that only A has, which are no players of the widget's selection. */
  const [onlyA, setOnlyA] = useState<readonly number[]>([]);
  useEffect(() => setOnlyA([]), [a.tokens.join("\n"), b.tokens.join("\n")]);
  const chosen = useMemo(() => {
    const ofB = selection.filter((player) => player >= b.nImage && player < b.nPlayers);
    return wordsFrom(
      of,
      ofB,
      onlyA.filter((player) => player < a.nPlayers),
    );
  }, [selection, of, onlyA]);
  const values = useMemo(() => sideValues(of, chosen), [of, chosen]);
  const outlines = store.view.outlines.value;
  const hover = (event: PointerEvent) => {
    const canvas =
      event.target instanceof Element && event.target.closest(".fx-map-picture")?.querySelector("canvas");
    setPatch(canvas ? patchAt(canvas, event, outlines, b.nImage) : null);
  };
  const shared = { store, chosen, patch, sides: of, choose: chooser(store, chosen, setOnlyA) };
  const change = oneChange(of, chosen);
  return (
    <section
      class="fx-sides"
      aria-label="A, B and B − A side by side"
      aria-busy={store.view.stale.value}
      onKeyDown={(event) => event.key === "Escape" && setOnlyA([])}
    >
      <div
        class="fx-sides-pictures"
        role="group"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: arrow keys move among the patches of all three pictures
        tabIndex={0}
        aria-label={`Three pictures; arrow keys move among the ${imageWord(b).many}`}
        onPointerMove={hover}
        onPointerDown={hover}
        onPointerLeave={() => setPatch(null)}
        onKeyDown={(event) => {
          const next = event.key.startsWith("Arrow") && neighbour(b, patch ?? 0, event.key, outlines);
          if (event.target === event.currentTarget && typeof next === "number" && next < b.nImage) {
            event.preventDefault();
            setPatch(patch === null ? 0 : next);
          }
        }}
      >
        <Side {...shared} name="a" of={a} values={values.a} end={values.limit} tested={ofOne(a, chosen.a)} />
        <Side {...shared} name="b" of={b} values={values.b} end={values.limit} tested={ofOne(b, chosen.b)} />
        <Side
          {...shared}
          name="difference"
          of={difference}
          values={values.difference}
          end={values.change}
          tested={change}
        />
        <p class="fx-sides-scale" data-side="both">
          <Scale store={store} name="A and B" end={values.limit} />
        </p>
        <p class="fx-sides-scale" data-side="change">
          <Scale store={store} name="B − A" end={values.change} />
          {change?.of.interactionsSe && <span>outlined: significant</span>}
        </p>
      </div>
      <div class="fx-sides-foot">
        <p class="fx-readout" role="status">
          {patch === null ? meaning(of, chosen) : readout(of, values, chosen, patch)}
        </p>
        <button
          type="button"
          class="fx-button"
          data-action="back"
          onClick={() => store.commit("shown", "current")}
        >
          Back to B
        </button>
      </div>
    </section>
  );
}

interface Chooser {
  /** Choose a word of B, alone or, with `add`, beside others. */
  readonly b: (player: number, add: boolean) => void;
  /** The same for a word of A that B does not have. */
  readonly onlyA: (player: number, add: boolean) => void;
}

function chooser(store: Store, { b, onlyA }: Words, setOnlyA: (players: readonly number[]) => void): Chooser {
  return {
    b: (player, add) => {
      if (!add && onlyA.length > 0) {
        setOnlyA([]);
        store.commit("selection", [player]);
      } else {
        store.select(player, add);
      }
    },
    onlyA: (player, add) => {
      const others = onlyA.filter((other) => other !== player);
      const has = others.length < onlyA.length;
      if (add) {
        setOnlyA(has ? others : [...onlyA, player]);
        return;
      }
      setOnlyA(has && others.length + b.length === 0 ? [] : [player]);
      if (b.length > 0) {
        store.commit("selection", []);
      }
    },
  };
}

/** One word whose interactions are tested; null for none or several. */
type Tested = ReturnType<typeof oneChange>;

function ofOne(of: Explanation, words: readonly number[]): Tested {
  const [word] = words;
  return words.length === 1 && word !== undefined ? { of, word } : null;
}

interface SideProps {
  readonly store: Store;
  readonly sides: Three;
  readonly name: "a" | "b" | "difference";
  readonly of: Explanation;
  /** Values of the image players; null if there are none. */
  readonly values: readonly number[] | null;
  readonly end: number;
  readonly tested: Tested;
  readonly chosen: Words;
  readonly choose: Chooser;
  readonly patch: number | null;
}

const NAMES = { a: "A", b: "B", difference: "B − A" };

function Side({ store, sides, name, of, values, end, tested, chosen, choose, patch }: SideProps) {
  const palette = store.view.palette.value;
  const shapes = useShapes(store, of.nImage);
  const cells = useMemo(
    () => tinted(values ?? [], end, palette, (at) => tested !== null && significantWith(tested, at)),
    [values, end, palette, tested?.of, tested?.word],
  );
  return (
    <figure data-side={name} data-values={values?.join(" ")}>
      <figcaption>
        <b>{NAMES[name]}</b>
        <span dir="auto">{name === "difference" ? "change from A to B" : of.caption}</span>
      </figcaption>
      <TintedPicture store={store} cells={cells} shapes={shapes} pointed={patch === null ? [] : [patch]} />
      <p class="fx-sides-similarity">
        {scoreName(of)} <b>{scoreValue(of, name)}</b>
      </p>
      {name === "difference" ? (
        <p class="fx-hint">
          {!tested &&
            hasChoice(of) &&
            `Choose one ${textWord(of).one} to see its interactions with their standard errors.`}
        </p>
      ) : (
        <TheirWords store={store} sides={sides} name={name} chosen={chosen} choose={choose} />
      )}
    </figure>
  );
}

function scoreValue(of: Explanation, name: SideProps["name"]): string {
  if (of.similarity === null) {
    return "unknown";
  }
  return name === "difference" ? signed(of.similarity) : plain(of.similarity);
}

type TheirWordsProps = Pick<SideProps, "store" | "sides" | "name" | "chosen" | "choose">;

/** The words of A or B. A word that both have chooses that of B, so that all views show its interactions. */
function TheirWords({ sides, name, ...rest }: TheirWordsProps) {
  const of = name === "a" ? sides.a : sides.b;
  return (
    <div class="fx-sides-words">
      {of.tokens.map((_, index) => {
        const own = of.nImage + index;
        const at = name === "a" ? sides.partners.indexOf(index) : index;
        const player = at < 0 ? null : sides.b.nImage + at;
        const alone = player === null || partnerOf(sides, player) === null;
        return (
          <Word key={index} {...rest} of={of} own={own} player={player} only={alone ? NAMES[name] : ""} />
        );
      })}
    </div>
  );
}

interface WordProps extends Pick<SideProps, "store" | "of" | "chosen" | "choose"> {
  /** The player in A or B, and in B; null if B does not have the word. */
  readonly own: number;
  readonly player: number | null;
  /** Which of them has the word, or empty for both. */
  readonly only: string;
}

function Word({ store, of, chosen, choose, own, player, only }: WordProps) {
  const shared = {
    class: "fx-sides-word",
    "data-alone": only !== "",
    title: only ? `only in ${only}` : undefined,
    children: tokenName(of, own),
  };
  if (of.order < 2) {
    return <span {...shared} />;
  }
  const press = (event: MouseEvent) => {
    const add = event.shiftKey || store.view.several.value;
    return player === null ? choose.onlyA(own, add) : choose.b(player, add);
  };
  const pressed = player === null ? chosen.onlyA.includes(own) : chosen.b.includes(player);
  return (
    <button
      type="button"
      {...shared}
      data-player={player ?? undefined}
      aria-pressed={pressed}
      onClick={press}
    />
  );
}

/** "Interactions of each patch with all words, summed." */
function meaning(sides: Three, chosen: Words): string {
  const { a, b } = sides;
  const [image, text] = [imageWord(b).one, textWord(b).many];
  if (!hasChoice(b)) {
    return b.choice
      ? `Colours: what each ${image} adds to the ${scoreName(b)}, averaged over masks.`
      : `Colours: the main effect of each ${image}.`;
  }
  const several = chosen.b.length + chosen.onlyA.length;
  if (several === 0) {
    return `Colours: the interactions of each ${image} with all ${text}, summed.`;
  }
  const onlyB = chosen.b.filter((player) => partnerOf(sides, player) === null);
  const names = [
    chosen.b.length > 0 && groupName(b, chosen.b),
    chosen.onlyA.length > 0 && groupName(a, chosen.onlyA),
  ];
  return [
    `Colours: the interactions of each ${image} with ${names.filter(Boolean).join(" and ")}${several > 1 ? ", summed" : ""}.`,
    onlyB.length > 0 && `A does not have ${groupName(b, onlyB)}; its values count as 0.`,
    chosen.onlyA.length > 0 && `B does not have ${groupName(a, chosen.onlyA)}; its values count as 0.`,
  ]
    .filter(Boolean)
    .join(" ");
}

/** "patch (5, 2): A +0.31, B +1.20, B − A +0.89 ± 0.10 logits" */
function readout(sides: Three, values: SideValues, chosen: Words, patch: number): string {
  const change = oneChange(sides, chosen);
  const error = change && interactionError(change.of, change.word, patch);
  const value = (of: readonly number[] | null) => (of ? signed(of[patch] ?? Number.NaN) : "–");
  const parts = [
    `A ${value(values.a)}`,
    `B ${value(values.b)}`,
    `B − A ${withError(values.difference[patch] ?? Number.NaN, error)}`,
  ];
  return `${shortName(sides.b, patch)}: ${parts.join(", ")}${unitOf(sides.b)}`;
}
