import { describe, expect, it, vi } from "vitest";
import type { Graph, Traits } from "../../src/wire/types";
import { FakeModel, traits, wireArray, wireResult } from "../fake";
import { all, focus, one, press, settled, shown } from "../mount";

// Plotly paints on a canvas, which a test's page does not have; what it is given is tested with the figure
vi.mock("../../src/views/heatmap/plotly", () => ({
  loadPlotly: async () => ({ react: async () => {}, relayout: async () => {}, purge: () => {}, Icons: {} }),
}));

const GRAPH = traits().graph_data as Graph;
/** Joins patch 0 with both tokens. */
const TRIPLE = { players: [0, 4, 5], value: -0.75, se: 0.25 } as const;
const WITH_TERM: Graph = {
  ...GRAPH,
  nodes: [
    ...GRAPH.nodes,
    { player: 6, kind: "term", label: "three", weight: TRIPLE.value, se: TRIPLE.se, pos: [0.5, 0.6] },
  ],
  edges: [
    ...GRAPH.edges,
    ...TRIPLE.players.map((player) => ({
      source: 6,
      target: player,
      weight: TRIPLE.value,
      se: TRIPLE.se,
      significant: false,
      kind: "term" as const,
    })),
  ],
};

/** Nothing has a size in a test's page; the graph waits for one. */
async function drawn(changes: Parameters<typeof traits>[0] = {}) {
  vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 600, 400));
  const model = new FakeModel(traits(changes));
  const view = await shown(model);
  return { model, view };
}

/** A widget with a pinned explanation of the caption “old cat”; the kernel has sent the graph of “red dog”. */
function pinnedBefore(): Partial<Traits> {
  const result = wireResult({ caption: "old cat", tokens: ["old", "cat"] });
  return { pinned: { label: "“old cat”", result } };
}

describe("what the kernel has not sent again after a switch to A", () => {
  it("is not shown: neither the edges nor the rows of B with the names of A", async () => {
    const { model, view } = await drawn({ ...pinnedBefore(), subset_size: 2 });
    const subset = { players: [0, 5], value: 2 };
    model.set("subsets", { generation: 1, shown: "current", positive: [subset], negative: [] });
    await settled();
    expect(all(view, ".fx-edge, [data-subset-value]").length).toBeGreaterThan(1);
    one(view, "[data-choice=pinned]").click();
    await settled();
    expect(all(view, ".fx-edge, [data-subset-value]")).toEqual([]);
    expect(one(view, ".fx-panel").textContent).toContain("Waiting for the graph");
    model.set("view", "table");
    await settled();
    expect(rows(view)).toEqual([]);
    model.set("graph_data", { ...GRAPH, shown: "pinned", generation: 1, edges: GRAPH.edges.slice(0, 1) });
    await settled();
    expect(one(view, ".fx-table tbody").textContent).toContain("“old” × “cat”");
  });

  it("comes back at a new generation of B, because A does not depend on it", async () => {
    const { model, view } = await drawn({ ...pinnedBefore(), shown: "pinned" });
    model.set("graph_data", { ...GRAPH, shown: "pinned" });
    model.set("result", wireResult({ generation: 2 }));
    await settled();
    expect(all(view, ".fx-edge")).toHaveLength(GRAPH.edges.length);
  });

  it("is not mixed with a newer difference either", async () => {
    const difference = { result: wireResult(), unmatched: [] };
    const { model, view } = await drawn({ ...pinnedBefore(), difference, shown: "difference" });
    model.set("graph_data", { ...GRAPH, shown: "difference" });
    await settled();
    expect(all(view, ".fx-edge")).toHaveLength(GRAPH.edges.length);
    model.set("result", wireResult({ generation: 2 }));
    await settled();
    expect(all(view, ".fx-edge")).toEqual([]);
  });
});

function place(node: HTMLElement): string {
  return node.style.transform;
}

function rows(view: HTMLElement): (string | undefined)[] {
  return all(view, ".fx-table tbody tr").map((row) => row.dataset.players);
}

describe("the views", () => {
  it("are the widget's to choose: the tab that is clicked is a setting", async () => {
    const { model, view } = await drawn();
    one(view, "[data-view=table]").click();
    expect(model.get("view")).toBe("table");
    await settled();
    expect(all(view, ".fx-table")).toHaveLength(1);
    await press(one(view, "[data-view=table]"), "ArrowLeft");
    expect(model.get("view")).toBe("waterfall");
  });

  it("speak of dashes only where something is dashed", async () => {
    const dashes = (view: HTMLElement) => all(view, "[data-caveat=dashes]").length;
    const { model, view } = await drawn();
    expect(dashes(view)).toBe(1);
    model.set("view", "heatmap");
    await settled();
    expect(dashes(view)).toBe(0);
    model.set("view", "graph");
    model.set("graph_data", { ...GRAPH, edges: GRAPH.edges.slice(0, 2) });
    await settled();
    expect(dashes(view)).toBe(0);
  });

  it("lead to what is between image and text where nothing of it is among the strongest", async () => {
    const { model, view } = await drawn();
    expect(all(view, "[data-caveat=cross]")).toEqual([]);
    const edges = GRAPH.edges.filter(({ kind }) => kind !== "cross");
    expect(edges.length).toBeGreaterThan(0);
    model.set("graph_data", { ...GRAPH, edges });
    await settled();
    one(view, "[data-action=show-cross]").click();
    expect(model.get("graph_kind")).toBe("cross");
    await settled();
    expect(all(view, "[data-caveat=cross]")).toEqual([]);
  });

  it.each(["graph", "heatmap"] as const)(
    "say in the %s that a first-order method has no interactions",
    async (name) => {
      const nothing = wireArray(Array(36).fill(0), [6, 6]);
      const result = wireResult({
        order: 1,
        method: "grad_eclip",
        interactions: nothing,
        interactions_se: null,
      });
      const { view } = await drawn({ result, view: name });
      expect(one(view, ".fx-panel").textContent).toContain("Grad-ECLIP, has no interactions");
      expect(all(view, ".fx-panel li")[0]?.dataset.players).toBe("4");
      expect(all(view, ".fx-patch").map((patch) => patch.dataset.value)).toEqual(["1", "-2", "0.5", "0"]);
    },
  );
});

describe("the graph", () => {
  it("draws a third-order term as a node of its own that stands for its three players", async () => {
    const { model, view } = await drawn({ graph_data: WITH_TERM });
    const term = one(view, ".fx-node[data-kind=term]");
    expect(term.getAttribute("aria-label")).toBe(
      "third-order term of patch (1, 1) + “red” + “dog”: −0.75 ± 0.25",
    );
    await focus(term);
    expect(all(view, ".fx-stage [data-pointed=true]").map((player) => player.dataset.player)).toEqual([
      "0",
      "4",
      "5",
    ]);
    term.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    expect(model.get("selection")).toEqual([0, 4, 5]);
  });

  it("lights both players of the edge that is pointed at", async () => {
    const { view } = await drawn();
    one(view, "[data-players='0 5'] .fx-reach").dispatchEvent(
      new PointerEvent("pointerover", { bubbles: true }),
    );
    await settled();
    const lit = all(view, "[data-pointed=true]").map((element) => element.getAttribute("class"));
    expect(lit.sort()).toEqual(["fx-chip", "fx-edge", "fx-node", "fx-node", "fx-patch"]);
    expect(one(view, ".fx-readout").textContent).toContain("+2.00 ± 0.30");
  });

  it("has nodes that a pointer drags, and a drag is no click", async () => {
    const { model, view } = await drawn();
    const node = one(view, ".fx-node[data-player='0']");
    const before = place(node);
    const at = (type: string, clientX: number, clientY: number) =>
      node.dispatchEvent(
        new PointerEvent(type, { bubbles: true, pointerId: 1, buttons: 1, clientX, clientY }),
      );
    at("pointerdown", 100, 100);
    at("pointermove", 160, 130);
    at("pointerup", 160, 130);
    node.dispatchEvent(new MouseEvent("click", { bubbles: true }));
    await settled();
    expect(place(node)).not.toBe(before);
    expect(model.get("selection")).toEqual([]);
    one(view, "[data-action=reset-places]").click();
    await settled();
    expect(place(node)).toBe(before);
  });

  it("gives the reason for a missing subset", async () => {
    const note = (view: HTMLElement) => all(view, ".fx-graph-note").map(({ textContent }) => textContent);
    const { model, view } = await drawn();
    expect(note(view)).toEqual([]);
    model.set("subset_size", 3);
    await settled();
    expect(note(view)).toEqual(["The kernel computes the subset after the final result."]);
    model.set("offline", {
      p: [0.5],
      budgets: [1024],
      pairs: [[0.5, 1024]],
      captions: [],
      playable: [],
      why: "",
    });
    await settled();
    expect(note(view)).toEqual(["This page contains no subsets of this explanation."]);
    model.set("subsets", { generation: 1, shown: "current", positive: [], negative: [] });
    await settled();
    expect(note(view)).toEqual(["There is no subset of 3 players."]);
  });

  it("keeps moved nodes at another p, but not for other words", async () => {
    const { model, view } = await drawn();
    await press(one(view, ".fx-node[data-player='5']"), "ArrowLeft", { altKey: true });
    const { scene } = traits();
    model.set("scene", { ...scene });
    model.set("result", wireResult({ p: 0.7 }));
    await settled();
    expect(all(view, "[data-action=reset-places]")).toHaveLength(1);
    model.set("result", wireResult({ tokens: ["red", "cat"] }));
    await settled();
    expect(all(view, "[data-action=reset-places]")).toHaveLength(0);
  });

  it("has nodes that Alt and arrow keys move, until there is another layout", async () => {
    const { model, view } = await drawn();
    const node = one(view, ".fx-node[data-player='5']");
    const before = place(node);
    await press(node, "ArrowLeft", { altKey: true });
    expect(place(node)).not.toBe(before);
    model.set("graph_layout", "spring");
    await settled();
    expect(all(view, "[data-action=reset-places]")).toHaveLength(0);
  });

  it("shows the subset of the size and sign that are asked for, with the members that have no edge", async () => {
    const subsets = {
      generation: 1,
      shown: "current" as const,
      positive: [
        { players: [4], value: 4 },
        { players: [3, 4, 5], value: 6.5 },
      ],
      negative: [{ players: [1], value: -2 }],
    };
    const { model, view } = await drawn({ subsets, subset_size: 3 });
    const note = () => one(view, ".fx-graph-note").textContent;
    expect(note()).toContain("similar 3: patch (2, 2) + “red” + “dog” +6.50");
    expect(one(view, "[data-setting=subset_sign]")).toHaveProperty("value", "positive");
    expect(all(view, ".fx-node[data-member=true]").map((node) => node.dataset.player)).toEqual([
      "3",
      "4",
      "5",
    ]);
    expect(all(view, ".fx-clique line")).toHaveLength(3);
    expect(all(view, ".fx-stage [data-member=true]")).toHaveLength(3);
    model.set("subset_size", 1);
    model.set("subset_sign", "negative");
    await settled();
    expect(note()).toContain("similar 1: patch (1, 2) −2.00");
    model.set("subsets", { ...subsets, generation: 0 });
    await settled();
    expect(all(view, "[data-subset-value]")).toHaveLength(0);
  });
});

describe("the table", () => {
  it("has the graph's interactions and its third-order terms, strongest first", async () => {
    const { view } = await drawn({ graph_data: WITH_TERM, view: "table" });
    expect(rows(view)).toEqual(["4 5", "0 5", "1 5", "0 4 5", "0 1"]);
    const cells = all(view, "tr[data-players='0 4 5'] td").map((cell) => cell.textContent);
    expect(cells.slice(0, 2)).toEqual(["−0.75 ± 0.25", "3.0 not significant"]);
  });

  it.each([
    ["value", "descending", ["4 5", "0 5", "0 1", "1 5"], ["1 5", "0 1", "0 5", "4 5"]],
    ["certainty", "descending", ["4 5", "0 5", "0 1", "1 5"], ["0 1", "0 5", "4 5", "1 5"]],
    ["name", "ascending", ["4 5", "0 5", "0 1", "1 5"], ["1 5", "0 1", "0 5", "4 5"]],
  ])("is sorted by %s, first %s, then the other way round", async (order, direction, first, second) => {
    const { view } = await drawn({ view: "table" });
    const button = one(view, `[data-sort=${order}]`);
    const sorting = () => button.closest("th")?.getAttribute("aria-sort");
    expect(sorting()).toBe("none");
    button.click();
    await settled();
    expect([rows(view), sorting()]).toEqual([first, direction]);
    button.click();
    await settled();
    expect([rows(view), sorting() === direction]).toEqual([second, false]);
  });

  it("shows, if asked, all that the selected players do, whether the graph has room for it or not", async () => {
    const { model, view } = await drawn({ view: "table", selection: [4] });
    one(view, "[data-action=only-selection]").click();
    await settled();
    expect(rows(view)).toEqual(["4 5", "2 4", "3 4"]);
    model.set("graph_kind", "cross");
    model.set("graph_sign", "negative");
    await settled();
    expect(rows(view)).toEqual([]);
  });

  it("selects, and lights, the players of a row", async () => {
    const { model, view } = await drawn({ view: "table" });
    const button = one(view, "tr[data-players='0 5'] button");
    await focus(button);
    expect(all(view, ".fx-stage [data-pointed=true]")).toHaveLength(2);
    button.click();
    expect(model.get("selection")).toEqual([0, 5]);
    await settled();
    expect(button.getAttribute("aria-pressed")).toBe("true");
    button.click();
    expect(model.get("selection")).toEqual([]);
  });

  it("is walked through with arrow keys, and Tab leads on", async () => {
    const { view } = await drawn({ view: "table" });
    const buttons = all(view, "tbody button");
    buttons[0]?.focus();
    await press(buttons[0] as HTMLElement, "ArrowDown");
    expect(document.activeElement).toBe(buttons[1]);
    expect(buttons.map((button) => button.tabIndex)).toEqual([-1, 0, -1, -1]);
  });

  it("has the main effects of a method without interactions", async () => {
    const { view } = await drawn({ result: wireResult({ order: 1 }), view: "table" });
    expect(rows(view)).toEqual(["4", "1", "0", "2", "5", "3"]);
  });
});

describe("the block of the heatmap", () => {
  it("is a setting", async () => {
    const { model, view } = await drawn({ view: "heatmap" });
    one(view, "[data-heatmap-kind=image_image]").click();
    expect(model.get("heatmap_kind")).toBe("image_image");
    await settled();
    expect(one(view, ".fx-heatmap").getAttribute("aria-label")).toContain("patches × patches");
  });
});
