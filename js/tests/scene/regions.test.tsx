import { describe, expect, it, vi } from "vitest";
import { outlinesOf } from "../../src/model/outlines";
import { neighbour, shortName, spokenName } from "../../src/model/players";
import { graphOf } from "../../src/offline/graph";
import { regionsWithin } from "../../src/scene/lasso";
import type { Regions } from "../../src/wire/types";
import { FakeModel, picture, traits, wireResult } from "../fake";
import { all, one, press, settled, shown } from "../mount";

/** Four regions: a frame on the left, two to its right one above the other, and one below all. */
const REGIONS: Regions = {
  width: 40,
  height: 40,
  paths: ["M0 0l20 0 0 30-20 0z", "M20 0l20 0 0 10-20 0z", "M20 10l20 0 0 20-20 0z", "M0 30l40 0 0 10-40 0z"],
  boxes: [
    [0, 0, 20, 30],
    [20, 0, 20, 10],
    [20, 10, 20, 20],
    [0, 30, 40, 10],
  ],
  centres: [
    [0.25, 0.375],
    [0.75, 0.125],
    [0.75, 0.5],
    [0.5, 0.875],
  ],
};
const BOARD = { grid: [2, 2], tokens: ["red", "dog"], regions: true } as const;
const OUTLINES = outlinesOf({ grid: [2, 2], regions: REGIONS });

function regionTraits(changes: Parameters<typeof traits>[0] = {}) {
  const scene = { ...traits().scene, image: picture(80, 80), regions: REGIONS };
  return traits({ scene, result: wireResult({ regions: true }), ...changes });
}

describe("outlines", () => {
  it("of a grid are its cells", () => {
    const cells = outlinesOf({ grid: [2, 3], regions: null });
    expect([cells.width, cells.height, cells.path(4)]).toEqual([3, 2, "M1 1h1v1h-1z"]);
    expect(cells.centre(5)).toEqual({ x: 2.5 / 3, y: 0.75 });
    expect(cells.box(3)).toEqual({ x: 0, y: 1, width: 1, height: 1 });
  });

  it("of regions are the kernel's", () => {
    expect(OUTLINES.path(2)).toBe(REGIONS.paths[2]);
    expect(OUTLINES.centre(3)).toEqual({ x: 0.5, y: 0.875 });
    expect(OUTLINES.box(1)).toEqual({ x: 20, y: 0, width: 20, height: 10 });
  });
});

describe("regions", () => {
  it("are named by number, counted from one", () => {
    expect([shortName(BOARD, 2), spokenName(BOARD, 2)]).toEqual(["region 3", "region 3"]);
  });

  it.each([
    [0, "ArrowRight", 2],
    [2, "ArrowLeft", 0],
    [1, "ArrowDown", 2],
    [2, "ArrowUp", 1],
    [0, "ArrowUp", null],
    [2, "ArrowDown", 3],
    [3, "ArrowDown", 4],
    [4, "ArrowUp", 3],
    [3, "Home", 0],
    [0, "End", 3],
    [1, "ArrowRight", null],
    [1, "a", null],
    [4, "ArrowRight", 5],
  ])("from %d, %s leads to %s", (from, key, to) => {
    expect(neighbour(BOARD, from, key, OUTLINES)).toBe(to);
  });

  it("are all reached by arrow keys, wherever they lie", () => {
    for (let draw = 0; draw < 20; draw++) {
      const random = randomFrom(draw);
      const centres = Array.from({ length: 36 }, (_, at) => {
        const [row, column] = [Math.floor(at / 6), at % 6];
        return [(column + 0.1 + 0.8 * random()) / 6, (row + 0.1 + 0.8 * random()) / 6] as const;
      });
      const outlines = outlinesOf({ grid: [6, 6], regions: { ...REGIONS, centres } });
      const board = { ...BOARD, grid: [6, 6] as const };
      const reached = new Set([0]);
      for (const player of reached) {
        for (const key of ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"]) {
          const to = neighbour(board, player, key, outlines);
          if (to !== null && to < 36) {
            reached.add(to);
          }
        }
      }
      expect(reached.size).toBe(36);
    }
  });

  it("are taken in by a rectangle that holds their middle, whichever way it is drawn", () => {
    const box = { left: 100, top: 50, width: 400, height: 200 };
    const [from, to] = [
      { x: 150, y: 60 },
      { x: 410, y: 160 },
    ];
    expect(regionsWithin(OUTLINES, 4, box, from, to)).toEqual([0, 1, 2]);
    expect(regionsWithin(OUTLINES, 4, box, to, from)).toEqual([0, 1, 2]);
    expect(regionsWithin(OUTLINES, 4, box, from, { x: 155, y: 65 })).toEqual([]);
  });
});

describe("the picture with regions", () => {
  it("has each region's outline, in its own colour and with its own value", async () => {
    const view = await shown(new FakeModel(regionTraits()));
    const patches = all(view, ".fx-patch");
    expect(patches.map((patch) => patch.getAttribute("d"))).toEqual(REGIONS.paths);
    expect(patches.map((patch) => patch.dataset.value)).toEqual(["1", "-2", "0.5", "0"]);
    expect(patches[0]?.parentElement?.getAttribute("transform")).toBe("scale(2 2)");
    expect(patches[1]?.getAttribute("aria-label")).toBe("region 2: −2.00");
    expect(one(view, ".fx-picture").getAttribute("aria-label")).toBe("Image, 4 regions");
  });

  it("outlines what is selected on top of all else", async () => {
    const view = await shown(new FakeModel(regionTraits({ selection: [2, 0, 5] })));
    expect(one(view, ".fx-outlined").getAttribute("d")).toBe(`${REGIONS.paths[2]}${REGIONS.paths[0]}`);
    expect(one(view, ".fx-outlined").parentElement?.lastElementChild?.getAttribute("class")).toBe(
      "fx-outlined",
    );
  });

  it("is walked with arrow keys, Shift taking regions into the selection", async () => {
    const model = new FakeModel(regionTraits());
    const view = await shown(model);
    await press(one(view, ".fx-patch[data-player='0']"), "ArrowRight", { shiftKey: true });
    expect(model.get("selection")).toEqual([0, 2]);
    await press(one(view, ".fx-patch[data-player='2']"), "ArrowDown");
    expect(document.activeElement?.getAttribute("data-player")).toBe("3");
  });

  it("has arcs that end in the middle of a region", async () => {
    vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 400, 400));
    const view = await shown(new FakeModel(regionTraits({ selection: [5] })));
    const ends = all(view, ".fx-arc circle").map((end) => [end.getAttribute("cx"), end.getAttribute("cy")]);
    expect(ends.sort()).toEqual([
      ["100", "150"],
      ["300", "50"],
    ]);
  });

  it("keeps its selection where a rectangle holds no region's middle", async () => {
    const model = new FakeModel(regionTraits({ selection: [5] }));
    const view = await shown(model);
    one(view, ".fx-picture").getBoundingClientRect = () => new DOMRect(0, 0, 100, 100);
    const at = (type: string, clientX: number, clientY: number) =>
      one(view, ".fx-patch").dispatchEvent(
        new PointerEvent(type, {
          bubbles: true,
          pointerType: "mouse",
          pointerId: 1,
          buttons: 1,
          clientX,
          clientY,
        }),
      );
    at("pointerdown", 2, 2);
    at("pointermove", 12, 12);
    at("pointerup", 12, 12);
    await settled();
    expect(model.get("selection")).toEqual([5]);
  });

  it("is masked region by region", async () => {
    const masking = { name: "mean", says: "Removed pixels have the mean colour.", blank: picture() };
    const examples = { p: 0.5, masks: ["101011"] };
    const scene = { ...regionTraits().scene, masking };
    const view = await shown(new FakeModel(regionTraits({ scene, examples })));
    expect(one(view, ".fx-strip clipPath path").getAttribute("d")).toBe(
      `${REGIONS.paths[1]}${REGIONS.paths[3]}`,
    );
  });
});

describe("the graph with regions", () => {
  it("shows each region on its ground, cut along its outline", async () => {
    vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 600, 400));
    const view = await shown(new FakeModel(regionTraits()));
    const node = one(view, ".fx-node[data-player='1']");
    expect(node.querySelector("clipPath path")?.getAttribute("d")).toBe(REGIONS.paths[1]);
    expect(node.querySelectorAll("image")).toHaveLength(2);
    expect(node.getAttribute("aria-label")).toContain("region 2");
  });

  it("of a page without a kernel labels them by number", () => {
    const caption = { text: "", tokens: BOARD.tokens, anchored: [], without: null, partners: [] };
    const graph = graphOf(wireResult({ regions: true }), traits(), caption, []);
    expect(graph.nodes.map(({ label }) => label)).toEqual(["1", "2", "3", "4", "red", "dog"]);
  });
});

/** Numbers in [0, 1) that are the same every time. */
function randomFrom(seed: number): () => number {
  let state = seed + 1;
  return () => {
    state = (state * 16807) % 2147483647;
    return state / 2147483647;
  };
}
