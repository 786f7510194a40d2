/** Classes as chips: their order, the choice of one or two, search, and the commits for the kernel. */

import { describe, expect, it } from "vitest";
import { matching, percent, rowsOf } from "../../src/model/classes";
import type { Candidates, Traits } from "../../src/wire/types";
import { FakeModel, traits, wireArray, wireResult } from "../fake";
import { all, one, press, settled, shown } from "../mount";

const NAMES = ["cat", "dog", "car"];

function candidates(names = NAMES, shares = [0.2, 0.7, 0.1]): Candidates {
  return {
    names,
    softmax: true,
    templates: ["a photo of a {}."],
    logits: wireArray(shares.map(Math.log), [names.length]),
    probabilities: wireArray(shares, [names.length]),
  };
}

async function drawn(changes: Partial<Traits> = {}) {
  const state = { text: "dog", classes: NAMES, chosen: ["dog"], candidates: candidates(), ...changes };
  const model = new FakeModel(traits(state));
  return { model, view: await shown(model) };
}

const chips = (view: HTMLElement) => all(view, ".fx-class");
const chip = (view: HTMLElement, name: string) => one(view, `.fx-class[data-class="${name}"] .fx-class-name`);

describe("the chips", () => {
  it("are sorted by probability, and the explained class is pressed", async () => {
    const { view } = await drawn();
    expect(chips(view).map(({ dataset }) => dataset.class)).toEqual(["dog", "cat", "car"]);
    expect(chip(view, "dog").textContent).toBe("dog 70 %");
    expect(chips(view).map((each) => one(each, "button").getAttribute("aria-pressed"))).toEqual([
      "true",
      "false",
      "false",
    ]);
    expect(one(view, "h2").textContent).toBe("Why “dog”?");
  });

  it("choose one class by a click, and two by vs or Shift", async () => {
    const { model, view } = await drawn();
    chip(view, "cat").click();
    expect(model.saved.at(-1)).toEqual({ chosen: ["cat"] });
    await settled();
    one(view, `.fx-class[data-class="car"] .fx-versus`).click();
    expect(model.saved.at(-1)).toEqual({ chosen: ["cat", "car"] });
    await settled();
    expect(one(view, "h2").textContent).toBe("Why “cat” rather than “car”?");
    await press(chip(view, "dog"), "Enter", { shiftKey: true });
    expect(model.saved.at(-1)).toEqual({ chosen: ["cat", "dog"] });
    one(view, "[data-action=swap]").click();
    expect(model.saved.at(-1)).toEqual({ chosen: ["dog", "cat"] });
  });

  it("are removed by Delete unless only two are left", async () => {
    const { model, view } = await drawn();
    await press(chip(view, "car"), "Delete");
    expect(model.saved.at(-1)).toEqual({ classes: ["cat", "dog"] });
    await settled();
    expect(chips(view)).toHaveLength(2);
    expect(all(view, ".fx-class-remove")).toHaveLength(0);
  });

  it("show the probabilities without the hidden patches", async () => {
    const played = { generation: 1, removed: [0], value: 1, prediction: 1, picture: null, why: "" };
    const probabilities = wireArray([0.9, 0.08, 0.02], [3]);
    const { view } = await drawn({ removed: [0], played: { ...played, probabilities } });
    expect(chips(view).map(({ dataset }) => dataset.class)).toEqual(["dog", "cat", "car"]);
    expect(chip(view, "cat").textContent).toBe("cat 90 %");
    const bars = all(view, ".fx-probabilities .fx-value").map(({ dataset }) => dataset.class);
    expect(bars).toEqual(["cat", "dog", "car"]);
  });
});

describe("the field", () => {
  const many = Array.from({ length: 1000 }, (_, index) => `class ${index}`);
  const shares = many.map((_, index) => 1 / (index + 10));

  it("finds classes among a thousand, of which twenty are chips", async () => {
    const { view } = await drawn({
      classes: many,
      chosen: ["class 0"],
      candidates: candidates(many, shares),
    });
    expect(chips(view)).toHaveLength(20);
    expect(one(view, ".fx-class-find [role=status]").textContent).toBe("20 of 1,000 classes");
    const input = one(view, ".fx-class-find input") as HTMLInputElement;
    input.value = "class 99";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    expect(chips(view).map(({ dataset }) => dataset.class)).toEqual([
      "class 99",
      ...Array.from({ length: 10 }, (_, index) => `class 99${index}`),
    ]);
  });

  it("adds a class of a new name, and is emptied once the kernel has its text", async () => {
    const { model, view } = await drawn();
    const input = one(view, ".fx-class-find input") as HTMLInputElement;
    input.value = " wolf ";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    await press(input, "Enter");
    expect(model.saved.at(-1)).toEqual({ classes: [...NAMES, "wolf"] });
    model.set("candidates", candidates([...NAMES, "wolf"], [0.2, 0.5, 0.1, 0.2]));
    await settled();
    expect(input.value).toBe("");
  });
});

describe("the picture of an explanation without words", () => {
  it("has the colours of its Banzhaf values", async () => {
    const changes = { tokens: [], main: wireArray([1, 2, 3, 4], [4]), main_se: null, interactions_se: null };
    const result = wireResult({
      ...changes,
      interactions: wireArray(Array(16).fill(0), [4, 4]),
      first_order: wireArray([0.5, -2, 0, 1], [4]),
      patch_words: [-1, -1, -1, -1],
      findings: ["", "", "", "", "nothing"],
    });
    const { view } = await drawn({ result, scene: { ...traits().scene, tokens: [] } });
    const patches = all(view, ".fx-patch");
    expect(patches.map(({ dataset }) => Number(dataset.value))).toEqual([0.5, -2, 0, 1]);
    expect(patches.filter((patch) => Number(patch.getAttribute("fill-opacity")) > 0)).toHaveLength(3);
    expect(all(view, ".fx-tokens")).toHaveLength(0);
  });
});

describe("numbers", () => {
  it("are percentages with as many digits as they need", () => {
    expect([0.97, 0.034, 0.0001, 0.995, 1].map(percent)).toEqual([
      "97 %",
      "3.4 %",
      "< 0.1 %",
      "99.5 %",
      "100 %",
    ]);
  });

  it("are sorted by logit, and names that begin with the search come first", () => {
    const rows = rowsOf(candidates(["bobcat", "cat"], [0.6, 0.4]), undefined);
    expect(matching(rows, "CAT").map(({ name }) => name)).toEqual(["cat", "bobcat"]);
    expect(matching(rows, "")).toHaveLength(2);
  });
});
