import { afterEach, describe, expect, it, vi } from "vitest";
import { axis } from "../../src/lib/axes";
import { FakeModel, traits, wireArray, wireResult } from "../fake";
import { all, focus, one, settled, shown } from "../mount";

async function open(view: HTMLElement, panel: string): Promise<void> {
  one(view, `[data-panel=${panel}]`).click();
  await settled();
}

function words(view: HTMLElement, selector: string): (string | null)[] {
  return all(view, selector).map((element) => element.textContent);
}

describe("panels", () => {
  it("are open one at a time, and closed by their own name", async () => {
    const view = await shown(new FakeModel());
    const opened = () => all(view, "[data-panel][aria-expanded=true]").map((button) => button.dataset.panel);
    expect(opened()).toEqual([]);
    await open(view, "trust");
    await open(view, "settings");
    expect(opened()).toEqual(["settings"]);
    expect(one(view, ".fx-panel-content").getAttribute("aria-label")).toContain("theme");
    await open(view, "settings");
    expect(opened()).toEqual([]);
    expect(one(view, ".fx-panel-content").hidden).toBe(true);
  });
});

describe("the finding", () => {
  const sentence = (view: HTMLElement) => one(view, ".fx-sentence p").textContent;

  it("is that of the active player, else that of the whole explanation", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    expect(sentence(view)).toBe("3 interactions are significant");
    await focus(one(view, ".fx-chip[data-player='4']"));
    expect(sentence(view)).toBe("No interaction of “red” differs significantly from 0");
    model.set("selection", [5]);
    await settled();
    expect(sentence(view)).toBe("“dog” interacts positively with 2 patches");
    model.set("selection", [4, 5]);
    await settled();
    expect(sentence(view)).toBe("3 interactions are significant");
  });

  it("has its first sentence apart, and no full stop inside a number ends one", async () => {
    const findings = ["The sum is 1.5 logits. It is certain. So be it."];
    const view = await shown(new FakeModel(traits({ result: wireResult({ findings }) })));
    expect(one(view, ".fx-sentence b").textContent).toBe("The sum is 1.5 logits.");
    expect(sentence(view)).toBe(findings[0]);
  });

  it("is heard for what is selected, not for what the pointer passes", async () => {
    const view = await shown(new FakeModel());
    const heard = one(view, ".fx-finding [role=status]");
    await focus(one(view, ".fx-chip[data-player='5']"));
    expect(heard.textContent).toBe("");
    one(view, ".fx-chip[data-player='5']").click();
    await settled();
    expect(heard.textContent).toBe("“dog” interacts positively with 2 patches");
  });
});

describe("trust", () => {
  const convergence = [64, 128, 256].map((images, index) => ({
    budget: 2 ** (8 + index),
    image_encodes: images,
    error: 0.8 / 2 ** index,
  }));

  it("shows what is measured, and a dash for what is not", async () => {
    const view = await shown(new FakeModel(traits({ result: wireResult({ spearman: null }) })));
    await open(view, "trust");
    expect(words(view, ".fx-measures b")).toEqual(["0.90", "–", "−0.25", "–", "100"]);
  });

  it("draws the error over the encodings, with as many points, and says it in words", async () => {
    const view = await shown(new FakeModel(traits({ convergence })));
    await open(view, "trust");
    expect(all(view, ".fx-convergence circle")).toHaveLength(3);
    expect(one(view, ".fx-convergence svg").getAttribute("aria-label")).toContain(
      "fell from 0.80 logits at 64 image encodings to 0.20 at 256",
    );
  });

  it("is of interactions between patches for an explanation without words", async () => {
    const scene = { ...traits().scene, tokens: [] };
    const view = await shown(
      new FakeModel(traits({ convergence, scene, result: wireResult({ tokens: [] }) })),
    );
    await open(view, "trust");
    const named = "typical standard error of an interaction of two patches";
    expect(one(view, ".fx-convergence figcaption").textContent).toBe(`${named}, in logits`);
    expect(one(view, ".fx-measures").textContent).toContain(`${named}, relative to the largest one`);
  });

  it("fits the curve to the panel, also if it was open before the second result", async () => {
    vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue(new DOMRect(0, 0, 520, 200));
    const model = new FakeModel(traits({ convergence: convergence.slice(0, 1) }));
    const view = await shown(model);
    one(view, "[data-panel=trust]").click();
    await settled();
    model.set("convergence", convergence);
    await settled();
    expect(one(view, ".fx-convergence svg").getAttribute("viewBox")).toMatch(/^0 0 520 /);
  });

  it("has no curve of one point", async () => {
    const view = await shown(new FakeModel(traits({ convergence: convergence.slice(0, 1) })));
    await open(view, "trust");
    expect(all(view, ".fx-convergence")).toHaveLength(0);
  });

  it("has axes on which equal factors are equally long", () => {
    const { at, ticks } = axis([10, 1000], 0, 100);
    expect(at(100) - at(10)).toBeCloseTo(at(1000) - at(100));
    expect(at(10)).toBeGreaterThan(0);
    expect(at(1000)).toBeLessThan(100);
    expect(ticks).toEqual([10, 100, 1000]);
  });

  it.each([[[0.11, 0.13]], [[3, 40]], [[0.001, 900]], [[5, 5]]])(
    "has one to five marks on the axis of %o",
    (values) => {
      const { at, ticks } = axis(values, 0, 100);
      expect(ticks.length).toBeGreaterThanOrEqual(1);
      expect(ticks.length).toBeLessThanOrEqual(5);
      expect(ticks.every((tick) => at(tick) >= 0 && at(tick) <= 100)).toBe(true);
    },
  );
});

describe("comparing", () => {
  const pinned = { label: "“a red cat” · Banzhaf · p 0.5", result: wireResult({ caption: "red cat" }) };
  const difference = {
    result: wireResult({ main: wireArray([1, 1, 1, 1, 1, 9], [6]), findings: [] }),
    unmatched: [5],
  };

  it("begins with a pin, and then offers A, B and B − A", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    one(view, "[data-action=pin]").click();
    expect(model.sent).toEqual([{ type: "pin" }]);
    model.set("pinned", pinned);
    model.set("difference", difference);
    await settled();
    expect(words(view, ".fx-compare [data-choice]")).toEqual(["A", "B", "B − A"]);
    expect(one(view, ".fx-pinned").textContent).toBe(`A: ${pinned.label}`);
    one(view, "[data-choice=difference]").click();
    await settled();
    expect(model.get("shown")).toBe("difference");
    expect(one(view, "[data-choice=difference]").getAttribute("aria-pressed")).toBe("true");
    expect(view.dataset.shown).toBe("difference");
    one(view, "[data-action=unpin]").click();
    expect(model.sent.at(-1)).toEqual({ type: "unpin" });
  });

  it("says what a difference is, and that players without a counterpart count as 0", async () => {
    const view = await shown(new FakeModel(traits({ pinned, difference, shown: "difference" })));
    const sentence = one(view, ".fx-sentence p").textContent;
    expect(sentence).toContain(pinned.label);
    expect(one(view, ".fx-facts").textContent).not.toContain("residual");
    expect(sentence).toContain("1 player of B is not in A; its value in A counts as 0.");
  });

  it("speaks of A while A is shown: its caption, which is not to be edited, p and code", async () => {
    const result = wireResult({ caption: "red cat", p: 0.3, code: "fx.explain(a, p=0.3)" });
    const view = await shown(new FakeModel(traits({ pinned: { ...pinned, result }, difference })));
    expect(one(view, ".fx-caption").textContent).toBe("red dog");
    one(view, "[data-choice=pinned]").click();
    await settled();
    expect(one(view, ".fx-caption").textContent).toBe("red cat");
    expect(all(view, ".fx-caption button")).toEqual([]);
    expect(one(view, ".fx-footer").textContent).toContain("at p = 0.3");
    vi.stubGlobal("navigator", {});
    one(view, "[data-action=copy-code]").click();
    await settled();
    expect((one(view, "textarea") as HTMLTextAreaElement).value).toBe("fx.explain(a, p=0.3)");
    vi.unstubAllGlobals();
  });

  it("has one scale for A and B where both are in logits, and one for each where they are not", async () => {
    const larger = wireResult({ main: wireArray([10, 0, 0, 0, 0, 40], [6]) });
    const view = await shown(new FakeModel(traits({ pinned: { ...pinned, result: larger } })));
    expect(words(view, ".fx-scale")).toEqual(["patches−+±10.0 logits", "tokens−+±40.0 logits"]);
    expect(one(view, ".fx-scales").textContent).toContain("same scale for A and B");
    const result = wireResult({ method: "grad_eclip", in_logits: false });
    const other = await shown(new FakeModel(traits({ result, pinned: { ...pinned, result: larger } })));
    expect(words(other, ".fx-scale")).toEqual(["patches−+±2.00", "tokens−+±4.00"]);
    expect(one(other, ".fx-scales").textContent).not.toMatch(/logits|same scale/);
    expect(one(other, "[data-choice=difference]").title).toContain("not both in logits");
  });

  it("has no scale where nothing is coloured", async () => {
    const result = wireResult({ method: "exclip", main: wireArray(Array(6).fill(0), [6]) });
    const view = await shown(new FakeModel(traits({ result })));
    expect(one(view, ".fx-readout").textContent).toContain("no main effects");
    expect(one(view, ".fx-scales").style.visibility).toBe("hidden");
    one(view, ".fx-chip").focus();
    await settled();
    expect(one(view, ".fx-scales").style.visibility).toBe("visible");
  });

  it("has no difference to show before the kernel has one", async () => {
    const view = await shown(new FakeModel(traits({ pinned })));
    expect((one(view, "[data-choice=difference]") as HTMLButtonElement).disabled).toBe(true);
  });
});

describe("the footer", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("says what was computed from how many encodings", async () => {
    const view = await shown(new FakeModel());
    expect(one(view, ".fx-footer").textContent).toContain(
      "Weighted Banzhaf at p = 0.5 · 1,024 evaluations from 256 image + 4 text encodings · seed 0",
    );
  });

  it("shows the provenance when asked", async () => {
    const view = await shown(new FakeModel());
    expect(one(view, ".fx-provenance").hidden).toBe(true);
    one(view, "[data-action=provenance]").click();
    await settled();
    expect(words(view, ".fx-provenance div")).toEqual(["modeltiny · test"]);
  });

  it("copies the code to the clipboard", async () => {
    const copied: string[] = [];
    vi.stubGlobal("navigator", { clipboard: { writeText: async (text: string) => void copied.push(text) } });
    const view = await shown(new FakeModel());
    one(view, "[data-action=copy-code]").click();
    await settled();
    expect(copied).toEqual(["fx.explain(image, caption)"]);
    expect(one(view, "[data-action=copy-code]").textContent).toBe("Copied");
    expect(all(view, "textarea")).toEqual([]);
  });

  it.each([
    ["there is no clipboard", {}],
    [
      "the page may not use it",
      { clipboard: { writeText: () => Promise.reject(new DOMException("no", "NotAllowedError")) } },
    ],
  ])("shows the code to be copied where %s", async (_why, navigator) => {
    vi.stubGlobal("navigator", navigator);
    const view = await shown(new FakeModel());
    one(view, "[data-action=copy-code]").click();
    await settled();
    expect((one(view, "textarea") as HTMLTextAreaElement).value).toBe("fx.explain(image, caption)");
  });
});
