/** One map of the picture for each word. */

import { describe, expect, it } from "vitest";
import { strength } from "../../src/lib/colour";
import { explanationOf } from "../../src/model/explanation";
import { outlinesOf } from "../../src/model/outlines";
import { cellsOf, drawCells } from "../../src/views/maps/cells";
import { FakeModel, traits, wireResult } from "../fake";
import { all, focus, one, press, settled, shown } from "../mount";

const PALETTE = { positive: "#ff0000", negative: "#0000ff" };
const maps = (view: HTMLElement) => all(view, ".fx-map");

async function drawn(changes: Parameters<typeof traits>[0] = {}) {
  const model = new FakeModel(traits({ view: "maps", ...changes }));
  return { model, view: await shown(model) };
}

describe("a cell", () => {
  const cells = cellsOf(explanationOf(wireResult()), 5, 2, PALETTE);

  it("has the colour and the strength of the interaction with the word", () => {
    expect(cells.map(({ colour }) => colour).slice(0, 2)).toEqual(["#ff0000", "#0000ff"]);
    const [largest, half, none] = cells.map(({ opacity }) => opacity) as [number, number, number];
    expect(half / largest).toBeCloseTo(strength(-1, 2) / strength(2, 2));
    expect(none).toBe(0);
  });

  it("is outlined only if the interaction is significant", () => {
    const { significant, nPlayers } = explanationOf(wireResult());
    expect(cells.map((cell) => cell.significant)).toEqual(
      [0, 1, 2, 3].map((patch) => significant.interactions[5 * nPlayers + patch] === 1),
    );
    expect(new Set(cells.map((cell) => cell.significant)).size).toBe(2);
    const unknown = cellsOf(explanationOf(wireResult({ interactions_se: null })), 5, 2, PALETTE);
    expect(unknown.some((cell) => cell.significant)).toBe(false);
  });

  it("is drawn in the units of its outline", () => {
    const calls: unknown[][] = [];
    const record =
      (name: string) =>
      (...given: unknown[]) =>
        calls.push([name, ...given]);
    const context = {
      canvas: { width: 80, height: 40 },
      setTransform: record("setTransform"),
      clearRect: record("clearRect"),
      fill: record("fill"),
      stroke: record("stroke"),
    };
    const outlines = outlinesOf({ grid: [2, 2], regions: null });
    const shapes = ["a", "b", "c", "d"] as unknown as Path2D[];
    drawCells(context as unknown as CanvasRenderingContext2D, cells, shapes, outlines, 1);
    expect(calls).toContainEqual(["setTransform", 40, 0, 0, 20, 0, 0]);
    expect(calls.filter(([name]) => name === "fill")).toEqual([
      ["fill", "a"],
      ["fill", "b"],
    ]);
  });
});

describe("the maps", () => {
  it("are one for each word, in the order of the caption, and name the strongest patch", async () => {
    const { view } = await drawn();
    expect(maps(view).map((map) => map.textContent)).toEqual(["red", "dog"]);
    expect(maps(view)[1]?.getAttribute("aria-label")).toBe("token “dog”, most with patch (1, 1): +2.00");
  });

  it("select the word that is clicked, and let go of it", async () => {
    const { model, view } = await drawn();
    maps(view)[1]?.click();
    await settled();
    expect(model.get("selection")).toEqual([5]);
    expect(maps(view).map((map) => map.getAttribute("aria-pressed"))).toEqual(["false", "true"]);
    maps(view)[1]?.click();
    expect(model.get("selection")).toEqual([]);
  });

  it("are walked with arrow keys, and Enter selects once", async () => {
    const { model, view } = await drawn();
    await focus(maps(view)[0] as HTMLElement);
    await press(maps(view)[0] as HTMLElement, "ArrowRight");
    expect(document.activeElement).toBe(maps(view)[1]);
    await press(maps(view)[1] as HTMLElement, "ArrowRight");
    expect(document.activeElement).toBe(maps(view)[1]);
    await press(maps(view)[1] as HTMLElement, "Enter");
    expect(model.get("selection")).toEqual([5]);
    await press(maps(view)[1] as HTMLElement, "Home");
    expect(document.activeElement).toBe(maps(view)[0]);
  });

  it("share the scale of the cross-modal interactions, and B − A has its own", async () => {
    const { view } = await drawn();
    expect(one(view, ".fx-maps-head").textContent).toContain("±2.00 logits");
    const difference = { result: wireResult(), unmatched: [] };
    const pinned = { label: "A", result: wireResult() };
    const compared = await drawn({ difference, pinned, shown: "difference" });
    expect(one(compared.view, ".fx-maps-head").textContent).toContain("own scale of B − A");
  });

  it("give way to the values of a method without interactions", async () => {
    const { view } = await drawn({ result: wireResult({ order: 1 }) });
    expect(maps(view)).toHaveLength(0);
    expect(one(view, ".fx-first-order").textContent).toContain("no interactions");
  });

  it("outline the pointed patch in every map", async () => {
    const { view } = await drawn();
    await focus(one(view, ".fx-patch[data-player='3']"));
    expect(all(view, ".fx-map path").map((path) => path.getAttribute("d"))).toEqual([
      "M1 1h1v1h-1z",
      "M1 1h1v1h-1z",
    ]);
  });
});
