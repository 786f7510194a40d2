import { describe, expect, it } from "vitest";
import { histogramOf, matching, ordered } from "../../src/gallery/filter";
import { conditionOf } from "../../src/gallery/query";
import { Rows, type Span } from "../../src/gallery/rows";
import answers from "./answers.json";

const names = Object.keys(answers.numbers);

function rowsOf(): Rows {
  const rows = new Rows(names);
  const { columns, tokens, weakest } = answers.texts;
  rows.append(
    { columns, tokens, weakest: weakest as unknown as (Span | null)[] },
    Object.values(answers.numbers).map((column) => Float64Array.from(column, (value) => value ?? Number.NaN)),
  );
  return rows;
}

function found(rows: Rows, query: string): number[] {
  const { condition, problem } = conditionOf(query, names);
  expect(problem).toBe("");
  return [...matching(rows, { search: "", condition, ranges: {} })];
}

describe("a condition", () => {
  for (const [query, expected] of Object.entries(answers.queries)) {
    it(`passes the rows that Python finds: ${query}`, () => {
      expect(found(rowsOf(), query)).toEqual(expected);
    });
  }
  for (const query of answers.refused) {
    it(`is refused as in Python: ${query}`, () => {
      const { condition, problem } = conditionOf(query, names);
      expect(condition).toBeNull();
      expect(problem).toMatch(/\w{3,}.*\.$/);
    });
  }
  it("names the columns where one does not exist", () => {
    expect(conditionOf("beauty > 3", names).problem).toContain("similarity, r2");
  });
});

describe("an order", () => {
  for (const [name, expected] of Object.entries(answers.orders)) {
    it(`is Python's: ${name}`, () => {
      const [column = "", descending] = name.split(" ");
      const rows = rowsOf();
      const all = Uint32Array.from({ length: rows.size }, (_, row) => row);
      expect([...ordered(rows, all, column, descending === "True")]).toEqual(expected);
    });
  }
});

describe("filters", () => {
  it("find captions whatever the case, inside of ranges, without rows that have no number", () => {
    const rows = rowsOf();
    const filter = { search: " DOG ", condition: null, ranges: { similarity: [20, 30] as const } };
    expect([...matching(rows, filter)]).toEqual([0, 5]);
    expect([...matching(rows, { ...filter, search: "", ranges: { similarity: [-100, 100] } })]).not.toContain(
      2,
    );
  });
  it("work on rows that come in pages", () => {
    const rows = rowsOf();
    const { columns, tokens } = answers.texts;
    rows.append(
      { columns, tokens, weakest: Array(6).fill(null) },
      names.map(() => new Float64Array(6).fill(99)),
    );
    expect(found(rows, "similarity == 99")).toEqual([6, 7, 8, 9, 10, 11]);
    expect(rows.size).toBe(12);
  });
});

describe("a histogram", () => {
  it("counts every finite value once, between the smallest and the largest", () => {
    const values = Float64Array.from([1, 2, 2, 3, Number.NaN, 5]);
    const counted = histogramOf(values, Uint32Array.from([0, 1, 2, 3, 4, 5]), 4);
    expect(counted).toEqual({ low: 1, high: 5, counts: [1, 2, 1, 1] });
  });
  it("has a width where all values are equal, and none without values", () => {
    expect(histogramOf(Float64Array.from([2, 2]), Uint32Array.from([0, 1]), 3)?.counts).toEqual([0, 2, 0]);
    expect(histogramOf(Float64Array.from([Number.NaN]), Uint32Array.from([0]), 3)).toBeNull();
  });
});
