/** A saved page answers as Python does: edges, sums, differences, predictions, significance, undo. */

import { describe, expect, it } from "vitest";
import { explanationOf } from "../../src/model/explanation";
import { strongestPairs } from "../../src/offline/graph";
import { resultOf, type Saved } from "../../src/offline/saved";
import { differenceOf, groupOf, predictionOf } from "../../src/offline/sums";
import { History } from "../../src/offline/undo";
import { decode, decodeIfKnown } from "../../src/wire/arrays";
import type { Traits, WireArray, WireResult } from "../../src/wire/types";
import ANSWERS from "./answers.json";

const page = ANSWERS.page as unknown as Saved;
const [b, a] = page.snapshots.map((snapshot) => resultOf(snapshot, 1)) as [WireResult, WireResult];
const compared = differenceOf(b, a, page.captions[0]?.partners[1] ?? []);
const RESULTS = { b, a, difference: compared.result };
const NAMES = ["b", "a", "difference"] as const;

const numbers = (array: WireArray | null) =>
  array && [...decode(array)].map((value) => (Number.isNaN(value) ? null : value));

function expectClose(actual: readonly (number | null)[] | null, wanted: readonly (number | null)[] | null) {
  expect(actual?.length).toBe(wanted?.length);
  actual?.forEach((value, index) => {
    const other = wanted?.[index] ?? null;
    value === null || other === null ? expect(value).toBe(other) : expect(value).toBeCloseTo(other, 4);
  });
}

it("a page lists the players that only B has", () => {
  expect(compared.unmatched).toEqual(ANSWERS.unmatched);
});

it("undo describes and restores changes as in Python", () => {
  const history = new History();
  for (const { seconds, title, settings, words } of ANSWERS.undo.changes) {
    const side = (index: 0 | 1) =>
      Object.fromEntries(Object.entries(settings).map(([name, values]) => [name, values[index]]));
    history.note(side(0) as Partial<Traits>, side(1) as Partial<Traits>, 1000 * seconds, title);
    expect(history.words).toBe(words);
  }
  for (const { settings, words } of ANSWERS.undo.undone) {
    expect(history.pop() ?? {}).toEqual(settings);
    expect(history.words).toBe(words);
  }
});

describe.each(NAMES)("%s", (name) => {
  const [result, wanted] = [RESULTS[name], ANSWERS[name]];

  it("has Python's values and errors", () => {
    for (const array of ["main", "main_se", "interactions", "interactions_se"] as const) {
      expectClose(numbers(result[array]), wanted[array]);
    }
  });

  it("has Python's parts of the similarity", () => {
    expect(result.parts?.map(({ kind }) => kind)).toEqual(wanted.parts.map(({ kind }) => kind));
    const flat = (parts: readonly { value: number; se: number | null }[]) =>
      parts.flatMap(({ value, se }) => [value, se]);
    expectClose(flat(result.parts ?? []), flat(wanted.parts));
  });

  it("has the kernel's facts, such as the residual", () => {
    for (const [fact, value] of Object.entries(wanted.facts)) {
      const own = result[fact as keyof WireResult];
      typeof value === "number" ? expect(own, fact).toBeCloseTo(value, 4) : expect(own, fact).toEqual(value);
    }
  });

  it("has Python's significant terms, from the kernel's bits and from the page's own test", () => {
    const { significant: _, ...without } = result;
    for (const each of [result, without]) {
      const { main, interactions } = explanationOf(each).significant;
      expect([...main]).toEqual(wanted.significant.main);
      expect([...interactions]).toEqual(wanted.significant.interactions);
    }
    expect(new Set(wanted.significant.interactions).size).toBe(2);
  });

  it("has Python's edges for every kind and sign", () => {
    for (const { edges, ...settings } of wanted.graphs) {
      const drawn = strongestPairs(result, { ...settings, graph_layout: "anchored" } as never);
      expect(drawn.map(({ source, target, significant }) => [source, target, significant])).toEqual(
        edges.map(([source, target, , , significant]) => [source, target, significant]),
      );
      expectClose(
        drawn.flatMap(({ weight, se }) => [weight, se]),
        edges.flatMap(([, , weight, se]) => [weight, se] as (number | null)[]),
      );
    }
  });

  it("has Python's sums over players", () => {
    for (const { selection, se, total, within, within_se } of wanted.groups) {
      const summed = groupOf(result, selection);
      expectClose([summed?.total ?? null, summed?.within ?? null], [total, within]);
      expectClose([summed?.within_se ?? null], [within_se]);
      expectClose(summed ? numbers(summed.se) : null, se);
    }
  });

  it("has Python's predictions without some players", () => {
    for (const { removed, value } of wanted.predictions) {
      expect(predictionOf(result, removed)).toBeCloseTo(value, 3);
    }
  });

  it("knows where errors are unknown", () => {
    const errors = decodeIfKnown(result.interactions_se);
    expect(errors && Number.isNaN(errors[1])).toBe(true);
  });
});
