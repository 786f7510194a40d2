/** A saved page of classes: the probabilities with single patches hidden, as Python computed them. */

import { describe, expect, it } from "vitest";
import { rowsOf } from "../../src/model/classes";
import { OfflineModel } from "../../src/offline/model";
import type { Saved } from "../../src/offline/saved";
import { decode, decodeIfKnown } from "../../src/wire/arrays";
import type { Candidates, WireArray } from "../../src/wire/types";
import ANSWERS from "./answers.json";

const page = ANSWERS.classes.page as unknown as Saved;

function hidden(removed: readonly number[], saved = page) {
  const model = new OfflineModel(saved);
  model.set("removed", removed);
  model.save_changes();
  return { model, played: model.get("played") };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

describe("a page of classes with a playground", () => {
  it("offers every patch, and sums to one with each of them hidden", () => {
    const { model } = hidden([]);
    expect(model.get("offline")?.playable).toEqual([0, 1, 2, 3, 4, 5]);
    ANSWERS.classes.without.forEach((wanted, patch) => {
      const { played } = hidden([patch]);
      const found = [...decode(played?.probabilities as WireArray)];
      expect(sum(found)).toBeCloseTo(1, 6);
      wanted.forEach((value, index) => {
        expect(found[index]).toBeCloseTo(value, 6);
      });
      expect(played?.value).toBeCloseTo(ANSWERS.classes.values[patch] as number, 6);
      const rows = rowsOf(model.get("candidates") as Candidates, decodeIfKnown(played?.probabilities));
      expect(rows.map(({ now }) => now)).not.toEqual(rows.map(({ probability }) => probability));
    });
  });

  it("does not know the probabilities with several patches hidden, and says why", () => {
    const { played } = hidden([1, 4]);
    expect(played).toMatchObject({ value: null, probabilities: null, why: page.why });
  });

  it("knows none if they were not recorded", () => {
    const classes = { ...(page.classes as NonNullable<Saved["classes"]>), without: null };
    const captions = page.captions.map((caption) => ({ ...caption, without: null }));
    const { model, played } = hidden([2], { ...page, classes, captions });
    expect(played).toMatchObject({ value: null, probabilities: null, why: page.why });
    expect(model.get("offline")?.playable).toEqual([]);
  });
});
