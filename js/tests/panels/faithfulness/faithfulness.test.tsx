import { describe, expect, it } from "vitest";
import { moved, placesOf } from "../../../src/panels/faithfulness/Curves";
import { costOf } from "../../../src/panels/faithfulness/Faithfulness";
import {
  endsOf,
  measuredBeside,
  measuredOf,
  nameOf,
  readingOf,
  summaryOf,
} from "../../../src/panels/faithfulness/measures";
import { known } from "../../../src/panels/faithfulness/Scores";
import type { MeasureCost, Measured, Traits } from "../../../src/wire/types";
import { FakeModel, traits, wireResult } from "../../fake";
import { all, one, press, settled, shown } from "../../mount";

const POINTS = [...Array(51).keys()];

/** Of the explanation in fake.ts. */
function measured(changes: Partial<Measured> = {}): Measured {
  const { caption, method, order, p, budget, seed, image_encodes, text_encodes } = wireResult();
  return {
    ...{ caption, method, order, p, budget, seed, image_encodes, text_encodes },
    label: "Weighted Banzhaf",
    uses_p: true,
    uses_budget: true,
    in_logits: true,
    most: POINTS.map((point) => (point === 40 ? 1.5 : point / 50)),
    least: POINTS.map((point) => (point === 50 ? 1 : -point / 100)),
    aid: 0.75,
    faithfulness: [0.3, 0.5, 0.7].map((at) => ({ p: at, spearman: at + 0.2, r2: at, masks: 250 })),
    ...changes,
  };
}

const ECLIP = {
  method: "grad_eclip",
  order: 1,
  label: "Grad-ECLIP",
  in_logits: false,
  uses_p: false,
} as const;
const COST: MeasureCost = { image: 852, text: 64, seconds: 16.2, p: [0.3, 0.5, 0.7], masks: 250 };

async function opened(changes: Partial<Traits>): Promise<[HTMLElement, FakeModel]> {
  const model = new FakeModel(traits({ measure_cost: COST, ...changes }));
  const view = await shown(model);
  one(view, "[data-panel=faithfulness]").click();
  await settled();
  return [view, model];
}

function told(view: HTMLElement): string {
  return one(view, ".fx-measured").textContent ?? "";
}

describe("what was measured", () => {
  it("belongs to just the explanation that is shown", () => {
    const own = measured();
    for (const change of [
      { p: 0.6 },
      { budget: 2 },
      { image_encodes: 300 },
      { order: 3 },
      { caption: "dog" },
    ]) {
      expect(measuredOf(wireResult(change), [own])).toBeNull();
    }
    expect(measuredOf(wireResult(), [measured({ p: 0.6 }), own])).toBe(own);
  });

  it("stands beside what was measured of the same pair, and of no other", () => {
    const [own, other] = [measured(), measured(ECLIP)];
    expect(measuredBeside(wireResult(), [own, other, measured({ caption: "dog" })])).toEqual([other]);
  });

  it("is named by what makes a difference to it", () => {
    expect(nameOf(measured({ order: 3 }))).toBe("Weighted Banzhaf · order 3 · p 0.5 · budget 2¹⁰");
    expect(nameOf(measured({ ...ECLIP, uses_budget: false }))).toBe("Grad-ECLIP");
  });

  it("is said in words for whoever does not see it", () => {
    expect(summaryOf(measured(), endsOf({}))).toContain("reaches 1.50 with 80 % kept");
    expect(summaryOf(measured(), endsOf({}))).toContain("falls to −0.49 with 98 % kept");
    expect(readingOf(measured(), 25, endsOf({}))).toBe("50 % kept: most similar 0.50, least similar −0.25");
    const choice = { kind: "class", name: "dog", minus: "cat" } as const;
    expect(endsOf({ choice, unit: "logits" })).toEqual({ most: "highest margin", least: "lowest margin" });
  });
});

describe("the axes", () => {
  it.each([[{}], [{ most: POINTS.map((point) => 40 - point), least: POINTS.map((point) => -point) }]])(
    "have the empty and the full pair and all values on them, and no two numbers on each other",
    (changes) => {
      const of = measured(changes);
      const { x, y, ticks } = placesOf(300, [of]);
      const places = [...of.most, ...of.least].map(y);
      expect(Math.min(...places)).toBeGreaterThanOrEqual(0);
      expect(Math.max(...places)).toBeLessThan(y(Math.min(...of.least)) + 1);
      expect(ticks.slice(0, 2)).toEqual([0, 1]);
      const heights = ticks.map(y).sort((a, b) => a - b);
      const gaps = heights.slice(1).map((height, index) => height - (heights[index] ?? 0));
      expect(heights.length < 3 || Math.min(...gaps.slice(1)) > 10).toBe(true);
      expect(x(1)).toBeLessThan(300);
    },
  );
});

describe("the panel of faithfulness", () => {
  it("says what measuring costs, and asks for it once somebody wants it", async () => {
    const [view, model] = await opened({});
    expect(told(view)).toContain("852 image and 64 text encodings, about 16 s");
    expect(told(view)).toContain("250 new masks at each of p = 0.3, 0.5 and 0.7");
    expect(model.sent).toEqual([]);
    one(view, "[data-action=measure]").click();
    expect(model.sent).toEqual([{ type: "measure" }]);
  });

  it("has two digits after the point in every number of its table", () => {
    expect([0.0949, -0.004, -12.345, 1, null].map(known)).toEqual(["0.09", "0.00", "−12.35", "1.00", "–"]);
  });

  it("has no seconds before any were measured", () => {
    expect(costOf({ ...COST, image: 0, text: 0 })).toContain("exist already");
    expect(costOf({ ...COST, text: 0, seconds: null })).toMatch(/^At most 852 image encodings: /);
  });

  it("tells how far it is, and can be stopped", async () => {
    const [view, model] = await opened({ measuring: true });
    const counts = { image_done: 1, image_total: 2, text_done: 0, text_total: 0 };
    const progress = { type: "measuring", generation: 1, fraction: 0.5, seconds_left: 8, ...counts };
    model.emit("msg:custom", progress);
    await settled();
    expect(told(view)).toContain("measuring 50 % · 8 s");
    expect(view.dataset.status).toBe("done");
    one(view, "[data-action=stop-measuring]").click();
    expect(model.sent).toEqual([{ type: "cancel" }]);
    model.set("measuring", false);
    await settled();
    expect(all(view, "[data-action=measure]")).toHaveLength(1);
  });

  it("shows curves and numbers of what is shown in front, and of others beside it", async () => {
    const [view] = await opened({ measured: [measured(ECLIP), measured()] });
    expect(one(view, ".fx-curves").dataset.aid).toBe("0.75");
    expect([all(view, ".fx-front polyline").length, all(view, ".fx-other").length]).toEqual([2, 1]);
    const rows = all(view, ".fx-scores tbody");
    expect(rows.map((row) => [row.dataset.method, row.dataset.current])).toEqual([
      ["banzhaf", "true"],
      ["grad_eclip", "false"],
    ]);
    expect(all(view, "[data-action=measure]")).toEqual([]);
  });

  it("has no R² of what is not in logits, and says why", async () => {
    const [view] = await opened({ measured: [measured(ECLIP), measured()] });
    const [front, other] = all(view, ".fx-scores tbody").map((row) => row.textContent);
    expect([front?.includes("R² 0.50"), other?.includes("R²")]).toEqual([true, false]);
    expect(told(view)).toContain("R² is not meaningful for Grad-ECLIP, whose values are not logits.");
  });

  it("keeps what was measured of other explanations when what is shown changes, and offers to measure that", async () => {
    const [view, model] = await opened({ measured: [measured()] });
    model.set("result", wireResult({ p: 0.7, generation: 2 }));
    await settled();
    expect([all(view, ".fx-front").length, all(view, ".fx-other").length]).toEqual([0, 1]);
    expect(all(view, "[data-action=measure]")).toHaveLength(1);
  });

  it("offers to measure the rest of what was stopped", async () => {
    const [view] = await opened({ measured: [measured({ faithfulness: [] })] });
    expect(one(view, "[data-action=measure]").textContent).toBe("Measure the rest");
    expect(one(view, ".fx-scores tbody").textContent).toContain("–");
  });

  it("waits until a refinement is done", async () => {
    const [view] = await opened({ status: "running" });
    expect((one(view, "[data-action=measure]") as HTMLButtonElement).disabled).toBe(true);
    expect(told(view)).toContain("after the refinement");
  });

  it("says that measuring needs the model where there is none, and shows what was measured before", async () => {
    const offline = {
      p: [0.5],
      budgets: [1024],
      pairs: [[0.5, 1024] as const],
      captions: ["red dog"],
      playable: [],
      why: "No model is here.",
    };
    const [view] = await opened({ offline, live: false, measure_cost: null });
    expect(told(view)).toContain("measuring needs the model. No model is here.");
    expect(all(view, "[data-action=measure]")).toEqual([]);
    const [saved] = await opened({ offline, live: false, measure_cost: null, measured: [measured()] });
    expect(one(saved, ".fx-curves").dataset.aid).toBe("0.75");
    expect(told(saved)).not.toContain("measuring needs the model");
  });

  it("is read with the keyboard, point by point", async () => {
    const [view] = await opened({ measured: [measured()] });
    const plot = one(view, ".fx-plot");
    await press(plot, "Home");
    for (let step = 0; step < 25; step++) {
      await press(plot, "ArrowRight");
    }
    expect(plot.getAttribute("aria-valuetext")).toBe(readingOf(measured(), 25, endsOf({})));
    expect(all(view, ".fx-cursor circle")).toHaveLength(2);
    expect(moved("Tab", 3, 50)).toBeNull();
    expect([moved("PageUp", 48, 50), moved("ArrowLeft", 0, 50)]).toEqual([50, 0]);
  });

  it("takes names as text", async () => {
    const label = "<img src=x onerror=alert(1)>";
    const [view] = await opened({ measured: [measured({ label })] });
    expect(all(view, "img")).toEqual([]);
    expect(one(view, ".fx-scored").textContent).toContain(label);
  });
});
