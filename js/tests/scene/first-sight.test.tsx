import { describe, expect, it } from "vitest";
import { faded } from "../../src/lib/colour";
import { outlinesOf } from "../../src/model/outlines";
import { assignColours } from "../../src/model/words";
import { placesOf } from "../../src/scene/WordLabels";
import type { Traits, WireResult } from "../../src/wire/types";
import { FakeModel, traits, wireArray, wireResult } from "../fake";
import { all, focus, one, settled, shown } from "../mount";

const COLOURS = ["#d55e00", "#0072b2", "#f0e442"];
const TOKENS = ["a", "red", "dog"];

/** Four patches and the tokens "a", "red" and "dog"; patches 0 and 1 belong to "dog", patch 2 to "red", 3 to none. */
function withWords(changes: Partial<WireResult> = {}): WireResult {
  return wireResult({
    tokens: TOKENS,
    main: wireArray([1, -2, 0.5, 0, 0, 4, -0.5], [7]),
    main_se: wireArray(Array(7).fill(0.1), [7]),
    interactions: interactions({ "0-6": 2, "1-6": 1, "2-5": 0.5 }),
    interactions_se: wireArray(Array(49).fill(0.1), [7, 7]),
    patch_words: [2, 2, 1, -1],
    ...changes,
  });
}

function interactions(pairs: Readonly<Record<string, number>>) {
  const values = Array(49).fill(0);
  for (const [pair, value] of Object.entries(pairs)) {
    const [i = 0, j = 0] = pair.split("-").map(Number);
    values[7 * i + j] = values[7 * j + i] = value;
  }
  return wireArray(values, [7, 7]);
}

function model(changes: Partial<Traits> = {}): FakeModel {
  const { scene, options } = traits();
  return new FakeModel(
    traits({
      scene: { ...scene, tokens: TOKENS },
      options: { ...options, word_colors: COLOURS },
      result: withWords(),
      ...changes,
    }),
  );
}

const fills = (view: ParentNode) => all(view, ".fx-patch").map((patch) => patch.getAttribute("fill"));
const labels = (view: ParentNode) => all(view, "[data-player]").map((one) => one.getAttribute("aria-label"));
const solid = (colour = "") => faded(colour, 1);
const tints = (view: ParentNode) =>
  all(view, ".fx-chip").map((chip) => chip.style.getPropertyValue("--tint"));

describe("the first sight", () => {
  it("colours each patch, and the words, by the word that the patch belongs to", async () => {
    const view = await shown(model());
    const [first, second] = COLOURS;
    expect(fills(view)).toEqual([first, first, second, "none"]);
    const opacities = all(view, ".fx-patch").map((patch) => Number(patch.getAttribute("fill-opacity")));
    expect(opacities).toEqual([0.72, 0.46, 0.33, 0]);
    expect(tints(view)).toEqual(["transparent", solid(second), solid(first)]);
    expect(all(view, ".fx-chip").map((chip) => chip.dataset.word)).toEqual(["false", "true", "true"]);
    expect(one(view, ".fx-readout").textContent).toContain(
      "Each patch has the colour of the token it interacts with most (positive, significant).",
    );
  });

  it("names the word of a patch for those who do not see the colours", async () => {
    const view = await shown(model());
    expect(labels(view).slice(0, 4)).toEqual([
      "patch row 1, column 1, token “dog”: +2.00",
      "patch row 1, column 2, token “dog”: +1.00",
      "patch row 2, column 1, token “red”: +0.50",
      "patch row 2, column 2",
    ]);
    expect(labels(view).slice(4, 7)).toEqual(["token “a”", "token “red”: 1 patch", "token “dog”: 2 patches"]);
    expect(all(view, ".fx-patch title").map((title) => title.textContent)).toEqual([
      "“dog” +2.00 logits",
      "“dog” +1.00 logits",
      "“red” +0.50 logits",
      "",
    ]);
  });

  it("gives way to the interactions of an active player", async () => {
    const view = await shown(model());
    await focus(one(view, ".fx-chip[data-player='6']"));
    expect(fills(view)).toEqual(["#ff0d57", "#ff0d57", "none", "none"]);
    expect(all(view, ".fx-chip[data-word]")).toHaveLength(0);
    expect(labels(view)[0]).toBe("patch row 1, column 1, token “dog”: +2.00");
  });

  it("keeps the colours of words when p moves, and gives others the free ones", async () => {
    const of = model();
    const view = await shown(of);
    const [first, second, third] = COLOURS;
    const moved = interactions({ "0-6": 0.5, "1-4": 3, "2-5": 2 });
    of.set("result", withWords({ p: 0.7, patch_words: [2, 0, 1, -1], interactions: moved }));
    await settled();
    expect(fills(view)).toEqual([first, third, second, "none"]);
    of.set("result", withWords({ p: 0.8, patch_words: [-1, 0, 1, -1], interactions: moved }));
    await settled();
    expect(tints(view)).toEqual([solid(third), solid(second), "transparent"]);
    of.set("result", withWords({ p: 0.7, patch_words: [2, 0, 1, -1], interactions: moved }));
    await settled();
    expect(fills(view)).toEqual([first, third, second, "none"]);
  });

  it("gives another caption its own colours", async () => {
    const of = model();
    const view = await shown(of);
    const others = interactions({ "0-6": 0.5, "1-6": 0.5, "2-5": 2 });
    of.set("result", withWords({ tokens: ["a", "red", "cat"], interactions: others }));
    await settled();
    expect(fills(view)).toEqual([COLOURS[1], COLOURS[1], COLOURS[0], "none"]);
  });

  it("says that no patch has a significant interaction", async () => {
    const view = await shown(model({ result: withWords({ patch_words: [-1, -1, -1, -1] }) }));
    expect(fills(view)).toEqual(["none", "none", "none", "none"]);
    expect(one(view, ".fx-readout").textContent).toContain(
      "No patch has a positive, significant interaction with a token.",
    );
  });
});

describe("main effects", () => {
  it("are a choice beside the legend, which explains negative ones", async () => {
    const view = await shown(model());
    one(view, "[data-choice=main]").click();
    await settled();
    expect(fills(view)).toEqual(["#ff0d57", "#1e88e5", "#ff0d57", "none"]);
    expect(labels(view)[1]).toBe("patch row 1, column 2: −2.00");
    expect(one(view, ".fx-readout").textContent).toContain(
      "Negative (blue): alone, without the other players",
    );
    one(view, "[data-choice=words]").click();
    await settled();
    expect(fills(view)[1]).toBe(COLOURS[0]);
  });

  it.each([
    ["of B − A", { shown: "difference", difference: { result: withWords(), unmatched: [] } }],
    ["of methods without interactions", { result: withWords({ order: 1, method: "grad_eclip" }) }],
    ["of old pages, which have no words", { result: wireResult() }],
  ] as const)("are what the picture %s shows", async (_, changes) => {
    const view = await shown(model(changes as Partial<Traits>));
    expect(fills(view)).toEqual(["#ff0d57", "#1e88e5", "#ff0d57", "none"]);
    expect(all(view, "[data-choice=words], .fx-chip[data-word]")).toHaveLength(0);
  });
});

describe("colours of words", () => {
  it("go to the strongest words, and no further than there are colours", () => {
    expect(assignColours([1, 0, 3, 2], 2)).toEqual([null, null, 0, 1]);
  });

  it("are taken from words without patches if all are in use", () => {
    expect(assignColours([1, 0, 3, 0], 2, [null, 1, 0, null])).toEqual([1, null, 0, null]);
  });
});

describe("labels of words", () => {
  const size = { width: 400, height: 400 };
  const outlines = outlinesOf({ grid: [4, 4], regions: null });
  const at = (patches: Readonly<Record<number, number>>) => ({
    words: [...Array(16).keys()].map((patch) => patches[patch] ?? -1),
    values: [...Array(16).keys()].map((patch) => (patch in patches ? 16 - patch : 0)),
    colours: COLOURS,
    largest: 16,
  });

  it("are above the patches that are connected with the strongest one", () => {
    const [dog] = placesOf(at({ 9: 2, 10: 2, 14: 2, 12: 2 }), TOKENS, outlines, size);
    expect([(dog?.x ?? 0) + (dog?.width ?? 0) / 2, dog?.y]).toEqual([200, 191]);
  });

  it("stay within the picture and do not cover each other", () => {
    const [red, dog] = placesOf(at({ 0: 1, 1: 2, 4: 2 }), TOKENS, outlines, { width: 80, height: 80 });
    expect([red?.x, red?.y, dog?.x]).toEqual([0, 0, 0]);
    expect(dog?.y).toBe(21);
  });
});
