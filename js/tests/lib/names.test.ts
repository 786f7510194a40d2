import { describe, expect, it } from "vitest";
import { namesOf, shortName, spokenName } from "../../src/model/players";
import { graphOf } from "../../src/offline/graph";
import { labelsOf } from "../../src/scene/WordLabels";
import { FakeModel, traits, wireResult } from "../fake";
import { all, shown } from "../mount";

const BOARD = { grid: [1, 2], regions: false, tokens: ["a", "dog", "a"], words: true } as const;

describe("a word that occurs twice", () => {
  it("has a number in its names, and other words have none", () => {
    expect([2, 3, 4].map((player) => shortName(BOARD, player))).toEqual(["“a¹”", "“dog”", "“a²”"]);
    expect(spokenName(BOARD, 4)).toBe("word “a²”");
    expect(namesOf(BOARD, [0, 2])).toBe("patch (1, 1) + “a¹”");
  });

  it("has the same number on the picture, where punctuation is left out unless it makes the difference", () => {
    expect(labelsOf(["a", "dog,", "a", "cat."])).toEqual(["a¹", "dog", "a²", "cat"]);
    expect(labelsOf(["a,", "dog,", "a,", "dog"])).toEqual(["a¹", "dog,", "a²", "dog"]);
  });

  it("has the same number at its token under the picture", async () => {
    const result = wireResult({ tokens: ["a", "a"] });
    const view = await shown(new FakeModel(traits({ result })));
    expect(all(view, ".fx-chip").map(({ textContent }) => textContent)).toEqual(["a¹", "a²"]);
  });

  it("has the same number in the graph of a saved page", () => {
    const result = wireResult({ tokens: ["a", "a"] });
    const caption = { text: "a a", tokens: ["a", "a"], anchored: [], without: null, partners: [] };
    const tokens = graphOf(result, traits(), caption, []).nodes.filter(({ kind }) => kind === "token");
    expect(tokens.map(({ label }) => label)).toEqual(["a¹", "a²"]);
  });

  it("has the same number in the third-order terms of a saved page", () => {
    const triples = [{ players: [0, 4, 5], value: 9, se: null }] as const;
    const result = wireResult({ tokens: ["a", "a"], triples });
    const caption = { text: "a a", tokens: ["a", "a"], anchored: [], without: null, partners: [] };
    const term = graphOf(result, traits(), caption, []).nodes.find(({ kind }) => kind === "term");
    expect(term?.label).toBe("patch (1, 1) × a¹ × a²");
  });
});
