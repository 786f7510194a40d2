import { describe, expect, it } from "vitest";
import sheet from "../../src/views/table/table.css?raw";
import { FakeModel, traits } from "../fake";
import { all, one, settled, shown } from "../mount";

/** The conditions under which the style sheet gives a row another look. */
const STATES = [...(sheet.match(/tbody tr \{[\s\S]*?\n {4}\}/)?.[0] ?? "").matchAll(/&(\[[^\]]+\])/g)].map(
  ([, state]) => state,
);

function inState(view: HTMLElement, state: string): (string | undefined)[] {
  return all(view, `.fx-table tbody tr${state}`).map((row) => row.dataset.players);
}

describe("a row of the table", () => {
  it("has a look of its own while it is selected, pointed at, or not significant", () => {
    expect(STATES.sort()).toEqual([
      '[data-pointed="true"]',
      '[data-selected="true"]',
      '[data-significant="false"]',
    ]);
  });

  it("is in each of these states when it should be", async () => {
    const model = new FakeModel(traits({ view: "table", selection: [4, 5] }));
    const graph = traits().graph_data;
    const edges = graph?.edges.map((edge) => ({ ...edge, significant: edge.weight > 1 })) ?? [];
    model.set("graph_data", graph && { ...graph, edges });
    const view = await shown(model);
    one(view, "[data-players='0 5'] button").dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
    await settled();
    expect(STATES.map((state) => inState(view, state ?? ""))).toEqual([["0 5"], ["4 5"], ["1 5", "0 1"]]);
  });
});
