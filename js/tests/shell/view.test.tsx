import { describe, expect, it, vi } from "vitest";
import { createStore } from "../../src/state/store";
import { FakeModel, traits, wireResult } from "../fake";
import { all, render, settled, shown } from "../mount";

describe("the store", () => {
  it("drops results that are older than what is shown", () => {
    const model = new FakeModel(traits({ result: wireResult({ generation: 3 }) }));
    const store = createStore(model.asModel);
    model.set("result", wireResult({ generation: 2, p: 0.9 }));
    expect(store.view.explanation.value?.generation).toBe(3);
    model.set("result", wireResult({ generation: 4, p: 0.7 }));
    expect(store.view.explanation.value?.p).toBe(0.7);
    store.dispose();
  });

  it("keeps the progress of the newest request only", () => {
    const model = new FakeModel(traits({ generation: 5, status: "running" }));
    const store = createStore(model.asModel);
    const progress = { type: "progress", fraction: 0.5, seconds_left: null };
    model.emit("msg:custom", { ...progress, generation: 4 });
    expect(store.wire.progress.value).toBeNull();
    model.emit("msg:custom", { ...progress, generation: 5 });
    expect(store.wire.progress.value?.fraction).toBe(0.5);
    model.set("generation", 6);
    expect(store.wire.progress.value).toBeNull();
    store.dispose();
  });

  it("selects, adds and takes away players", () => {
    const model = new FakeModel();
    const store = createStore(model.asModel);
    store.select(5, false);
    store.select(0, true);
    expect(model.get("selection")).toEqual([5, 0]);
    store.select(5, true);
    store.select(0, false);
    expect(model.get("selection")).toEqual([]);
    store.dispose();
  });

  it("lets what is selected decide before what is hovered", () => {
    const model = new FakeModel();
    const store = createStore(model.asModel);
    store.view.pointed.value = [4];
    expect(store.view.active.value).toEqual([4]);
    store.select(5, false);
    expect(store.view.active.value).toEqual([5]);
    model.set("selection", [99]);
    expect(store.view.active.value).toEqual([4]);
    store.dispose();
  });

  it("lets go of the model", () => {
    const model = new FakeModel();
    createStore(model.asModel).dispose();
    expect(model.handlers).toBe(0);
  });
});

describe("the view", () => {
  it("says what it shows in its attributes", async () => {
    const view = await shown(new FakeModel());
    expect(view.dataset).toMatchObject({
      status: "done",
      generation: "1",
      p: "0.5",
      budget: "1024",
      resultP: "0.5",
    });
    const facts = all(view, ".fx-facts .fx-about, .fx-facts b").map(({ textContent }) => textContent);
    expect(facts.join(" ")).toBe("similarity 12.5 held-out R² 0.90 residual −0.25 trust unknown");
  });

  it("has a patch and a token for every player, with the value in its name", async () => {
    const view = await shown(new FakeModel());
    expect(all(view, ".fx-patch").map((patch) => patch.dataset.value)).toEqual(["1", "-2", "0.5", "0"]);
    expect(all(view, ".fx-chip").map((chip) => chip.getAttribute("aria-label"))).toEqual([
      "token “red”: +4.00",
      "token “dog”: −0.50",
    ]);
  });

  it("recolours with the player that is hovered or focused, in this view alone", async () => {
    const model = new FakeModel();
    const [first, second] = [await shown(model), await shown(model)];
    all(first, ".fx-chip")[1]?.dispatchEvent(new Event("focusin", { bubbles: true }));
    await settled();
    expect(all(first, ".fx-patch").map((patch) => patch.dataset.value)).toEqual(["2", "-1", "0", "0"]);
    expect(all(second, ".fx-patch")[0]?.dataset.value).toBe("1");
  });

  it("shows a selection in every view", async () => {
    const model = new FakeModel();
    const views = [await shown(model), await shown(model)];
    all(views[0] as HTMLElement, ".fx-chip")[1]?.click();
    await settled();
    for (const view of views) {
      expect(view.dataset.selection).toBe("5");
      expect(all(view, ".fx-patch")[0]?.dataset.value).toBe("2");
    }
    views[1]?.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    await settled();
    expect(views[0]?.dataset.selection).toBe("");
  });

  it("commits a slider after a moment of rest, and only the last value", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    const slider = view.querySelector<HTMLInputElement>("input[id$='-p']") as HTMLInputElement;
    for (const value of ["0.55", "0.6", "0.65"]) {
      slider.value = value;
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      await vi.advanceTimersByTimeAsync(20);
    }
    expect(view.textContent).toContain("p = 0.65");
    expect(model.get("p")).toBe(0.5);
    await vi.advanceTimersByTimeAsync(200);
    expect(model.saved).toEqual([{ p: 0.65 }]);
  });

  it("commits a slider at once when it is let go", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    const slider = view.querySelector<HTMLInputElement>("input[id$='-budget']") as HTMLInputElement;
    slider.value = "11";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    slider.dispatchEvent(new Event("pointerup", { bubbles: true }));
    expect(model.saved).toEqual([{ budget: 2048 }]);
  });

  it("is running soon after something new was asked for, unless the answer comes at once", async () => {
    const model = new FakeModel();
    const store = createStore(model.asModel);
    store.commit("p", 0.5);
    store.commit("top_k", 7);
    await vi.advanceTimersByTimeAsync(200);
    expect(store.view.status.value).toBe("done");
    store.commit("p", 0.6);
    await vi.advanceTimersByTimeAsync(100);
    expect(store.view.status.value).toBe("done");
    await vi.advanceTimersByTimeAsync(100);
    expect(store.view.status.value).toBe("running");
    model.set("generation", 2);
    expect(store.view.status.value).toBe("done");
    store.ask({ type: "run" });
    model.emit("msg:custom", { type: "refused", name: "run", message: "No." });
    expect(store.view.status.value).toBe("done");
    store.commit("budget", 512);
    await vi.advanceTimersByTimeAsync(6000);
    expect(store.view.status.value).toBe("done");
    model.set("autorun", false);
    store.commit("budget", 256);
    expect(store.view.status.value).toBe("done");
    store.dispose();
  });

  it("asks to run, and to cancel while it runs", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    view.querySelector<HTMLElement>("[data-action=run]")?.click();
    model.set("status", "running");
    await vi.advanceTimersByTimeAsync(500);
    view.querySelector<HTMLElement>("[data-action=cancel]")?.click();
    expect(model.sent).toEqual([{ type: "run" }, { type: "cancel" }]);
  });

  it.each([
    [{ status: "idle" as const }, "idle"],
    [{ status: "running" as const }, "refining"],
    [{ status: "cancelled" as const }, "cancelled at 2¹⁰"],
    [{ status: "error" as const, error: "The encoder failed." }, "The encoder failed."],
    [{ result: null, graph_data: null, status: "running" as const }, "Encoding the first masked images"],
    [{ result: null, graph_data: null, status: "idle" as const }, "press Run"],
  ])("says how things are: %o", async (changes, words) => {
    expect((await shown(new FakeModel(traits(changes)))).textContent).toContain(words);
  });

  it("keeps what is on screen when something failed", async () => {
    const view = await shown(new FakeModel(traits({ status: "error", error: "The encoder failed." })));
    expect(view.textContent).toContain("last valid result");
    expect(all(view, ".fx-chip")).toHaveLength(2);
  });

  it("keeps a caption that was refused in the editor, with the reason", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    view.querySelector<HTMLElement>(".fx-caption button")?.click();
    await settled();
    const editor = view.querySelector<HTMLInputElement>(".fx-editor input") as HTMLInputElement;
    editor.value = "a very long caption";
    editor.dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    editor.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    await settled();
    expect(document.activeElement).toBe(view.querySelector(".fx-caption button"));
    expect(model.saved).toEqual([{ text: "a very long caption" }]);
    model.emit("msg:custom", { type: "refused", name: "text", message: "The caption is too long." });
    model.set("text", "red dog");
    await settled();
    expect(view.querySelector<HTMLInputElement>(".fx-editor input")?.value).toBe("a very long caption");
    expect(view.querySelector("[data-kind=refusal]")?.textContent).toBe("The caption is too long.");
  });

  it("marks terms that are not identified yet", async () => {
    const identified = { cross: true, text_text: true, image_image: false };
    const result = wireResult({ identified });
    const view = await shown(new FakeModel(traits({ result, view: "heatmap", heatmap_kind: "image_image" })));
    expect(view.querySelector("[data-caveat=identified] [popover]")?.textContent).toContain("fewer masks");
  });

  it("cannot be changed where there is no model to run", async () => {
    const view = await shown(new FakeModel(traits({ live: false })));
    expect(all(view, "[data-action=run], .fx-caption button, input[id$='-p'], input[id$='-budget']")).toEqual(
      [],
    );
    expect(all(view, ".fx-chip")).toHaveLength(2);
  });

  it("leaves nothing behind", async () => {
    const model = new FakeModel();
    const el = document.createElement("div");
    document.body.append(el);
    const cleanUp = render({ model, el });
    await settled();
    cleanUp();
    expect([el.childElementCount, model.handlers]).toEqual([0, 0]);
  });
});

describe("text from outside", () => {
  const payload = '<img src=x onerror="globalThis.hacked = true"><script>globalThis.hacked = true</script>';

  it("is shown as text, never as markup", async () => {
    const state = traits({ text: payload, error: payload, status: "error" });
    const scene = { ...state.scene, model: payload, tokens: [payload, "dog"] };
    const result = wireResult({ tokens: [payload, "dog"], caption: payload });
    const model = new FakeModel({ ...state, scene, result });
    const view = await shown(model);
    model.emit("msg:custom", { type: "refused", name: "p", message: payload });
    await settled();
    expect(view.querySelector("img, script")).toBeNull();
    expect(view.querySelector(".fx-chip")?.textContent).toBe(payload);
    expect(globalThis).not.toHaveProperty("hacked");
  });
});
