/** The menu of downloads: by keyboard, and what the files are called. */

import { describe, expect, it, vi } from "vitest";
import { fileName, fileState, fileTitle } from "../../src/downloads/naming";
import { createStore } from "../../src/state/store";
import { FakeModel, traits, wireResult } from "../fake";
import { all, one, press, settled, shown } from "../mount";

const button = (view: HTMLElement) => one(view, "[data-action=download]");
const items = (view: HTMLElement) => all(view, "[role=menuitem]").map(({ dataset }) => dataset.item);
const focused = () =>
  (document.activeElement as HTMLElement | null)?.dataset.item ?? document.activeElement?.ariaLabel;

describe("the menu", () => {
  it("opens with the first or the last entry, and arrow keys go round", async () => {
    const view = await shown(new FakeModel());
    await press(button(view), "ArrowDown");
    expect(items(view)).toEqual(["picture-svg", "picture-png", "graph-svg", "graph-png", "csv"]);
    expect(focused()).toBe("picture-svg");
    await press(document.activeElement as Element, "ArrowUp");
    expect(focused()).toBe("csv");
    await press(document.activeElement as Element, "Home");
    await press(document.activeElement as Element, "ArrowDown");
    expect(focused()).toBe("picture-png");
    await press(document.activeElement as Element, "Escape");
    expect(items(view)).toEqual([]);
    expect(document.activeElement).toBe(button(view));
    await press(button(view), "ArrowUp");
    expect(focused()).toBe("csv");
  });

  it("keeps the selection when Escape closes it", async () => {
    const model = new FakeModel(traits({ selection: [5] }));
    const view = await shown(model);
    await press(button(view), "ArrowDown");
    await press(document.activeElement as Element, "Escape");
    expect(view.dataset.selection).toBe("5");
  });

  it("has no graph for a method without interactions, and says why", async () => {
    const view = await shown(new FakeModel(traits({ result: wireResult({ order: 1 }) })));
    button(view).click();
    await settled();
    const graph = one(view, "[data-item=graph-svg]");
    expect(graph.ariaDisabled ?? graph.getAttribute("aria-disabled")).toBe("true");
    expect(graph.textContent).toContain("no interactions");
  });

  it("says whether the table has all terms", async () => {
    const triples = [{ players: [0, 1, 5], value: -0.25, se: 0.125, significant: true }] as const;
    const labels = [];
    for (const result of [wireResult(), wireResult({ order: 3, triples })]) {
      const view = await shown(new FakeModel(traits({ result })));
      button(view).click();
      await settled();
      labels.push(one(view, "[data-item=csv]").textContent);
    }
    expect(labels).toEqual(["All 22 terms, CSV", "23 terms, CSVonly the 1 strongest of third order"]);
  });

  it("saves the terms of the shown explanation", async () => {
    const view = await shown(new FakeModel());
    const urls = vi.spyOn(URL, "createObjectURL");
    const clicks: string[] = [];
    vi.spyOn(HTMLAnchorElement.prototype, "click").mockImplementation(function (this: HTMLAnchorElement) {
      clicks.push(this.download);
    });
    button(view).click();
    await settled();
    one(view, "[data-item=csv]").click();
    await settled();
    expect(clicks).toEqual(["red-dog_p0.5_1024_terms.csv"]);
    const [file] = urls.mock.calls.at(-1) as [Blob];
    expect((await file.text()).split("\n")).toHaveLength(1 + 1 + 6 + 15 + 1);
    expect(items(view)).toEqual([]);
  });
});

describe("a file's name and title", () => {
  const pinned = { label: "“red cat”, Banzhaf, p = 0.3", result: wireResult({ caption: "red cat", p: 0.3 }) };
  const difference = { result: wireResult(), unmatched: [] };

  it.each([
    ["current", "red-dog_p0.5_1024_B_graph", "B: “red dog”, "],
    ["pinned", "red-cat_p0.3_1024_A_graph", "A: “red cat”, "],
    ["difference", "red-dog_p0.5_1024_B-minus-A_graph", "B − A: “red dog”, "],
  ] as const)("says that it shows %s", (which, name, title) => {
    const store = createStore(new FakeModel(traits({ pinned, difference, shown: which })).asModel);
    expect(fileName(store, "graph")).toBe(name);
    expect(fileTitle(store)).toContain(title);
    expect(fileTitle(store).includes("minus A, “red cat”")).toBe(which === "difference");
    store.dispose();
  });

  it("omits p and budget that the method does not use, and keeps letters of all scripts", () => {
    const result = wireResult({ method: "grad_eclip", order: 1, caption: "كلب, a «dog»!" });
    const store = createStore(new FakeModel(traits({ result })).asModel);
    expect(fileName(store, "picture")).toBe("كلب-a-dog_picture");
    store.dispose();
  });

  it("says what is selected and hidden", () => {
    const store = createStore(new FakeModel(traits({ selection: [5], removed: [0] })).asModel);
    expect(fileState(store)).toContain("Interactions with “dog”; colours end at ±");
    expect(fileState(store)).toContain("Selected: “dog”. Hidden from the model: patch (1, 1).");
    store.dispose();
  });
});
