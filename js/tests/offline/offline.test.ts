import { describe, expect, it, vi } from "vitest";
import { graphOf } from "../../src/offline/graph";
import { OfflineModel } from "../../src/offline/model";
import { type Packed, resultOf, type Saved, type Snapshot, unpacked } from "../../src/offline/saved";
import { differenceOf, groupOf, predictionOf } from "../../src/offline/sums";
import { decode } from "../../src/wire/arrays";
import type { Setting, Traits } from "../../src/wire/types";
import { traits, wireResult } from "../fake";

function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

function packed(numbers: readonly number[], n: number, upper: boolean): Packed {
  const data = base64(new Uint8Array(Float32Array.from(numbers).buffer));
  return { packed: "f4", upper, shape: upper ? [n, n] : [n], data };
}

/** Interactions above the diagonal of the explanation in fake.ts, times `factor`. */
function pairs(factor: number, n: number): number[] {
  const whole = decode(wireResult().interactions);
  const rows = [...Array(n).keys()];
  return rows.flatMap((i) => rows.filter((j) => j > i).map((j) => factor * (whole[i * 6 + j] ?? 0)));
}

function snapshot(p: number, budget: number, caption = 0): Snapshot {
  const {
    main: _m,
    main_se: _ms,
    interactions: _i,
    interactions_se: _is,
    first_order: _f,
    ...facts
  } = wireResult();
  const tokens = caption === 0 ? ["red", "dog"] : ["dog"];
  const n = 4 + tokens.length;
  return {
    caption,
    p,
    budget,
    label: `${tokens.join(" ")} at ${p}`,
    result: {
      ...facts,
      p,
      budget,
      tokens,
      caption: tokens.join(" "),
      main: packed(
        [1, -2, 0.5, 0, 4, -0.5].slice(0, n).map((value) => value * p),
        n,
        false,
      ),
      main_se: null,
      interactions: packed(pairs(p, n), n, true),
      interactions_se: null,
    },
    places: [
      {
        layout: "spring",
        edges: 2,
        at: [
          [0, 0.1, 0.2],
          [4, 0.3, 0.4],
          [5, 0.5, 0.6],
        ],
      },
      { layout: "spring", edges: 9, at: [...Array(n).keys()].map((player) => [player, 0.7, player / 10]) },
    ],
    subsets: { positive: [{ players: [4], value: 4 }], negative: [{ players: [1], value: -2 }] },
    examples: null,
    convergence: [],
  };
}

function saved(): Saved {
  const anchored = [...Array(6).keys()].map((player): [number, number] => [player / 6, 0.5]);
  return {
    format: 1,
    picture: null,
    grid: [2, 2],
    model: "tiny · test",
    why: "There is no model here.",
    captions: [
      {
        text: "red dog",
        tokens: ["red", "dog"],
        anchored,
        without: [1, 2, 3, 4, 5, 6],
        partners: [
          [0, 1],
          [null, 0],
        ],
      },
      { text: "dog", tokens: ["dog"], anchored, without: null, partners: [[1], [0]] },
    ],
    snapshots: [snapshot(0.5, 1024), snapshot(0.3, 1024), snapshot(0.3, 256), snapshot(0.5, 1024, 1)],
    settings: { ...traits({ result: null, graph_data: null }), text: "red dog" },
  };
}

function commit<Name extends Setting>(model: OfflineModel, name: Name, value: Traits[Name]): void {
  model.set(name, value);
  model.save_changes();
}

function shownResult(model: OfflineModel): NonNullable<Traits["result"]> {
  return model.get("result") as NonNullable<Traits["result"]>;
}

describe("packed numbers", () => {
  it("come back as the whole symmetric matrix", () => {
    const wire = unpacked(packed([1, 2, 3], 3, true));
    expect(wire && [...decode(wire)]).toEqual([0, 1, 2, 1, 0, 3, 2, 3, 0]);
  });

  it("of half precision are read to three digits, the unknown and the tiny included", () => {
    const bits = Uint16Array.from([0x3c00, 0xc000, 0x3555, 0x7e00, 0x0001, 0x7c00]);
    const wire = unpacked({
      packed: "f2",
      upper: false,
      shape: [6],
      data: base64(new Uint8Array(bits.buffer)),
    });
    const [one, minusTwo, third, unknown, tiny, infinite] = wire ? decode(wire) : [];
    expect([one, minusTwo]).toEqual([1, -2]);
    expect(third).toBeCloseTo(1 / 3, 3);
    expect(unknown).toBeNaN();
    expect(tiny).toBeCloseTo(2 ** -24, 10);
    expect(infinite).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("the model without a kernel", () => {
  it("has what was measured before the page was saved; older pages have nothing", () => {
    const measured = [{ caption: "red dog", aid: 0.5 }] as unknown as Traits["measured"];
    const { measured: _, ...settings } = saved().settings;
    const page = { ...saved(), measured, settings };
    expect(new OfflineModel(page).get("measured")).toBe(measured);
    expect(new OfflineModel(saved()).get("measured")).toEqual([]);
    expect(new OfflineModel(saved()).get("measure_cost")).toBeNull();
  });

  it("shows the first snapshot before anything is asked", () => {
    const model = new OfflineModel(saved());
    expect(shownResult(model).p).toBe(0.5);
    expect(model.get("status")).toBe("done");
    expect(model.get("live")).toBe(false);
    expect(model.get("offline")).toEqual({
      p: [0.3, 0.5],
      budgets: [1024],
      pairs: [
        [0.3, 256],
        [0.3, 1024],
        [0.5, 1024],
      ],
      captions: ["red dog", "dog"],
      playable: [0, 1, 2, 3, 4, 5],
      why: "There is no model here.",
    });
  });

  it("has the masking that was saved, and none where there was none", () => {
    expect(new OfflineModel(saved()).get("scene")).toMatchObject({ masking: null, regions: null });
    const blank = { mime: "image/webp", data: base64(Uint8Array.from([1, 2])), width: 1, height: 1 };
    const masking = { name: "blur", says: "Removed pixels are blurred.", blank };
    const { scene: _, ...settings } = saved().settings;
    const told = new OfflineModel({ ...saved(), masking, settings }).get("scene").masking;
    expect(told?.name).toBe("blur");
    expect(told?.blank?.data.getUint8(1)).toBe(2);
  });

  it("answers a new p with the numbers that were saved for it, under a new generation", () => {
    const model = new OfflineModel(saved());
    const before = model.get("generation");
    commit(model, "p", 0.3);
    const wire = shownResult(model);
    expect(wire.p).toBe(0.3);
    expect(decode(wire.main)[0]).toBeCloseTo(0.3, 6);
    expect(model.get("graph_data")?.edges[0]?.weight).toBeCloseTo(0.9, 6);
    expect(model.get("generation")).toBeGreaterThan(before);
    expect(model.get("graph_data")?.generation).toBe(wire.generation);
  });

  it("answers a new budget at the same p", () => {
    const model = new OfflineModel(saved());
    commit(model, "p", 0.3);
    commit(model, "budget", 256);
    expect([shownResult(model).p, shownResult(model).budget]).toEqual([0.3, 256]);
  });

  it("offers the budgets of the shown p, and returns to the chosen budget at a p that has it", () => {
    const few = { ...saved(), snapshots: [snapshot(0.5, 1024), snapshot(0.5, 256), snapshot(0.3, 300)] };
    const model = new OfflineModel(few);
    const shown = () => [shownResult(model).p, shownResult(model).budget];
    expect(model.get("offline")?.budgets).toEqual([256, 1024]);
    commit(model, "p", 0.3);
    expect(model.get("offline")?.budgets).toEqual([300]);
    expect(shown()).toEqual([0.3, 300]);
    commit(model, "p", 0.5);
    expect(shown()).toEqual([0.5, 1024]);
    commit(model, "budget", 256);
    commit(model, "p", 0.3);
    model.send({ type: "undo" });
    expect(shown()).toEqual([0.5, 256]);
  });

  it("goes to the nearest saved p, and says so in the setting", () => {
    const model = new OfflineModel(saved());
    commit(model, "p", 0.37);
    expect(model.get("p")).toBe(0.3);
  });

  it("takes a saved caption with its tokens, and lets go of players that it does not have", () => {
    const model = new OfflineModel(saved());
    commit(model, "selection", [0, 5]);
    commit(model, "text", "dog");
    expect(model.get("scene").tokens).toEqual(["dog"]);
    expect(model.get("offline")).toMatchObject({ p: [0.5], pairs: [[0.5, 1024]] });
    expect(model.get("selection")).toEqual([0]);
    expect(model.get("offline")?.playable).toEqual([]);
  });

  it("refuses what was not saved, says why, and keeps the setting", () => {
    const model = new OfflineModel(saved());
    const told = vi.fn();
    model.on("msg:custom", told);
    commit(model, "text", "a cat");
    commit(model, "method", "grad_eclip");
    expect(model.get("text")).toBe("red dog");
    expect(model.get("method")).toBe("banzhaf");
    expect(told.mock.calls.map(([message]) => [message.type, message.name])).toEqual([
      ["refused", "text"],
      ["refused", "method"],
    ]);
    expect(told.mock.calls[0]?.[0].message).toContain("There is no model here.");
  });

  it("plays a single player from the saved values, and predicts for several", () => {
    const model = new OfflineModel(saved());
    commit(model, "removed", [2]);
    expect(model.get("played")?.value).toBe(3);
    commit(model, "removed", [2, 5]);
    expect(model.get("played")).toMatchObject({ value: null, why: "There is no model here." });
    expect(model.get("played")?.prediction).not.toBeNull();
  });

  it("pins, compares and unpins", () => {
    const model = new OfflineModel(saved());
    model.send({ type: "pin" });
    expect(model.get("pinned")?.label).toBe("red dog at 0.5");
    commit(model, "p", 0.3);
    commit(model, "shown", "difference");
    const main = model.get("difference")?.result.main;
    expect(main && decode(main)[4]).toBeCloseTo(4 * (0.3 - 0.5), 6);
    expect(model.get("graph_data")?.edges[0]?.weight).toBeCloseTo(3 * (0.3 - 0.5), 6);
    commit(model, "shown", "pinned");
    expect(model.get("graph_data")?.edges[0]?.weight).toBeCloseTo(1.5, 6);
    expect(model.get("subsets")).toMatchObject({ shown: "pinned", generation: model.get("generation") });
    commit(model, "selection", [0, 5]);
    expect(model.get("group")).toMatchObject({ shown: "pinned", generation: model.get("generation") });
    model.send({ type: "unpin" });
    expect([model.get("pinned"), model.get("shown")]).toEqual([null, "current"]);
  });

  it("does not show a difference of nothing", () => {
    const model = new OfflineModel(saved());
    commit(model, "shown", "difference");
    expect(model.get("shown")).toBe("current");
  });

  it("undoes the last change, and a reset too", () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const model = new OfflineModel(saved());
    expect(model.get("undoable")).toBe("");
    commit(model, "p", 0.3);
    vi.advanceTimersByTime(2000);
    commit(model, "top_k", 3);
    expect(model.get("undoable")).toBe("edges 10 → 3");
    model.send({ type: "undo" });
    expect([model.get("top_k"), model.get("undoable")]).toEqual([10, "p 0.5 → 0.3"]);
    model.send({ type: "reset" });
    expect([shownResult(model).p, model.get("undoable")]).toEqual([0.5, "reset"]);
    model.send({ type: "undo" });
    expect(shownResult(model).p).toBe(0.3);
    vi.useRealTimers();
  });

  it("takes moves of one slider within a second for one change", () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const model = new OfflineModel(saved());
    commit(model, "top_k", 9);
    vi.advanceTimersByTime(300);
    commit(model, "top_k", 8);
    expect(model.get("undoable")).toBe("edges 10 → 8");
    vi.useRealTimers();
  });

  it("says that running needs a model", () => {
    const model = new OfflineModel(saved());
    const told = vi.fn();
    model.on("msg:custom", told);
    model.send({ type: "run" });
    expect(told.mock.calls[0]?.[0]).toMatchObject({ type: "refused", message: "There is no model here." });
  });

  it("forgets handlers that were taken off", () => {
    const model = new OfflineModel(saved());
    const told = vi.fn();
    model.on("change:p", told);
    model.off("change:p", told);
    commit(model, "p", 0.3);
    expect(told).not.toHaveBeenCalled();
  });
});

describe("the graph of saved numbers", () => {
  const shot = snapshot(1, 1024);
  const drawn = (changes: Partial<Traits>) =>
    graphOf(resultOf(shot, 1), traits(changes), saved().captions[0] as Saved["captions"][0], shot.places);

  it("has the strongest edges, strongest first, and every token", () => {
    const graph = drawn({ top_k: 2 });
    expect(graph.edges.map(({ source, target, weight }) => [source, target, weight])).toEqual([
      [4, 5, 3],
      [0, 5, 2],
    ]);
    expect(graph.nodes.map(({ player }) => player)).toEqual([0, 4, 5]);
  });

  it.each([
    ["cross", "both", [2, -1, 0.5, 0.25]],
    ["intra", "both", [3, expect.closeTo(0.1)]],
    ["all", "negative", [-1]],
    ["cross", "positive", [2, 0.5, 0.25]],
  ] as const)("of kind %s and sign %s has those edges alone", (graph_kind, graph_sign, weights) => {
    expect(drawn({ graph_kind, graph_sign }).edges.map(({ weight }) => weight)).toEqual(weights);
  });

  it("takes the saved places of the next larger number of edges", () => {
    const at = (top_k: number) => drawn({ top_k, graph_layout: "spring" }).nodes[0]?.pos;
    expect(at(1)).toEqual([0.3, 0.4]);
    expect(at(2)).toEqual([0.1, 0.2]);
    expect(at(3)).toEqual([0.7, 0]);
  });

  it("keeps patches in place in the anchored layout", () => {
    expect(drawn({ graph_layout: "anchored" }).nodes.map(({ pos }) => pos[0])).toEqual(
      [0, 1, 2, 3, 4, 5].map((player) => player / 6),
    );
  });
});

describe("sums of saved numbers", () => {
  it("of a group leave out what is not known", () => {
    const group = groupOf(wireResult(), [0, 1, 5]);
    expect(group?.total).toBeCloseTo(3, 5);
    expect(group?.within).toBeCloseTo(1.1, 5);
    expect([group?.se, group?.total_se, group?.within_se]).toEqual([null, null, null]);
    expect(groupOf(wireResult(), [4, 5])?.within_se).toBeCloseTo(0.3, 6);
  });

  it("predict the pair without some players", () => {
    expect(predictionOf(wireResult(), [])).toBeCloseTo(1 + 3 + 4.85, 5);
    expect(predictionOf(wireResult(), [0, 1, 2, 3])).toBeCloseTo(1 + 3.5 + 3, 5);
    expect(predictionOf(wireResult({ order: 3 }), [])).toBeNull();
  });

  it("identify a block of a difference only if both results do", () => {
    const identified = { cross: true, text_text: true, image_image: false };
    const [known, open] = [wireResult({ order: 3 }), wireResult({ identified })];
    for (const [b, a] of [
      [known, open],
      [open, known],
    ] as const) {
      expect(differenceOf(b, a, [0, 1]).result).toMatchObject({ identified, order: 2 });
    }
  });

  it("subtract only what both have", () => {
    const b = resultOf(snapshot(1, 1024), 2);
    const a = resultOf(snapshot(1, 1024, 1), 1);
    const { result, unmatched } = differenceOf(b, a, [null, 0]);
    expect(unmatched).toEqual([4]);
    expect([...decode(result.main)]).toEqual([0, 0, 0, 0, 4, -4.5]);
    expect(decode(result.interactions)[4 * 6 + 5]).toBe(3);
    expect(decode(result.interactions)[1]).toBe(0);
  });
});
