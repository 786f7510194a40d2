/** What the simple level does not show is a module of its own, which a view asks for when it is needed. */

import { beforeEach, describe, expect, it, vi } from "vitest";
import { details } from "../../src/shell/details";
import { FakeModel, traits, wireResult } from "../fake";
import { one, settled, shown } from "../mount";

const asked = (model: FakeModel) =>
  model.sent.filter((message) => (message as { type: string }).type === "details");

beforeEach(() => {
  details.value = null;
});

describe("a view without the module", () => {
  it("does not ask for it at the simple level", async () => {
    const model = new FakeModel(traits({ level: "simple" }));
    expect((await shown(model)).querySelector(".fx-waiting")).toBeNull();
    expect(asked(model)).toEqual([]);
  });

  it.each([
    ["all controls", traits({ level: "all" })],
    ["a comparison", traits({ level: "simple", pinned: { label: "A", result: wireResult() } })],
  ])("asks once for %s, and shows the simple level meanwhile", async (_, state) => {
    const model = new FakeModel(state);
    const view = await shown(model);
    expect(one(view, ".fx-waiting").textContent).toContain("Loading");
    expect(view.querySelector(".fx-simple")).not.toBeNull();
    expect(asked(model)).toEqual([{ type: "details", shares: false }]);
    await vi.advanceTimersByTimeAsync(20_000); // an attempt ends
  });

  it("says that it could not be loaded, and loads it again", async () => {
    const model = new FakeModel(traits({ level: "all" }));
    const view = await shown(model);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(one(view, "[data-kind=error]").textContent).toContain("could not be loaded");
    one(view, "[data-action=load-details]").click();
    await settled();
    expect(view.querySelector("[data-kind=error]")).toBeNull();
    expect(asked(model)).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(20_000);
  });
});

it("is shown by every view of the page when one has loaded it", async () => {
  const views = [await shown(new FakeModel()), await shown(new FakeModel())];
  details.value = (await import("../../src/shell/All")).default;
  await settled();
  expect(views.map((view) => view.querySelectorAll("[role=tab]").length)).toEqual([5, 5]);
  await vi.advanceTimersByTimeAsync(20_000);
});
