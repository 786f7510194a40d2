import { afterEach, describe, expect, it, vi } from "vitest";
import { axis } from "../../src/lib/axes";
import { labelled, reading, scaleOf } from "../../src/panels/playground/Playground";
import { FakeModel, picture, traits, wireArray, wireResult } from "../fake";
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
    await open(view, "playground");
    expect(opened()).toEqual(["playground"]);
    expect(one(view, ".fx-panel-content").getAttribute("aria-label")).toContain("ask the model");
    await open(view, "playground");
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
    expect(words(view, ".fx-measures b")).toEqual(["0.90", "–", "−0.25", "100"]);
  });

  it("draws the error over the encodings, with as many points, and says it in words", async () => {
    const view = await shown(new FakeModel(traits({ convergence })));
    await open(view, "trust");
    expect(all(view, ".fx-convergence circle")).toHaveLength(3);
    expect(one(view, ".fx-convergence svg").getAttribute("aria-label")).toContain(
      "fell from 0.80 logits at 64 image encodings to 0.20 at 256",
    );
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

describe("the playground", () => {
  const masking = { name: "blur", says: "Removed pixels come from the blurred picture.", blank: picture() };
  const played = { generation: 1, removed: [0, 5], value: 3.5, prediction: 3.25, picture: null, why: "" };

  it("hides what is clicked while its tool is “hide”, and selects again once it is closed", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    await open(view, "playground");
    one(view, "[data-choice=hide]").click();
    await settled();
    one(view, ".fx-chip[data-player='5']").click();
    expect([model.get("removed"), model.get("selection")]).toEqual([[5], []]);
    await open(view, "playground");
    one(view, ".fx-chip[data-player='4']").click();
    expect([model.get("removed"), model.get("selection")]).toEqual([[5], [4]]);
  });

  it("lists what is hidden, shows one of it again, or everything", async () => {
    const model = new FakeModel(traits({ removed: [0, 5] }));
    const view = await shown(model);
    await open(view, "playground");
    expect(words(view, "[data-shows]")).toEqual(["patch (1, 1)", "“dog”"]);
    one(view, "[data-shows='0']").click();
    await settled();
    expect(model.get("removed")).toEqual([5]);
    one(view, "[data-action=show-all]").click();
    expect(model.get("removed")).toEqual([]);
  });

  it("shows the model's value beside the prediction, and how far that is off", async () => {
    const view = await shown(new FakeModel(traits({ removed: [0, 5], played })));
    await open(view, "playground");
    expect(words(view, ".fx-value b")).toEqual(["3.50", "3.25"]);
    expect(one(view, ".fx-values [role=status]").textContent).toBe("Error of the prediction: −0.25 logits.");
    expect(words(view, ".fx-marks span")).toEqual(["all hidden 1.50", "all kept 12.5"]);
  });

  it("shows what the encoder sees: at once as the view makes it, then as the kernel sends it", async () => {
    const model = new FakeModel(traits({ scene: { ...traits().scene, image: picture(), masking } }));
    const view = await shown(model);
    await open(view, "playground");
    const seen = () => one(view, ".fx-seen [role=img]");
    const area = () => seen().querySelector("clipPath path")?.getAttribute("d");
    expect([seen().dataset.from, area()]).toEqual(["view", ""]);
    model.set("removed", [1, 2, 4]);
    await settled();
    expect([seen().dataset.from, area()]).toEqual(["view", "M1 0h1v1h-1zM0 1h1v1h-1z"]);
    expect(seen().getAttribute("aria-label")).toContain("2 of 4 patches hidden");
    model.set("played", { ...played, removed: [1, 2, 4], picture: picture() });
    await settled();
    expect([seen().dataset.from, all(seen(), "img").length]).toEqual(["model", 1]);
    model.set("removed", [1]);
    await settled();
    expect([seen().dataset.from, area()]).toEqual(["view", "M1 0h1v1h-1z"]);
  });

  it("says which masking is in force, here, in the footer and beside the masks", async () => {
    const scene = { ...traits().scene, masking };
    const examples = { p: 0.5, masks: ["101101"] };
    const view = await shown(new FakeModel(traits({ scene, examples })));
    for (const panel of ["playground", "examples"]) {
      await open(view, panel);
      expect(one(view, "[data-masking=blur]").textContent).toBe(`Masking “blur”. ${masking.says}`);
    }
    expect(one(view, ".fx-footer").textContent).toContain("masking blur");
  });

  it("claims no masking where it is not known", async () => {
    const view = await shown(new FakeModel());
    await open(view, "playground");
    expect(all(view, "[data-masking], .fx-seen")).toEqual([]);
    expect(one(view, ".fx-footer").textContent).not.toContain("masking");
  });

  it("does not show values of an earlier result beside the present one", async () => {
    const model = new FakeModel(traits({ removed: [0, 5], played }));
    const view = await shown(model);
    one(view, "[data-panel=playground]").click();
    await settled();
    const values = () => all(view, ".fx-value b").map(({ textContent }) => textContent);
    const before = values();
    model.set("result", wireResult({ generation: 2 }));
    await settled();
    expect(values()).not.toEqual(before);
    expect(one(view, ".fx-values").getAttribute("aria-busy")).toBe("true");
    model.set("played", { ...played, generation: 2 });
    await settled();
    expect(values()).toEqual(before);
  });

  it("waits for the answer to just this question", async () => {
    const model = new FakeModel(traits({ removed: [0], played }));
    const view = await shown(model);
    await open(view, "playground");
    expect(words(view, ".fx-value b")).toEqual(["…", "…"]);
    expect(one(view, ".fx-values").getAttribute("aria-busy")).toBe("true");
    model.set("played", { ...played, removed: [0], value: null });
    await settled();
    expect(words(view, ".fx-value b")).toEqual(["…", "3.25"]);
    model.set("played", { ...played, removed: [0] });
    await settled();
    expect(words(view, ".fx-value b")).toEqual(["3.50", "3.25"]);
  });

  it("says why there is no value where there is no model", async () => {
    const why = "This page has no model.";
    const view = await shown(
      new FakeModel(traits({ removed: [0, 5], played: { ...played, value: null, why } })),
    );
    await open(view, "playground");
    expect(words(view, ".fx-value b")).toEqual(["–", "3.25"]);
    expect(one(view, ".fx-values [role=status]").textContent).toBe(why);
  });

  it("has no prediction beside the value where a method’s numbers are no logits", async () => {
    const result = wireResult({ method: "grad_eclip", in_logits: false });
    const model = new FakeModel(traits({ result, removed: [0, 5], played: { ...played, prediction: null } }));
    const view = await shown(model);
    await open(view, "playground");
    expect(words(view, ".fx-value b")).toEqual(["3.50", "–"]);
    const said = () => one(view, ".fx-values [role=status]").textContent;
    expect(said()).toMatch(/^\s*This method makes no prediction/);
    model.set("removed", []);
    await settled();
    expect(said()).toContain("this is the whole pair. This method makes no prediction");
  });

  it("shows the whole pair while nothing is hidden", () => {
    expect(reading(null, [], 12.5)).toMatchObject({ value: 12.5, waiting: false });
    expect(reading({ ...played, removed: [] }, [], 12.5)).toMatchObject({ value: 3.5, prediction: 3.25 });
  });

  it("has zero and every value on its scale, in their order", () => {
    const { share } = scaleOf([-2, null, 8, 3]);
    const shares = [-2, 0, 3, 8].map(share);
    expect([...shares].sort((a, b) => a - b)).toEqual(shares);
    expect(shares[0]).toBe(0);
    expect(shares.at(-1)).toBeLessThanOrEqual(100);
    expect(scaleOf([]).share(0)).toBe(0);
  });

  it("labels marks where no label lies over a line or beyond the ends", () => {
    const label = 29; // percent of the bars in a narrow view
    const share = (value: number) => value;
    for (let low = 0; low <= 96; low += 1) {
      for (let high = low; high <= 96; high += 1) {
        const marks = [
          { name: "high", at: high },
          { name: "low", at: low },
        ];
        const [upper, lower] = labelled(marks, { share }).map(({ at, side }) => ({
          at,
          from: side === "end" ? at - label : at,
          to: side === "end" ? at : at + label,
        }));
        expect(Math.min(upper?.from ?? -1, lower?.from ?? -1)).toBeGreaterThanOrEqual(0);
        expect(Math.max(upper?.to ?? 101, lower?.to ?? 101)).toBeLessThanOrEqual(100);
        const crossed = lower && upper && lower.at > upper.from && lower.at < upper.to;
        expect(crossed).toBe(false);
      }
    }
  });
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
    expect(one(view, ".fx-scale").textContent).toContain(
      "±10.0 · tokens ±40.0 logits · same scale for A and B",
    );
    const result = wireResult({ method: "grad_eclip", in_logits: false });
    const other = await shown(new FakeModel(traits({ result, pinned: { ...pinned, result: larger } })));
    expect(one(other, ".fx-scale").textContent).toContain("±2.00 · tokens ±4.00");
    expect(one(other, ".fx-scale").textContent).not.toMatch(/logits|same scale/);
    expect(one(other, "[data-choice=difference]").title).toContain("not both in logits");
  });

  it("has no scale where nothing is coloured", async () => {
    const result = wireResult({ method: "exclip", main: wireArray(Array(6).fill(0), [6]) });
    const view = await shown(new FakeModel(traits({ result })));
    expect(one(view, ".fx-readout").textContent).toContain("no main effects");
    expect(one(view, ".fx-scale").style.visibility).toBe("hidden");
    one(view, ".fx-chip").focus();
    await settled();
    expect(one(view, ".fx-scale").style.visibility).toBe("visible");
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
