import { describe, expect, it, vi } from "vitest";
import { createStore } from "../../src/state/store";
import { FakeModel, traits } from "../fake";
import { all, one, settled, shown } from "../mount";

function refuse(model: FakeModel, name: string): void {
  model.emit("msg:custom", { type: "refused", name, message: `${name} was refused.` });
}

async function moveBudget(view: HTMLElement): Promise<void> {
  const input = one(view, "input[id$='-budget']") as HTMLInputElement;
  input.value = "11";
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await settled();
  input.dispatchEvent(new Event("pointerup", { bubbles: true }));
  await settled();
}

describe("a refusal", () => {
  it("is told in the view that asked, beside what was used, and in no other", async () => {
    const model = new FakeModel();
    const [first, second] = [await shown(model), await shown(model)];
    await moveBudget(first);
    refuse(model, "budget");
    await settled();
    const told = all(first, "[data-kind=refusal]");
    expect(told.map((notice) => notice.textContent)).toEqual(["budget was refused."]);
    expect(told[0]?.parentElement?.querySelector("input[id$='-budget']")).not.toBeNull();
    expect(all(second, "[data-kind=refusal]")).toEqual([]);
  });

  it("goes with the next change of the same setting, and when it is dismissed", async () => {
    const model = new FakeModel();
    const store = createStore(model.asModel);
    store.commit("p", 2);
    refuse(model, "p");
    expect(store.view.refusal.value?.name).toBe("p");
    store.commit("top_k", 9);
    expect(store.view.refusal.value?.name).toBe("p");
    store.commit("p", 0.4);
    expect(store.view.refusal.value).toBeNull();
    store.dispose();
  });

  it("belongs to whoever changed the setting last", () => {
    const model = new FakeModel();
    const [first, second] = [createStore(model.asModel), createStore(model.asModel)];
    first.commit("p", 2);
    second.commit("p", 3);
    refuse(model, "p");
    expect([first.view.refusal.value, second.view.refusal.value?.name]).toEqual([null, "p"]);
    first.dispose();
    second.dispose();
  });

  it("is seen though the panel that it was asked in is closed by then", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    const panel = one(view, "[data-panel=settings]");
    panel.click();
    await settled();
    const select = one(view, "select[data-setting=method]") as HTMLSelectElement;
    select.value = "grad_eclip";
    select.dispatchEvent(new Event("change", { bubbles: true }));
    refuse(model, "method");
    await settled();
    expect(one(view, "[data-kind=refusal]").closest(".fx-settings")).not.toBeNull();
    panel.click();
    await settled();
    expect(all(view, "[data-kind=refusal]")).toHaveLength(1);
  });
});

describe("an error", () => {
  it("can be tried again where there is a model", async () => {
    const failed = { status: "error" as const, error: "The encoder failed." };
    const model = new FakeModel(traits(failed));
    one(await shown(model), "[data-action=retry]").click();
    expect(model.sent).toEqual([{ type: "run" }]);
    const view = await shown(new FakeModel(traits({ ...failed, live: false })));
    expect(all(view, "[data-action=retry]")).toEqual([]);
  });
});

describe("a kernel that does not answer", () => {
  const silence = (view: HTMLElement) => all(view, "[data-kind=silent]");

  it("is told, and what is shown stays usable; its next word takes that back", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    one(view, "[data-action=run]").click();
    await vi.advanceTimersByTimeAsync(4000);
    expect(silence(view)).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(2000);
    expect(silence(view)).toHaveLength(1);
    one(view, ".fx-chip").click();
    await settled();
    expect(view.dataset.selection).toBe("4");
    expect(silence(view)).toHaveLength(1);
    model.set("generation", 2);
    await settled();
    expect(silence(view)).toHaveLength(0);
  });

  it("is not said to be refining meanwhile", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    model.set("generation", 2);
    model.set("status", "running");
    await vi.advanceTimersByTimeAsync(200);
    expect(one(view, ".fx-status").textContent).toContain("refining");
    await vi.advanceTimersByTimeAsync(61_000);
    expect(one(view, ".fx-status").textContent).toContain("not answering");
    expect(one(view, ".fx-status").textContent).not.toContain("refining");
  });

  it("is told at once where the host has nobody to send to", async () => {
    const model = new FakeModel();
    model.send = model.save_changes = () => {
      throw new Error("Cannot send");
    };
    const view = await shown(model);
    one(view, "[data-action=run]").click();
    await settled();
    expect(silence(view)).toHaveLength(1);
    expect(view.dataset.status).toBe("done");
    one(view, ".fx-chip").click();
    await settled();
    expect(view.dataset.selection).toBe("4");
  });

  it("is told when a refinement stops giving signs of life", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    model.set("generation", 2);
    model.set("status", "running");
    for (let minute = 0; minute < 3; minute++) {
      await vi.advanceTimersByTimeAsync(50_000);
      model.emit("msg:custom", { type: "progress", generation: 2, fraction: 0.1, seconds_left: null });
    }
    await settled();
    expect(silence(view)).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(70_000);
    expect(silence(view)).toHaveLength(1);
  });

  it.each([{ status: "running" as const }, { measuring: true }])(
    "is told where work was saved half done: %o",
    async (saved) => {
      const view = await shown(new FakeModel(traits(saved)));
      await vi.advanceTimersByTimeAsync(50_000);
      expect(silence(view)).toHaveLength(0);
      await vi.advanceTimersByTimeAsync(20_000);
      expect(silence(view)).toHaveLength(1);
    },
  );

  it.each([
    { name: "selection", value: [5] },
    { name: "removed", value: [1] },
    { name: "shown", value: "pinned" },
    { name: "top_k", value: 3 },
    { name: "graph_layout", value: "spring" },
    { name: "graph_kind", value: "cross" },
    { name: "graph_sign", value: "positive" },
  ] as const)("reports a change of $name that the kernel does not confirm", async ({ name, value }) => {
    for (const alive of [false, true]) {
      const model = new FakeModel();
      const store = createStore(model.asModel);
      store.commit(name, value as never);
      if (alive) {
        model.emit("msg:custom", { type: "received" });
      }
      await vi.advanceTimersByTimeAsync(6000);
      expect(store.wire.silent.value).toBe(!alive);
      store.dispose();
    }
  });

  it("is not needed for what the view alone shows", async () => {
    const view = await shown(new FakeModel());
    one(view, "[data-view=heatmap]").click();
    await vi.advanceTimersByTimeAsync(6000);
    expect(silence(view)).toHaveLength(0);
  });

  it("is not suspected while nothing was asked of it", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    one(view, ".fx-chip").click();
    model.set("status", "done");
    await vi.advanceTimersByTimeAsync(200_000);
    expect(silence(view)).toHaveLength(0);
  });
});
