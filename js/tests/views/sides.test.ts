import { expect, it } from "vitest";
import { explanationOf } from "../../src/model/explanation";
import { sideValues } from "../../src/model/sides";
import { differenceOf } from "../../src/offline/sums";
import { wireResult } from "../fake";

const a = wireResult({ tokens: ["dog", "red"] });
const b = wireResult();

it("values of B − A are those of B minus those of A, with all words and with one that both have", () => {
  const partners = [1, null];
  const sides = {
    a: explanationOf(a),
    b: explanationOf(b),
    difference: explanationOf(differenceOf(b, a, partners).result),
    partners,
  };
  for (const chosen of [[], [4]]) {
    const values = sideValues(sides, chosen);
    values.b.forEach((value, patch) => {
      expect(values.difference[patch]).toBeCloseTo(value - (values.a?.[patch] ?? Number.NaN), 5);
    });
    expect(values.limit).toBeGreaterThanOrEqual(Math.max(...values.b.map(Math.abs)));
  }
  expect(sideValues(sides, [4]).b).toEqual([0, 0, 0.5, 0.25]);
  expect(sideValues(sides, [4]).a).toEqual([2, -1, 0, 0]);
  expect(sideValues(sides, [5]).a).toBeNull();
  expect(sideValues(sides, [5]).difference).toEqual([2, -1, 0, 0]);
});
