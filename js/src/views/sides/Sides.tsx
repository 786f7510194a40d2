/** A, B and B − A side by side: A and B on one colour scale, B − A on its own. */

import { useMemo, useState } from "preact/hooks";
import { plain, signed, withError } from "../../lib/format";
import { type Explanation, interactionError, unitOf } from "../../model/explanation";
import { groupName, imageWord, neighbour, shortName, textWord, tokenName } from "../../model/players";
import {
  partnerOf,
  type SideValues,
  sideValues,
  significantWith,
  type Sides as Three,
} from "../../model/sides";
import { Scale } from "../../scene/ColourKey";
import type { Store } from "../../state/store";
import { patchAt, tinted } from "../maps/cells";
import { TintedPicture, useShapes } from "../maps/TintedPicture";

export function Sides({ store, of }: { store: Store; of: Three }) {
  const [patch, setPatch] = useState<number | null>(null);
  const { a, b, difference } = of;
  const selection = store.wire.selection.value;
  const chosen = useMemo(
    () => selection.filter((player) => player >= b.nImage && player < b.nPlayers),
    [selection, b],
  );
  const values = useMemo(() => sideValues(of, chosen), [of, chosen]);
  const outlines = store.view.outlines.value;
  const hover = (event: PointerEvent) => {
    const canvas =
      event.target instanceof Element && event.target.closest(".fx-map-picture")?.querySelector("canvas");
    setPatch(canvas ? patchAt(canvas, event, outlines, b.nImage) : null);
  };
  const shared = { store, chosen, patch, sides: of };
  const own = chosen.flatMap((player) => partnerOf(of, player) ?? []);
  return (
    <section class="fx-sides" aria-label="A, B and B − A side by side" aria-busy={store.view.stale.value}>
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
        <Side {...shared} name="a" of={a} values={values.a} end={values.limit} words={own} />
        <Side {...shared} name="b" of={b} values={values.b} end={values.limit} words={chosen} />
        <Side
          {...shared}
          name="difference"
          of={difference}
          values={values.difference}
          end={values.change}
          words={chosen}
        />
        <p class="fx-sides-scale" data-side="both">
          <Scale store={store} name="A and B" end={values.limit} />
        </p>
        <p class="fx-sides-scale" data-side="change">
          <Scale store={store} name="B − A" end={values.change} />
          {chosen.length === 1 && difference.interactionsSe && <span>outlined: significant</span>}
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

interface SideProps {
  readonly store: Store;
  readonly sides: Three;
  readonly name: "a" | "b" | "difference";
  readonly of: Explanation;
  /** Values of the image players; null if there are none. */
  readonly values: readonly number[] | null;
  readonly end: number;
  /** Its players that are chosen words. */
  readonly words: readonly number[];
  /** Chosen words as players of B. */
  readonly chosen: readonly number[];
  readonly patch: number | null;
}

const NAMES = { a: "A", b: "B", difference: "B − A" };

function Side({ store, sides, name, of, values, end, words, chosen, patch }: SideProps) {
  const palette = store.view.palette.value;
  const shapes = useShapes(store, of.nImage);
  const cells = useMemo(
    () => tinted(values ?? [], end, palette, (at) => significantWith(of, words, at)),
    [values, end, palette, of, words],
  );
  return (
    <figure data-side={name} data-values={values?.join(" ")}>
      <figcaption>
        <b>{NAMES[name]}</b>
        <span dir="auto">{name === "difference" ? "change from A to B" : of.caption}</span>
      </figcaption>
      <TintedPicture store={store} cells={cells} shapes={shapes} pointed={patch === null ? [] : [patch]} />
      <p class="fx-sides-similarity">
        similarity <b>{similarityOf(of, name)}</b>
      </p>
      {name === "difference" ? (
        <p class="fx-hint">
          {chosen.length !== 1 &&
            of.order > 1 &&
            `Choose one ${textWord(of).one} to see its interactions with their standard errors.`}
        </p>
      ) : (
        <Words store={store} sides={sides} name={name} chosen={chosen} />
      )}
    </figure>
  );
}

function similarityOf(of: Explanation, name: SideProps["name"]): string {
  if (of.similarity === null) {
    return "unknown";
  }
  return name === "difference" ? signed(of.similarity) : plain(of.similarity);
}

/** The words of A or B. A word of A chooses the matching one of B; without one, it only stands there. */
function Words({ store, sides, name, chosen }: Pick<SideProps, "store" | "sides" | "name" | "chosen">) {
  const of = name === "a" ? sides.a : sides.b;
  return (
    <div class="fx-sides-words">
      {of.tokens.map((token, index) => {
        const at = name === "a" ? sides.partners.indexOf(index) : index;
        const player = at < 0 ? null : sides.b.nImage + at;
        const alone = player === null || partnerOf(sides, player) === null;
        const text = tokenName(of, of.nImage + index) ?? token;
        const title = alone ? `only in ${NAMES[name]}` : undefined;
        return player === null || of.order < 2 ? (
          <span key={index} class="fx-sides-word" data-alone={alone} title={title}>
            {text}
          </span>
        ) : (
          <button
            key={index}
            type="button"
            class="fx-sides-word"
            data-alone={alone}
            data-player={player}
            title={title}
            aria-pressed={chosen.includes(player)}
            onClick={(event) => store.select(player, event.shiftKey || store.view.several.value)}
          >
            {text}
          </button>
        );
      })}
    </div>
  );
}

/** "Interactions of each patch with all words, summed." */
function meaning({ a, b, partners }: Three, chosen: readonly number[]): string {
  const [image, text] = [imageWord(b).one, textWord(b).many];
  if (b.order < 2) {
    return `Colours: the main effect of each ${image}.`;
  }
  if (chosen.length === 0) {
    return `Colours: the interactions of each ${image} with all ${text}, summed.`;
  }
  const missing = chosen.every((player) => partnerOf({ a, b, partners }, player) === null);
  const words = groupName(b, chosen);
  return `Colours: the interactions of each ${image} with ${words}${chosen.length > 1 ? ", summed" : ""}.${
    missing ? ` A does not have ${words}; its values count as 0.` : ""
  }`;
}

/** "patch (5, 2): A +0.31, B +1.20, B − A +0.89 ± 0.10 logits" */
function readout(
  { b, difference }: Three,
  values: SideValues,
  chosen: readonly number[],
  patch: number,
): string {
  const [only] = chosen;
  const error = chosen.length === 1 && only !== undefined ? interactionError(difference, only, patch) : null;
  const parts = [
    `A ${values.a ? signed(values.a[patch] ?? Number.NaN) : "–"}`,
    `B ${signed(values.b[patch] ?? Number.NaN)}`,
    `B − A ${withError(values.difference[patch] ?? Number.NaN, error)}`,
  ];
  return `${shortName(b, patch)}: ${parts.join(", ")}${unitOf(b)}`;
}
