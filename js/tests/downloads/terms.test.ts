/** The downloaded table has the rows of Python's `to_csv`. */

import { describe, expect, it } from "vitest";
import { csvOf, decimal } from "../../src/downloads/terms";
import { explanationOf } from "../../src/model/explanation";
import { resultOf, type Saved } from "../../src/offline/saved";
import { differenceOf } from "../../src/offline/sums";
import type { WireResult } from "../../src/wire/types";
import { wireResult } from "../fake";
import ANSWERS from "../offline/answers.json";

const page = ANSWERS.page as unknown as Saved;
const [b, a] = page.snapshots.map((snapshot) => resultOf(snapshot, 1)) as [WireResult, WireResult];
const difference = differenceOf(b, a, page.captions[0]?.partners[1] ?? []).result;
const RESULTS = { b, a, difference };
const NUMBERS = ["value", "standard_error"];

/** The fields of a file whose fields are quoted only to contain commas. */
function fields(text: string): string[][] {
  const line = (row: string) =>
    [...row.matchAll(/(?:^|,)(?:"([^"]*)"|([^,]*))/g)].map(([, q, p]) => q ?? p ?? "");
  return text.trimEnd().split("\n").map(line);
}

describe.each(["b", "a", "difference"] as const)("%s", (name) => {
  const [head, ...rows] = fields(csvOf(explanationOf(RESULTS[name])));
  const [wantedHead, ...wanted] = fields(ANSWERS[name].csv);

  it("has Python's columns and terms", () => {
    expect(head).toEqual(wantedHead);
    const words = (row: readonly string[]) => row.filter((_, at) => !NUMBERS.includes(head?.[at] ?? ""));
    expect(rows.map(words)).toEqual(wanted.map(words));
  });

  it("has Python's values and standard errors", () => {
    for (const column of NUMBERS) {
      const at = head?.indexOf(column) ?? -1;
      rows.forEach((row, index) => {
        const [own, other] = [row[at] ?? "", wanted[index]?.[at] ?? ""];
        own === "" || other === ""
          ? expect(own).toBe(other)
          : expect(Number(own)).toBeCloseTo(Number(other), 4);
      });
    }
  });
});

it("third-order terms and quoted names are in the table", () => {
  const triples = [{ players: [0, 1, 5], value: -0.25, se: 0.125, significant: true }] as const;
  const text = csvOf(explanationOf(wireResult({ order: 3, tokens: ["a,b", 'say "dog"'], triples })));
  expect(text.trimEnd().split("\n").at(-1)).toBe(
    '3,0 × 1 × 5,image_image_text,"0,0 × 0,1 × 1","patch (1, 1) × patch (1, 2) × say ""dog""",-0.25,0.125,true',
  );
  expect(text).toContain('1,4,text,0,"a,b",4,0.1,');
});

it("a method without interactions has one row for each player and the baseline", () => {
  const rows = fields(csvOf(explanationOf(wireResult({ order: 1, baseline: null }))));
  expect(rows).toHaveLength(1 + 1 + 6);
  expect(rows[1]).toEqual(["0", "", "baseline", "", "", "nan", "", ""]);
});

it("numbers are as short as their precision allows", () => {
  expect(decimal(Math.fround(0.1))).toBe("0.1");
  expect(decimal(0.1)).toBe("0.1");
  expect(decimal(Math.fround(1 / 3))).toBe("0.33333334");
  expect(decimal(1 / 3)).toBe("0.3333333333333333");
  for (const value of [1e-8, 123456.7, -2.5e10, 0].map(Math.fround)) {
    expect(Math.fround(Number(decimal(value)))).toBe(value);
  }
});
