import { describe, expect, it, vi } from "vitest";
import { nearest } from "../../src/ui/Slider";
import type { Offline } from "../../src/wire/types";
import { FakeModel, traits, wireResult } from "../fake";
import { all, one, press, settled, shown } from "../mount";

const OFFLINE: Offline = {
  p: [0.3, 0.5, 0.6, 0.9],
  budgets: [256, 1000, 1024],
  pairs: [
    ...[0.3, 0.6, 0.9].map((p) => [p, 1024] as const),
    ...[256, 1000, 1024].map((budget) => [0.5, budget] as const),
  ],
  captions: ["red dog", "blue dog"],
  playable: [0, 1],
  why: "This page has no model.",
};

function slider(view: HTMLElement, name: string): HTMLInputElement {
  return one(view, `input[id$='-${name}']`) as HTMLInputElement;
}

async function drag(input: HTMLInputElement, value: string): Promise<void> {
  input.value = value;
  input.dispatchEvent(new Event("input", { bubbles: true }));
  await settled();
  input.dispatchEvent(new Event("pointerup", { bubbles: true }));
  await settled();
}

async function choose(view: HTMLElement, name: string, value: string): Promise<void> {
  const select = one(view, `select[data-setting=${name}]`) as HTMLSelectElement;
  select.value = value;
  select.dispatchEvent(new Event("change", { bubbles: true }));
  await settled();
}

async function open(view: HTMLElement, panel: string): Promise<void> {
  one(view, `[data-panel=${panel}]`).click();
  await settled();
}

describe("a budget's cost", () => {
  it("is told before it is spent, while the slider is still held", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    expect(one(view, ".fx-controls").textContent).toContain("260 encodings · 8 MB");
    const input = slider(view, "budget");
    input.value = "11";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    expect(one(view, ".fx-controls").textContent).toContain("516 encodings · 8 MB");
    expect(input.getAttribute("aria-valuetext")).toBe("2¹¹, 516 encodings · 8 MB");
    expect(model.saved).toEqual([]);
  });
});

describe("a slider", () => {
  it("commits its value although its tab is left before it rests", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    const input = slider(view, "subset");
    input.value = "3";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    one(view, "[data-view=table]").click();
    await settled();
    expect(model.get("subset_size")).toBe(3);
  });
});

describe("a double click", () => {
  it.each([
    { press: "run", back: "cancel", changes: {} },
    { press: "cancel", back: "run", changes: { status: "running" as const } },
  ])("on $press does not also ask for $back", async ({ press: name, back, changes }) => {
    const model = new FakeModel(traits(changes));
    const view = await shown(model);
    one(view, `[data-action=${name}]`).click();
    model.set("status", name === "run" ? "running" : "cancelled");
    await vi.advanceTimersByTimeAsync(200);
    one(view, `[data-action=${back}]`).click();
    expect(model.sent).toEqual([{ type: name }]);
    await vi.advanceTimersByTimeAsync(400);
    one(view, `[data-action=${back}]`).click();
    expect(model.sent).toEqual([{ type: name }, { type: back }]);
  });
});

describe("a method that does not use p or budget", () => {
  const state = () => traits({ method: "grad_eclip", order: 1 });

  it("leaves their sliders grey, with the reason beside them", async () => {
    const view = await shown(new FakeModel(state()));
    for (const name of ["p", "budget"]) {
      expect(slider(view, name).disabled).toBe(true);
      expect(slider(view, name).getAttribute("aria-valuetext")).toContain("not used by Grad-ECLIP");
    }
    expect(all(view, ".fx-note").map((note) => note.textContent)).toEqual(
      Array(2).fill("not used by Grad-ECLIP"),
    );
  });

  it("is not said to depend on them in the footer either", async () => {
    const result = wireResult({ method: "grad_eclip", order: 1 });
    const view = await shown(new FakeModel({ ...state(), result }));
    expect(one(view, ".fx-footer").textContent).toContain("Grad-ECLIP · seed 0");
    expect(one(view, ".fx-footer").textContent).not.toMatch(/p = |evaluations/);
  });

  it("offers its own orders alone", async () => {
    const view = await shown(new FakeModel(state()));
    await open(view, "settings");
    const order = one(view, "select[data-setting=order]") as HTMLSelectElement;
    expect([order.disabled, order.options.length]).toEqual([true, 1]);
    expect(one(view, ".fx-settings").textContent).toContain("Grad-ECLIP, has no interactions");
  });
});

describe("masks that the model saw", () => {
  const examples = { p: 0.5, masks: ["101101", "010010"] };

  it("are drawn with their removed patches covered and their removed tokens struck", async () => {
    const view = await shown(new FakeModel(traits({ examples })));
    one(view, "[data-action=examples]").click();
    await settled();
    const [first, second] = all(view, ".fx-examples li");
    expect(first?.querySelector("path")?.getAttribute("d")).toBe("M1 0h1v1h-1z");
    expect(second?.querySelector("path")?.getAttribute("d")).toBe("M0 0h1v1h-1zM0 1h1v1h-1zM1 1h1v1h-1z");
    expect(all(first as HTMLElement, "[data-kept=false]").map((word) => word.textContent)).toEqual(["red"]);
    expect(first?.textContent).toContain("3 of 4 patches kept; tokens kept: dog");
  });

  it("say at which p they were drawn, also while p is another already", async () => {
    const view = await shown(new FakeModel(traits({ examples, p: 0.7 })));
    expect(one(view, ".fx-strip").textContent).toContain("at p = 0.5");
  });

  it("take their room before they are there", async () => {
    const view = await shown(new FakeModel(traits({ examples: null })));
    expect(all(view, ".fx-strip .fx-masked")).toHaveLength(4);
  });
});

describe("undo", () => {
  it("says what it takes back, and asks for it by button and by key", async () => {
    const model = new FakeModel(traits({ undoable: "p 0.5 → 0.7" }));
    const view = await shown(model);
    const button = one(view, "[data-action=undo]");
    expect(button.title).toBe("Undo p 0.5 → 0.7");
    button.click();
    await press(one(view, ".fx-chip"), "z", { ctrlKey: true });
    await press(one(view, ".fx-chip"), "z", { metaKey: true });
    expect(model.sent).toEqual(Array(3).fill({ type: "undo" }));
  });

  it("leaves typing alone, and does nothing where there is nothing to take back", async () => {
    const model = new FakeModel(traits({ undoable: "p 0.5 → 0.7" }));
    const view = await shown(model);
    one(view, ".fx-caption button").click();
    await settled();
    await press(one(view, ".fx-editor input"), "z", { ctrlKey: true });
    model.set("undoable", "");
    await settled();
    await press(one(view, ".fx-patch"), "z", { ctrlKey: true });
    expect(model.sent).toEqual([]);
    expect((one(view, "[data-action=undo]") as HTMLButtonElement).disabled).toBe(true);
  });
});

describe("rarely used settings", () => {
  it("are out of sight until they are asked for", async () => {
    const view = await shown(new FakeModel());
    expect(all(view, "select[data-setting=method], select[data-setting=palette]")).toEqual([]);
    await open(view, "settings");
    expect(one(view, "[data-panel=settings]").getAttribute("aria-expanded")).toBe("true");
    expect(all(view, "select[data-setting=method], select[data-setting=palette]")).toHaveLength(2);
  });

  it("set the traits of their names", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    await open(view, "settings");
    await choose(view, "method", "grad_eclip");
    await choose(view, "method", "banzhaf");
    await choose(view, "order", "3");
    await choose(view, "palette", "safe");
    await choose(view, "theme", "dark");
    one(view, "[data-action=reset]").click();
    expect(model.saved).toEqual([
      { method: "grad_eclip" },
      { method: "banzhaf" },
      { order: 3 },
      { palette: "safe" },
      { theme: "dark" },
    ]);
    expect(view.dataset.theme).toBe("dark");
    expect(model.sent).toEqual([{ type: "reset" }]);
  });
});

describe("a page without a model", () => {
  const state = () => traits({ live: false, offline: OFFLINE });
  const absent = (view: HTMLElement) =>
    all(view, ".fx-ticks [data-absent=true]").map((tick) => tick.textContent);

  it("crosses out each p that has other budgets than the shown one, and names them while it is chosen", async () => {
    const view = await shown(new FakeModel(state()));
    expect(absent(view)).toEqual([]);
    const other = await shown(new FakeModel({ ...state(), budget: 256 }));
    expect(absent(other)).toEqual([".3", ".6", ".9"]);
    expect(one(other, ".fx-controls").textContent).toContain("computed in advance; only at p = 0.5");
    const input = slider(other, "p");
    input.value = "0.6";
    input.dispatchEvent(new Event("input", { bubbles: true }));
    await settled();
    expect(input.closest(".fx-slider")?.querySelector(".fx-note")?.textContent).toBe("only with 2¹⁰");
  });

  it("names the p that has more budgets than the shown one, and crosses these out", async () => {
    const offline = { ...OFFLINE, budgets: [1000, 1024] };
    const view = await shown(new FakeModel({ ...state(), p: 0.3, offline }));
    expect(absent(view)).toEqual(["2⁸"]);
    expect(one(view, ".fx-controls").textContent).toContain("computed in advance; other budgets at p = 0.5");
    const single = { ...OFFLINE, budgets: [1024] };
    const fixed = await shown(new FakeModel({ ...state(), p: 0.3, offline: single }));
    expect(one(fixed, "[data-fixed$=-budget]").textContent).toContain("other budgets at p = 0.5");
  });

  it("shows a setting with a single value as text", async () => {
    const offline = { ...OFFLINE, p: [0.5] };
    const view = await shown(new FakeModel(traits({ live: false, offline })));
    expect(all(view, "input[id$='-p']")).toEqual([]);
    expect(one(view, "[data-fixed$='-p']").textContent).toContain("keep probability p = 0.5");
    expect(slider(view, "budget").disabled).toBe(false);
  });

  it("keeps its sliders to what was computed beforehand", async () => {
    const model = new FakeModel(state());
    const view = await shown(model);
    await drag(slider(view, "p"), "0.8");
    await drag(slider(view, "budget"), "8.4");
    expect(model.saved).toEqual([{ p: 0.9 }, { budget: 256 }]);
    await drag(slider(view, "budget"), String(Math.log2(990)));
    expect(model.saved.at(-1)).toEqual({ budget: 1000 });
  });

  it("goes from one to the next by key", async () => {
    const model = new FakeModel(state());
    const view = await shown(model);
    for (const key of ["ArrowRight", "ArrowRight", "Home", "ArrowLeft", "End"]) {
      await press(slider(view, "p"), key);
    }
    await settled();
    await settled();
    await settled();
    expect(model.saved).toEqual([{ p: 0.9 }]);
    await press(slider(view, "p"), "ArrowLeft");
    slider(view, "p").dispatchEvent(new Event("pointerup", { bubbles: true }));
    expect(model.saved.at(-1)).toEqual({ p: 0.6 });
  });

  it("offers its captions, and says why nothing else can be asked", async () => {
    const model = new FakeModel(state());
    const view = await shown(model);
    await choose(view, "text", "blue dog");
    expect(model.saved).toEqual([{ text: "blue dog" }]);
    expect(all(view, ".fx-editor, .fx-caption button, [data-action=run]")).toEqual([]);
    await open(view, "settings");
    expect((one(view, "select[data-setting=method]") as HTMLSelectElement).disabled).toBe(true);
    expect(one(view, ".fx-settings").textContent).toContain(OFFLINE.why);
    expect(one(view, ".fx-facts").textContent).toContain(OFFLINE.why);
  });

  it("does not wait for a kernel", async () => {
    const model = new FakeModel(state());
    const view = await shown(model);
    await drag(slider(view, "p"), "0.3");
    expect(view.dataset.status).toBe("done");
  });
});

describe("the nearest stop", () => {
  it.each([
    [0.1, 0.3],
    [0.54, 0.5],
    [0.8, 0.9],
    [2, 0.9],
  ])("of %d is %d", (value, stop) => {
    expect(nearest(OFFLINE.p, value)).toBe(stop);
  });
});
