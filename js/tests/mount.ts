/** Adds views to the page and removes them after each test, with fake timers. */

import { afterEach, beforeEach, vi } from "vitest";
import widget from "../src/index";
import allControls from "../src/shell/All";
import { details } from "../src/shell/details";
import type { FakeModel } from "./fake";

type Render = (given: { model: unknown; el: HTMLElement }) => () => void;

export const render = widget.render as unknown as Render;
let cleanUps: (() => void)[] = [];

beforeEach(() => {
  vi.useFakeTimers();
  details.value = allControls;
});

afterEach(() => {
  vi.restoreAllMocks();
  for (const cleanUp of cleanUps) {
    cleanUp();
  }
  cleanUps = [];
  document.body.replaceChildren();
  vi.useRealTimers();
});

/** The root of a new view of `model`. */
export async function shown(model: FakeModel): Promise<HTMLElement> {
  const el = document.createElement("div");
  document.body.append(el);
  cleanUps.push(render({ model, el }));
  await settled();
  return el.querySelector(".fixlip") as HTMLElement;
}

/** Preact draws in microtasks and, for effects, after a frame. */
export async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(50);
}

export function all(view: ParentNode, selector: string): HTMLElement[] {
  return [...view.querySelectorAll<HTMLElement>(selector)];
}

export function one(view: ParentNode, selector: string): HTMLElement {
  const [found] = all(view, selector);
  if (!found) {
    throw new Error(`Nothing in the view is ${selector}`);
  }
  return found;
}

export async function press(element: Element, key: string, held: KeyboardEventInit = {}): Promise<void> {
  element.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...held }));
  await settled();
}

export async function focus(element: HTMLElement): Promise<void> {
  element.dispatchEvent(new FocusEvent("focusin", { bubbles: true }));
  await settled();
}
