/** A moving pointer changes only the elements whose look changes. */

import { expect, it } from "vitest";
import { FakeModel } from "../fake";
import { one, settled, shown } from "../mount";

/** Return the attribute mutations of `view` while `act` runs. */
async function mutations(view: Element, act: () => void): Promise<MutationRecord[]> {
  const found: MutationRecord[] = [];
  const observer = new MutationObserver((records) => found.push(...records));
  observer.observe(view, { attributes: true, subtree: true });
  act();
  await settled();
  observer.disconnect();
  return found;
}

async function viewWithLasso() {
  const view = await shown(new FakeModel());
  one(view, ".fx-picture").getBoundingClientRect = () => new DOMRect(0, 0, 100, 100);
  const at = (type: string, clientX: number, clientY: number) =>
    one(view, ".fx-patch").dispatchEvent(
      new PointerEvent(type, { bubbles: true, pointerId: 1, buttons: 1, clientX, clientY }),
    );
  at("pointerdown", 10, 10);
  at("pointermove", 10, 30);
  await settled();
  return { view, at };
}

it("a move of the lasso touches only the patches that enter or leave it", async () => {
  const { view, at } = await viewWithLasso();
  const entering = await mutations(view, () => at("pointermove", 90, 30));
  expect(
    entering.map(({ target, attributeName }) => [(target as HTMLElement).dataset.player, attributeName]),
  ).toEqual([["1", "data-held"]]);
  expect(await mutations(view, () => at("pointermove", 80, 20))).toHaveLength(0);
  const leaving = await mutations(view, () => at("pointermove", 10, 20));
  expect(leaving).toHaveLength(1);
});

it("pointing at a player again after another one changes each attribute at most once", async () => {
  const view = await shown(new FakeModel());
  const over = (player: number) => () =>
    one(view, `.fx-stage [data-player='${player}']`).dispatchEvent(
      new PointerEvent("pointerover", { bubbles: true }),
    );
  over(0)();
  await settled();
  const changed = await mutations(view, over(4));
  const places = changed.map(({ target, attributeName }) => ({ target, attributeName }));
  const distinct = places.filter(
    (one, index) =>
      places.findIndex(
        (other) => other.target === one.target && other.attributeName === one.attributeName,
      ) === index,
  );
  expect(distinct.length).toBeGreaterThan(0);
  expect(changed.length).toBe(distinct.length);
  expect(await mutations(view, over(4))).toHaveLength(0);
});
