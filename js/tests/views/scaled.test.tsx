import { describe, expect, it, vi } from "vitest";
import { FakeModel, traits } from "../fake";
import { one, settled, shown } from "../mount";

/** A view of 600 × 400 pixels in a host that scales it by `scale`. */
async function scaled(scale: number, changes: Parameters<typeof traits>[0] = {}) {
  vi.spyOn(HTMLElement.prototype, "offsetWidth", "get").mockReturnValue(600);
  vi.spyOn(Element.prototype, "getBoundingClientRect").mockReturnValue(
    new DOMRect(0, 0, 600 * scale, 400 * scale),
  );
  return shown(new FakeModel(traits(changes)));
}

describe("a view in a host that scales it", () => {
  it.each([0.5, 1, 1.5])("by %s draws the graph and the arcs at their own size", async (scale) => {
    const view = await scaled(scale, { selection: [5] });
    expect(one(view, ".fx-graph > svg").getAttribute("viewBox")).toMatch(/^0 0 600 /);
    expect(one(view, ".fx-arcs").getAttribute("viewBox")).toBe("0 0 600 400");
    expect(one(view, ".fx-arc circle").getAttribute("cx")).toBe("450");
  });

  it.each([0.5, 1, 1.5])("by %s keeps a dragged node under the pointer", async (scale) => {
    const view = await scaled(scale);
    const node = one(view, ".fx-node[data-player='0']");
    const left = () => Number(/translate\(([\d.]+)px/.exec(node.style.transform)?.[1]);
    const before = left();
    for (const [type, x] of [
      ["pointerdown", 100],
      ["pointermove", 130],
      ["pointerup", 130],
    ] as const) {
      const place = { clientX: x, clientY: 100 };
      node.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerId: 1, buttons: 1, ...place }));
    }
    await settled();
    expect(left() - before).toBeCloseTo(30 / scale, 0);
  });
});
