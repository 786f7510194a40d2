import { describe, expect, it } from "vitest";
import { explanationOf } from "../../src/model/explanation";
import { blockLimits, scalesOf } from "../../src/model/scales";
import { createStore } from "../../src/state/store";
import { press } from "../../src/ui/player-events";
import { FakeModel, wireArray, wireResult } from "../fake";

describe("the tool", () => {
  it("decides whether a click selects or hides", () => {
    const model = new FakeModel();
    const store = createStore(model.asModel);
    press(store, [5], false);
    store.view.tool.value = "hide";
    press(store, [3], false);
    press(store, [0], false);
    expect([model.get("selection"), model.get("removed")]).toEqual([[5], [0, 3]]);
    press(store, [3], false);
    expect(model.get("removed")).toEqual([0]);
    store.dispose();
  });

  it("hides the rest of a group before it shows the group again", () => {
    const model = new FakeModel();
    const store = createStore(model.asModel);
    store.toggleRemoved([1]);
    store.toggleRemoved([0, 1, 2]);
    expect(model.get("removed")).toEqual([0, 1, 2]);
    store.toggleRemoved([0, 1]);
    expect(model.get("removed")).toEqual([2]);
    store.dispose();
  });
});

describe("scales of interactions", () => {
  const of = explanationOf(wireResult());
  const limits = blockLimits(of);

  it("end at the strongest of each block, over all players", () => {
    expect([limits.cross, limits.text_text, limits.image_image.toFixed(1)]).toEqual([2, 3, "0.1"]);
  });

  it("are the same whichever player is active, so that weak interactions look weak", () => {
    expect(scalesOf([of], limits, [5])).toEqual({ patch: 2, token: 3, cross: 2 });
    expect(scalesOf([of], limits, [4])).toEqual(scalesOf([of], limits, [5]));
  });

  it("do not blow up a weak block", () => {
    expect(scalesOf([of], limits, [0])).toEqual({ patch: 2, token: 2, cross: 2 });
  });

  it("have room for sums", () => {
    const strong = explanationOf(
      wireResult({
        interactions: wireArray(Array(36).fill(1), [6, 6]),
        main: wireArray(Array(6).fill(50), [6]),
      }),
    );
    expect(scalesOf([strong], blockLimits(strong), [0, 1, 4])).toEqual({ patch: 3, token: 3, cross: 1 });
  });
});
