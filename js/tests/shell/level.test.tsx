import { afterEach, describe, expect, it, vi } from "vitest";
import { FakeModel, traits, wireResult } from "../fake";
import { all, one, press, settled, shown } from "../mount";

const OF_ALL = ".fx-views, .fx-panels, .fx-footer, .fx-facts, input[id$='-budget']";

async function turn(view: HTMLElement): Promise<void> {
  one(view, "[data-action=level]").click();
  await settled();
}

describe("the level", () => {
  afterEach(() => localStorage.clear());

  it("is simple for newcomers: picture, words, p, the finding and the trust", async () => {
    const view = await shown(new FakeModel(traits({ level: "auto" })));
    expect(view.dataset.level).toBe("simple");
    expect(all(view, OF_ALL)).toEqual([]);
    expect(all(view, ".fx-patch")).toHaveLength(4);
    expect(all(view, ".fx-chip").map(({ textContent }) => textContent)).toEqual(["red", "dog"]);
    for (const part of ["input[id$='-p']", ".fx-sentence", ".fx-trust-word", "[data-action=hide]"]) {
      expect(all(view, part), part).toHaveLength(1);
    }
  });

  it("shows all controls and less again with the same button, and keeps its focus", async () => {
    const model = new FakeModel(traits({ level: "auto" }));
    const view = await shown(model);
    const button = one(view, "[data-action=level]");
    button.focus();
    await turn(view);
    expect([view.dataset.level, model.get("level")]).toEqual(["all", "all"]);
    expect(all(view, OF_ALL)).toHaveLength(5);
    expect(document.activeElement).toBe(one(view, "[data-action=level]"));
    await turn(view);
    expect([view.dataset.level, model.get("level")]).toEqual(["simple", "simple"]);
  });

  it("is remembered for new widgets, unless Python or the saved widget chose one", async () => {
    await turn(await shown(new FakeModel(traits({ level: "auto" }))));
    expect((await shown(new FakeModel(traits({ level: "auto" })))).dataset.level).toBe("all");
    expect((await shown(new FakeModel(traits({ level: "simple" })))).dataset.level).toBe("simple");
  });

  it("is remembered only if the user chose it on screen", async () => {
    const model = new FakeModel(traits({ level: "all" }));
    await shown(model);
    model.set("level", "simple");
    model.set("level", "all");
    await settled();
    expect((await shown(new FakeModel(traits({ level: "auto" })))).dataset.level).toBe("simple");
  });

  it("works where the browser keeps nothing", async () => {
    vi.spyOn(Storage.prototype, "getItem").mockImplementation(() => {
      throw new DOMException("denied", "SecurityError");
    });
    vi.spyOn(Storage.prototype, "setItem").mockImplementation(() => {
      throw new DOMException("denied", "SecurityError");
    });
    const view = await shown(new FakeModel(traits({ level: "auto" })));
    await turn(view);
    expect(view.dataset.level).toBe("all");
  });

  it("is simple in old notebooks, which have none", async () => {
    const view = await shown(new FakeModel(traits({ level: undefined as never })));
    expect(view.dataset.level).toBe("simple");
  });

  it("shows words' colours at the simple level, where they cannot be chosen", async () => {
    const result = wireResult({ patch_words: [1, -1, 0, 0] });
    const options = { ...traits().options, word_colors: ["#2266cc", "#cc2244"] };
    const view = await shown(new FakeModel(traits({ result, options })));
    one(view, "[data-choice=main]").click();
    await settled();
    expect(all(view, ".fx-patch[data-word]")).toEqual([]);
    await turn(view);
    expect(all(view, ".fx-patch[data-word]")).toHaveLength(3);
  });

  it("still lets a word be selected at the simple level", async () => {
    const model = new FakeModel(traits({ level: "simple" }));
    const view = await shown(model);
    one(view, ".fx-chip[data-player='5']").click();
    await settled();
    expect(model.get("selection")).toEqual([5]);
    expect(one(view, ".fx-patch[data-player='0']").dataset.value).toBe("2");
    await press(one(view, ".fx-chip[data-player='5']"), "Escape");
    expect(model.get("selection")).toEqual([]);
  });
});
