import { describe, expect, it, vi } from "vitest";
import { FakeModel, traits, wireResult } from "../fake";
import { one, settled, shown } from "../mount";

describe("a new caption", () => {
  const isBusy = (view: HTMLElement) =>
    [".fx-facts", ".fx-sentence", ".fx-body"].map((part) => one(view, part).getAttribute("aria-busy"));

  it("marks what is still of the earlier one, until its own result comes", async () => {
    const findings = ["", "", "", "", "", "", "3 interactions are significant. The surrogate explains 90 %."];
    const model = new FakeModel(traits({ result: wireResult({ findings }) }));
    const view = await shown(model);
    expect([view.dataset.stale, ...isBusy(view)]).toEqual(["false", "false", "false", "false"]);
    model.set("text", "blue cat");
    await vi.advanceTimersByTimeAsync(100);
    expect([view.dataset.stale, ...isBusy(view)]).toEqual(["false", "false", "false", "false"]); // in a moment
    await vi.advanceTimersByTimeAsync(100);
    expect([view.dataset.stale, ...isBusy(view)]).toEqual(["true", "true", "true", "true"]);
    expect(one(view, ".fx-sentence p").textContent).toBe(
      "For the earlier caption: 3 interactions are significant.",
    );
    model.set("result", wireResult({ generation: 2, caption: "blue cat", tokens: ["blue", "cat"] }));
    await settled();
    expect([view.dataset.stale, ...isBusy(view)]).toEqual(["false", "false", "false", "false"]);
    expect(one(view, ".fx-sentence p").textContent).not.toContain("earlier");
  });

  it("marks nothing of a pinned explanation, whose own caption is in the header", async () => {
    const pinned = { label: "A", result: wireResult() };
    const view = await shown(new FakeModel(traits({ text: "blue cat", pinned, shown: "pinned" })));
    expect([view.dataset.stale, ...isBusy(view)]).toEqual(["false", "false", "false", "false"]);
  });
});
