/** The waterfall: parts of the similarity as the kernel computed them. */

import { describe, expect, it } from "vitest";
import { barsOf } from "../../src/views/waterfall/Waterfall";
import type { Part } from "../../src/wire/types";
import { FakeModel, traits, wireResult } from "../fake";
import { all, one, settled, shown } from "../mount";

const PARTS: readonly Part[] = [
  { kind: "baseline", value: 1, se: 0.25 },
  { kind: "image", value: -3, se: null },
  { kind: "cross", value: 5, se: null },
  { kind: "residual", value: -1, se: null },
  { kind: "similarity", value: 2, se: null },
];

const drawn = (result: Parameters<typeof wireResult>[0]) =>
  shown(new FakeModel(traits({ view: "waterfall", level: "all", result: wireResult(result) })));

describe("the waterfall", () => {
  it("begins each bar where the last one ended, and the sum at 0", () => {
    const ends = barsOf(PARTS).map(({ from, to }) => [from * 5 - 2, to * 5 - 2].map(Math.round));
    expect(ends).toEqual([
      [0, 1],
      [-2, 1],
      [-2, 3],
      [2, 3],
      [0, 2],
    ]);
  });

  it("names every part with its value and its standard error if known", async () => {
    const view = await drawn({ parts: PARTS });
    const text = all(view, ".fx-waterfall tbody tr").map((row) =>
      [...row.querySelectorAll("th, .fx-number")].map(
        (each) => (each.querySelector(".fx-about") ?? each).textContent,
      ),
    );
    expect(text).toEqual([
      ["baseline", "+1.00 ± 0.25"],
      ["patches, alone", "−3.00"],
      ["patches × tokens", "+5.00"],
      ["residual", "−1.00"],
      ["similarity", "+2.00"],
    ]);
  });

  it.each([
    [null, "logit"],
    ["cat", "margin"],
  ])("names the score of a class (minus %s)", async (minus, score) => {
    const choice = { kind: "class", name: "dog", minus } as const;
    const view = await drawn({ parts: PARTS, choice, unit: "logits" });
    expect(one(view, ".fx-waterfall caption").textContent).toBe(
      `From the baseline to the ${score}, in logits`,
    );
    expect(one(view, "[data-part=similarity] .fx-about").textContent).toBe(score);
    one(view, "[data-panel=trust]").click();
    await settled();
    expect(one(view, ".fx-measures").textContent).toContain(
      `${score} of the full image minus its prediction`,
    );
    expect(view.textContent).not.toMatch(/(?<!cosine )similarity/);
  });

  it("is drawn for first-order methods in logits", async () => {
    const view = await drawn({ order: 1, method: "shapley_values", parts: PARTS.slice(0, 2) });
    expect(all(view, ".fx-waterfall tbody tr")).toHaveLength(2);
  });

  it.each([
    ["not in logits", { in_logits: false, parts: PARTS }],
    ["saved without the parts", {}],
    ["cannot be subtracted", { parts: [] }],
  ])("says why there is none: %s", async (why, result) => {
    const view = await drawn(result);
    expect(all(view, ".fx-waterfall")).toEqual([]);
    expect(one(view, ".fx-panel").textContent).toContain(why);
  });
});
