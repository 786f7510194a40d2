import { describe, expect, it } from "vitest";
import { namesOf, shortName, spokenName } from "../../src/model/players";
import { graphOf } from "../../src/offline/graph";
import { traits, wireResult } from "../fake";

const BOARD = { grid: [1, 2], regions: false, tokens: ["a", "dog", "a"], words: true } as const;

describe("a word that occurs twice", () => {
  it("has a number in its names, and other words have none", () => {
    expect([2, 3, 4].map((player) => shortName(BOARD, player))).toEqual(["“a¹”", "“dog”", "“a²”"]);
    expect(spokenName(BOARD, 4)).toBe("word “a²”");
    expect(namesOf(BOARD, [0, 2])).toBe("patch (1, 1) + “a¹”");
  });

  it("has the same number in the third-order terms of a saved page", () => {
    const triples = [{ players: [0, 4, 5], value: 9, se: null }] as const;
    const result = wireResult({ tokens: ["a", "a"], triples });
    const caption = { text: "a a", tokens: ["a", "a"], anchored: [], without: null, partners: [] };
    const term = graphOf(result, traits(), caption, []).nodes.find(({ kind }) => kind === "term");
    expect(term?.label).toBe("patch (1, 1) × a¹ × a²");
  });
});
