/** Loading of Plotly, and the events of its plot. */

import { describe, expect, it, vi } from "vitest";
import { loadPlotly, type Plotly } from "../../../src/views/heatmap/plotly";
import { FakeModel, traits } from "../../fake";
import { all, one, settled, shown } from "../../mount";

vi.mock("../../../src/views/heatmap/plotly", () => ({ loadPlotly: vi.fn() }));

type Handler = (event: unknown) => void;

/** Plotly whose plots keep their handlers. */
function plotly(handlers: Map<string, Handler>): Plotly {
  return {
    react: async (element: HTMLElement) => {
      Object.assign(element, { on: (name: string, handler: Handler) => handlers.set(name, handler) });
    },
    relayout: async () => {},
    purge: () => {},
    downloadImage: async () => {},
    Icons: {},
  };
}

const at = (row: number, column: number) => ({
  points: [{ pointIndex: [row, column] }],
  event: new MouseEvent("click"),
});

async function drawn() {
  const handlers = new Map<string, Handler>();
  vi.mocked(loadPlotly).mockResolvedValue(plotly(handlers));
  vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 600, 400));
  const model = new FakeModel(traits({ view: "heatmap" }));
  const view = await shown(model);
  const fire = async (name: string, event: unknown = {}) => {
    handlers.get(name)?.(event);
    await settled();
  };
  return { model, view, fire };
}

describe("the plot", () => {
  it("reads out the interaction under the pointer, and lets go of it", async () => {
    const { view, fire } = await drawn();
    await fire("plotly_hover", at(1, 0));
    expect(one(view, ".fx-readout").textContent).toContain("“dog” × patch (1, 1) +2.00 ± 0.30");
    await fire("plotly_unhover");
    expect(one(view, ".fx-readout").textContent).not.toContain("×");
  });

  it("selects both players of the cell that is clicked, and lets go of them", async () => {
    const { model, fire } = await drawn();
    await fire("plotly_click", at(0, 2));
    expect(model.get("selection")).toEqual([4, 2]);
    await fire("plotly_click", at(0, 2));
    expect(model.get("selection")).toEqual([]);
  });

  it("follows the block that is shown", async () => {
    const { model, fire } = await drawn();
    model.set("heatmap_kind", "text_text");
    await settled();
    await fire("plotly_click", at(0, 1));
    expect(model.get("selection")).toEqual([4, 5]);
  });
});

describe("Plotly", () => {
  it("is announced while it loads", async () => {
    vi.mocked(loadPlotly).mockReturnValue(new Promise(() => {}));
    const view = await shown(new FakeModel(traits({ view: "heatmap" })));
    expect(one(view, ".fx-heat .fx-empty").textContent).toBe("Loading Plotly, which draws the heatmap …");
  });

  it("can be loaded again after a failure", async () => {
    vi.mocked(loadPlotly).mockRejectedValue(new Error("no kernel"));
    vi.spyOn(HTMLElement.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 600, 400));
    const view = await shown(new FakeModel(traits({ view: "heatmap" })));
    expect(one(view, ".fx-heat [role=alert]").textContent).toContain("could not be loaded");
    vi.mocked(loadPlotly).mockResolvedValue(plotly(new Map()));
    one(view, "[data-action=load-plotly]").click();
    await settled();
    expect(all(view, ".fx-heat [role=alert]")).toHaveLength(0);
    expect(all(view, ".fx-heatmap")).toHaveLength(1);
  });
});
