import { describe, expect, it } from "vitest";
import { patchesWithin } from "../../src/scene/lasso";
import { FakeModel, traits, wireArray, wireResult } from "../fake";
import { all, focus, one, press, settled, shown } from "../mount";

const GROUP = {
  generation: 1,
  shown: "current" as const,
  selection: [0, 5],
  se: wireArray([0, 0.1, 0.2, 0.3, 0.4, 0], [6]),
  total: 2.1,
  total_se: 0.5,
  within: 2,
  within_se: 0.3,
};

function click(element: HTMLElement, held: MouseEventInit = {}): void {
  element.dispatchEvent(new MouseEvent("click", { bubbles: true, ...held }));
}

describe("several players", () => {
  it("are selected by clicks with Shift or Ctrl, on picture and caption alike", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    click(one(view, ".fx-chip[data-player='5']"));
    click(one(view, ".fx-patch[data-player='0']"), { shiftKey: true });
    click(one(view, ".fx-patch[data-player='1']"), { ctrlKey: true });
    expect(model.get("selection")).toEqual([5, 0, 1]);
  });

  it("are selected by plain clicks once that was asked for, as a finger has no Shift", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    one(view, "[data-action=several]").click();
    for (const player of [4, 0]) {
      click(one(view, `.fx-stage [data-player='${player}']`));
    }
    expect(model.get("selection")).toEqual([4, 0]);
  });

  it("are selected by arrow keys with Shift, and given back on the way back", async () => {
    const model = new FakeModel();
    const view = await shown(model);
    await press(one(view, ".fx-patch[data-player='0']"), "ArrowRight", { shiftKey: true });
    await press(one(view, ".fx-patch[data-player='1']"), "ArrowDown", { shiftKey: true });
    expect(model.get("selection")).toEqual([0, 1, 3]);
    await press(one(view, ".fx-patch[data-player='3']"), "ArrowUp", { shiftKey: true });
    expect(model.get("selection")).toEqual([0, 1]);
  });

  it("colour the rest by their summed interactions", async () => {
    const view = await shown(new FakeModel(traits({ selection: [4, 5] })));
    expect(all(view, ".fx-patch").map((patch) => patch.dataset.value)).toEqual(["2", "-1", "0.5", "0.25"]);
  });

  it("show their total without an error until the kernel has one", async () => {
    const model = new FakeModel(traits({ selection: [0, 5] }));
    const view = await shown(model);
    expect(one(view, "[data-group=total]").textContent).toBe("+2.10");
    model.set("group", { ...GROUP, selection: [0, 4] });
    await settled();
    expect(one(view, "[data-group=total]").textContent).toBe("+2.10");
    model.set("group", GROUP);
    await settled();
    expect(one(view, "[data-group=total]").textContent).toBe("+2.10 ± 0.50");
    expect(one(view, "[data-group=within]").textContent).toBe("+2.00 ± 0.30");
    expect(one(view, ".fx-legend [role=status]").textContent).toBe(
      "Selected: patch (1, 1) + “dog”. With all others +2.10 ± 0.50, among themselves +2.00 ± 0.30.",
    );
  });

  it("say why their sum has no error, once the kernel found none", async () => {
    const model = new FakeModel(traits({ selection: [0, 5], group: GROUP }));
    const view = await shown(model);
    expect(one(view, ".fx-readout").textContent).not.toContain("too few masks");
    model.set("group", { ...GROUP, total_se: null, within_se: null });
    await settled();
    expect(one(view, ".fx-readout").textContent).toContain("too few masks yet for a standard error");
  });

  it("show the error of their sum with the one that is pointed at", async () => {
    const view = await shown(new FakeModel(traits({ selection: [5, 0], group: GROUP })));
    await focus(one(view, ".fx-chip[data-player='4']"));
    expect(one(view, ".fx-readout").textContent).toContain("+3.00 ± 0.40");
  });

  it("are cleared by Escape and by the button", async () => {
    const model = new FakeModel(traits({ selection: [0, 5] }));
    const view = await shown(model);
    await press(one(view, ".fx-patch"), "Escape");
    expect(model.get("selection")).toEqual([]);
    model.set("selection", [1, 2]);
    await settled();
    one(view, "[data-action=clear]").click();
    expect(model.get("selection")).toEqual([]);
  });
});

describe("a drag over the picture", () => {
  const box = { left: 100, top: 50, width: 400, height: 200 };

  it("takes in every patch that its rectangle touches, whichever way it is drawn", () => {
    const [from, to] = [
      { x: 310, y: 160 },
      { x: 150, y: 60 },
    ];
    expect(patchesWithin([2, 4], box, from, to)).toEqual([0, 1, 2, 4, 5, 6]);
    expect(patchesWithin([2, 4], box, to, from)).toEqual([0, 1, 2, 4, 5, 6]);
  });

  it("may end outside", () => {
    expect(patchesWithin([2, 4], box, { x: 450, y: 60 }, { x: 900, y: -20 })).toEqual([3]);
  });

  it.each([
    ["mouse", false, [0, 1, 2, 3]],
    ["touch", false, []],
    ["touch", true, [0, 1, 2, 3]],
  ])("with %s, asked for: %s, selects %j", async (pointerType, asked, expected) => {
    const model = new FakeModel();
    const view = await shown(model);
    const picture = one(view, ".fx-picture");
    picture.getBoundingClientRect = () => new DOMRect(0, 0, 100, 100);
    if (asked) {
      one(view, "[data-action=several]").click();
    }
    const at = (type: string, clientX: number, clientY: number) =>
      one(view, ".fx-patch").dispatchEvent(
        new PointerEvent(type, { bubbles: true, pointerType, pointerId: 1, buttons: 1, clientX, clientY }),
      );
    at("pointerdown", 10, 10);
    at("pointermove", 90, 90);
    await settled();
    expect(all(view, "[data-held=true]")).toHaveLength(expected.length);
    at("pointerup", 90, 90);
    await settled();
    if (expected.length > 0) {
      click(one(view, ".fx-patch[data-player='3']"));
    }
    expect(model.get("selection")).toEqual(expected);
  });
});

describe("a lasso whose button was released outside the picture", () => {
  it.each(["a move without a button", "a lost capture"])("ends with %s", async (ending) => {
    const model = new FakeModel();
    const view = await shown(model);
    one(view, ".fx-picture").getBoundingClientRect = () => new DOMRect(0, 0, 100, 100);
    const at = (type: string, x: number, buttons: number) =>
      one(view, ".fx-patch").dispatchEvent(
        new PointerEvent(type, { bubbles: true, pointerId: 1, buttons, clientX: x, clientY: x }),
      );
    at("pointerdown", 10, 1);
    at("pointermove", 90, 1);
    await settled();
    expect(all(view, "[data-held=true]")).toHaveLength(4);
    if (ending === "a lost capture") {
      at("lostpointercapture", 90, 0);
    } else {
      at("pointermove", 40, 0);
    }
    at("pointermove", 20, 1);
    await settled();
    expect(all(view, "[data-held=true]")).toEqual([]);
    at("pointerup", 20, 0);
    expect(model.get("selection")).toEqual([]);
  });
});

describe("hiding players from the model", () => {
  async function hiding(removed: readonly number[] = []) {
    const model = new FakeModel(traits({ removed }));
    const view = await shown(model);
    model.set("view", "graph");
    return { model, view };
  }

  it("shows hidden players as the model sees them", async () => {
    const { view } = await hiding([1, 4]);
    expect(one(view, ".fx-patch[data-player='1']").getAttribute("fill")).toMatch(
      /^url\(#fixlip-\w+-hatch\)$/,
    );
    expect(one(view, ".fx-chip[data-player='4']").dataset.removed).toBe("true");
    expect(one(view, ".fx-chip[data-player='4']").getAttribute("aria-label")).toBe(
      "token “red”: +4.00, hidden",
    );
    expect(all(view, ".fx-stage [data-removed=true]")).toHaveLength(2);
  });
});

describe("colour scales", () => {
  const scales = (view: HTMLElement) => all(view, ".fx-scale").map(({ textContent }) => textContent);

  it("are one for patches and one for tokens, each with its own colours, name and ends", async () => {
    const view = await shown(new FakeModel());
    expect(scales(view)).toEqual(["patches−+±2.00 logits", "tokens−+±4.00 logits"]);
    expect(all(view, ".fx-scale .fx-bar")).toHaveLength(2);
  });

  it("are a single one where patches and tokens end at the same value", async () => {
    const main = wireArray([4, 0, 0, 0, 0, -4], [6]);
    const view = await shown(new FakeModel(traits({ result: wireResult({ main }) })));
    expect(scales(view)).toEqual(["−+±4.00 logits"]);
  });

  it("call text players words where they are", async () => {
    const scene = { ...traits().scene, words: true };
    const view = await shown(new FakeModel(traits({ scene, result: wireResult({ words: true }) })));
    expect(scales(view)).toEqual(["patches−+±2.00 logits", "words−+±4.00 logits"]);
    expect(view.textContent).toContain("point at a patch or word to see its interactions");
    expect(view.textContent).not.toContain("token");
  });

  it("are shared by A and B, and are its own for B − A", async () => {
    const pinned = wireResult({ main: wireArray([9, 0, 0, 0, 0, 0], [6]) });
    const difference = { result: wireResult({ main: wireArray([3, 0, 0, 0, 1, 0], [6]) }), unmatched: [] };
    const model = new FakeModel(traits({ pinned: { label: "A", result: pinned }, difference }));
    const view = await shown(model);
    const shared = () => one(view, ".fx-shared").textContent;
    expect(scales(view)).toEqual(["patches−+±9.00 logits", "tokens−+±4.00 logits"]);
    expect(shared()).toBe("same scale for A and B");
    model.set("shown", "pinned");
    await settled();
    expect(scales(view)).toEqual(["patches−+±9.00 logits", "tokens−+±4.00 logits"]);
    expect(one(view, ".fx-patch").dataset.value).toBe("9");
    model.set("shown", "difference");
    await settled();
    expect(scales(view)).toEqual(["patches−+±3.00 logits", "tokens−+±1.00 logits"]);
    expect(shared()).toBe("own scale of B − A");
  });

  it("fall back to the present explanation where there is nothing to compare with", async () => {
    const view = await shown(new FakeModel(traits({ shown: "difference" })));
    expect(one(view, ".fx-patch").dataset.value).toBe("1");
  });
});
