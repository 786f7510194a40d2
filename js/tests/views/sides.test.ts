import { expect, it } from "vitest";
import { explanationOf } from "../../src/model/explanation";
import { oneChange, sideValues, wordsFrom } from "../../src/model/sides";
import { differenceOf } from "../../src/offline/sums";
import { FakeModel, traits, wireResult } from "../fake";
import { all, one, settled, shown } from "../mount";

const a = wireResult({ tokens: ["dog", "red"] });
const b = wireResult();

const partners = [1, null];
const sides = {
  a: explanationOf(a),
  b: explanationOf(b),
  difference: explanationOf(differenceOf(b, a, partners).result),
  partners,
};
const values = (ofB: readonly number[], onlyA: readonly number[] = []) =>
  sideValues(sides, wordsFrom(sides, ofB, onlyA));

it("values of B − A are those of B minus those of A, with all words and with one that both have", () => {
  for (const chosen of [[], [4]]) {
    const { a, b, difference, limit } = values(chosen);
    difference.forEach((value, patch) => {
      expect(value).toBeCloseTo((b?.[patch] ?? Number.NaN) - (a?.[patch] ?? Number.NaN), 5);
    });
    expect(limit).toBeGreaterThanOrEqual(Math.max(...(b ?? []).map(Math.abs)));
  }
  expect(values([4]).b).toEqual([0, 0, 0.5, 0.25]);
  expect(values([4]).a).toEqual([2, -1, 0, 0]);
});

it("a word that one of them does not have counts as 0 there", () => {
  expect(values([5])).toMatchObject({ a: null, difference: [2, -1, 0, 0] });
  expect(values([], [4])).toMatchObject({ a: [0, 0, 0.5, 0.25], b: null, difference: [0, 0, -0.5, -0.25] });
  expect(values([5], [4]).difference).toEqual([2, -1, -0.5, -0.25]);
});

it("the errors of B − A are those of A for a word that only A has", () => {
  const tested = (ofB: readonly number[], onlyA: readonly number[] = []) =>
    oneChange(sides, wordsFrom(sides, ofB, onlyA));
  expect(tested([5])).toEqual({ of: sides.difference, word: 5 });
  expect(tested([], [4])).toEqual({ of: sides.a, word: 4 });
  expect(tested([5], [4])).toBeNull();
});

it("a word that only A has can be chosen, alone and beside a word of B", async () => {
  const difference = { ...differenceOf(b, a, partners), partners };
  const pinned = { label: "A", result: a };
  const state = traits({ result: b, pinned, difference, shown: "difference", compare_with: "dog red" });
  const model = new FakeModel(state);
  const view = await shown(model);
  const values = () => all(view, ".fx-sides figure").map(({ dataset }) => dataset.values);
  const word = (name: string, side: string) =>
    all(view, `[data-side=${side}] button.fx-sides-word`).find(({ textContent }) => textContent === name);
  word("dog", "a")?.click();
  await settled();
  expect(word("dog", "a")?.ariaPressed ?? word("dog", "a")?.getAttribute("aria-pressed")).toBe("true");
  expect(values()).toEqual(["0 0 0.5 0.25", undefined, "0 0 -0.5 -0.25"]);
  expect(one(view, ".fx-readout").textContent).toContain("B does not have “dog”");
  word("dog", "b")?.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
  await settled();
  expect(model.get("selection")).toEqual([5]);
  one(view, ".fx-sides").dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
  await settled();
  expect(word("dog", "a")?.getAttribute("aria-pressed")).toBe("false");
});
