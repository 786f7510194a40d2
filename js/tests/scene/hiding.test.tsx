import { describe, expect, it } from "vitest";
import { labelled, reading, scaleOf } from "../../src/scene/Values";
import { FakeModel, picture, traits, wireResult } from "../fake";
import { all, one, press, settled, shown } from "../mount";

async function hide(view: HTMLElement): Promise<void> {
  one(view, "[data-action=hide]").click();
  await settled();
}

function words(view: HTMLElement, selector: string): (string | null)[] {
  return all(view, selector).map((element) => element.textContent);
}

describe("hiding", () => {
  const masking = { name: "blur", says: "Removed pixels come from the blurred picture.", blank: picture() };
  const played = { generation: 1, removed: [0, 5], value: 3.5, prediction: 3.25, picture: null, why: "" };

  it("hides a clicked player while “Hide” is on, and selects again after the same button or Escape", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    await hide(view);
    expect(one(view, "[data-action=hide]").getAttribute("aria-pressed")).toBe("true");
    one(view, ".fx-chip[data-player='5']").click();
    expect([model.get("removed"), model.get("selection")]).toEqual([[5], []]);
    await hide(view);
    one(view, ".fx-chip[data-player='4']").click();
    expect([model.get("removed"), model.get("selection")]).toEqual([[5], [4]]);
    await hide(view);
    await press(one(view, ".fx-chip[data-player='4']"), "Escape");
    expect(one(view, "[data-action=hide]").getAttribute("aria-pressed")).toBe("false");
    expect(model.get("selection")).toEqual([4]);
    await press(one(view, ".fx-chip[data-player='4']"), "Escape");
    expect(model.get("selection")).toEqual([]);
  });

  it.each(["simple", "all"] as const)(
    "needs one click, and opens the values beside the picture at level %s",
    async (level) => {
      const model = new FakeModel(traits({ level }));
      const view = await shown(model);
      expect(all(view, ".fx-values, [data-action=show-all]")).toEqual([]);
      await hide(view);
      expect(all(view, ".fx-values")).toHaveLength(1);
      await hide(view);
      model.set("removed", [0, 1, 5]);
      await settled();
      expect(all(view, ".fx-values")).toHaveLength(1);
      one(view, "[data-action=show-all]").click();
      await settled();
      expect([model.get("removed"), all(view, ".fx-values")]).toEqual([[], []]);
    },
  );

  it("lists what is hidden, shows one of it again, or everything", async () => {
    const model = new FakeModel(traits({ removed: [0, 5] }));
    const view = await shown(model);
    await hide(view);
    expect(words(view, "[data-shows]")).toEqual(["patch (1, 1)", "“dog”"]);
    one(view, "[data-shows='0']").click();
    await settled();
    expect(model.get("removed")).toEqual([5]);
    one(view, "[data-action=show-all]").click();
    expect(model.get("removed")).toEqual([]);
  });

  it("shows the model's value beside the prediction, and how far that is off", async () => {
    const view = await shown(new FakeModel(traits({ removed: [0, 5], played })));
    await hide(view);
    expect(words(view, ".fx-value b")).toEqual(["3.50", "3.25"]);
    expect(one(view, ".fx-values [role=status]").textContent).toBe("Error of the prediction: −0.25 logits.");
    expect(words(view, ".fx-marks span")).toEqual(["all hidden 1.50", "all kept 12.5"]);
  });

  it("shows what the encoder sees: at once as the view makes it, then as the kernel sends it", async () => {
    const model = new FakeModel(traits({ scene: { ...traits().scene, image: picture(), masking } }));
    const view = await shown(model);
    await hide(view);
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
    const scene = { ...traits().scene, image: picture(), masking };
    const examples = { p: 0.5, masks: ["101101"] };
    const view = await shown(new FakeModel(traits({ scene, examples })));
    await hide(view);
    one(view, "[data-panel=examples]").click();
    await settled();
    expect(words(view, "[data-masking=blur]")).toEqual(Array(2).fill(`Masking “blur”. ${masking.says}`));
    expect(one(view, ".fx-footer").textContent).toContain("masking blur");
  });

  it("claims no masking where it is not known", async () => {
    const view = await shown(new FakeModel());
    await hide(view);
    expect(all(view, "[data-masking], .fx-seen")).toEqual([]);
    expect(one(view, ".fx-footer").textContent).not.toContain("masking");
  });

  it("does not show values of an earlier result beside the present one", async () => {
    const model = new FakeModel(traits({ removed: [0, 5], played }));
    const view = await shown(model);
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
    await hide(view);
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
    await hide(view);
    expect(words(view, ".fx-value b")).toEqual(["–", "3.25"]);
    expect(one(view, ".fx-values [role=status]").textContent).toBe(why);
  });

  it("shows no prediction if the values of the method are not logits", async () => {
    const result = wireResult({ method: "grad_eclip", in_logits: false });
    const model = new FakeModel(traits({ result, removed: [0, 5], played: { ...played, prediction: null } }));
    const view = await shown(model);
    await hide(view);
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
