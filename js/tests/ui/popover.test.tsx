import { describe, expect, it } from "vitest";
import { DEFINITIONS } from "../../src/ui/Definition";
import { FakeModel, traits, wireResult } from "../fake";
import { all, one, shown } from "../mount";

describe("a definition", () => {
  it("is a button that opens its own text, which also describes it, in every view of a page", async () => {
    const views = [await shown(new FakeModel()), await shown(new FakeModel())];
    const texts = views.flatMap((view) => all(view, ".fx-popover"));
    const buttons = views.flatMap((view) => all(view, ".fx-about"));
    expect(new Set(texts.map(({ id }) => id)).size).toBe(buttons.length);
    for (const button of buttons) {
      expect(button.tagName).toBe("BUTTON");
      expect(button.getAttribute("aria-expanded")).toBe("false");
      const text = texts.find(({ id }) => id === button.getAttribute("popovertarget"));
      expect(text?.id).toBe(button.getAttribute("aria-describedby"));
      expect(button.getAttribute("aria-label") ?? button.textContent).not.toBe("");
    }
  });

  it.each(["simple", "all"] as const)("explains p and the trust at level %s", async (level) => {
    const trust = { word: "moderate", why: "Here, held-out R² is 0.97." } as const;
    const view = await shown(new FakeModel(traits({ level, result: wireResult({ trust }) })));
    const texts = all(view, ".fx-popover").map(({ textContent }) => textContent);
    expect(texts).toContain(DEFINITIONS.p);
    expect(texts).toContain(`${DEFINITIONS.trust} ${trust.why}`);
    expect(one(view, ".fx-trust-word").textContent).toContain("moderate");
  });

  it("calls the trust in an old page's explanation unknown", async () => {
    const view = await shown(new FakeModel());
    expect(one(view, ".fx-trust-word").textContent).toContain("unknown");
  });
});
