import { afterEach, describe, expect, it } from "vitest";
import { FakeModel } from "../fake";
import { one, settled, shown } from "../mount";

let stop = () => {};

afterEach(() => stop());

/** Press a key and return whether the notebook, which listens in this phase, may take it as a shortcut. */
function isForNotebook(
  control: HTMLElement,
  key: string,
  held: KeyboardEventInit,
  capture: boolean,
): boolean {
  let taken = false;
  const listen = ({ target }: KeyboardEvent) => {
    taken = !(target as Element).closest("[data-lm-suppress-shortcuts]");
  };
  document.addEventListener("keydown", listen, { capture });
  stop = () => document.removeEventListener("keydown", listen, { capture });
  control.dispatchEvent(
    new KeyboardEvent("keydown", { key, bubbles: true, composed: true, cancelable: true, ...held }),
  );
  stop();
  return taken;
}

const CTRL = { ctrlKey: true };
const CTRL_SHIFT = { ctrlKey: true, shiftKey: true };

const CONTROLS = {
  chip: ".fx-chip",
  slider: "input[id$='-p']",
  button: "[data-action=run]",
  select: "select[data-setting=graph_kind]",
  view: ".fixlip",
  text: ".fx-editor input",
} as const;

async function control(name: keyof typeof CONTROLS): Promise<HTMLElement> {
  const view = await shown(new FakeModel());
  if (name === "text") {
    one(view, "[aria-label='Edit the caption']").click();
    await settled();
  }
  return name === "view" ? view : one(view, CONTROLS[name]);
}

describe.each([true, false])("a notebook that listens in the capturing phase: %s", (capture) => {
  it.each([
    ["chip", "s", CTRL],
    ["chip", "c", CTRL_SHIFT],
    ["chip", "b", {}],
    ["slider", "s", { metaKey: true }],
    ["button", "ArrowDown", {}],
    ["select", "s", CTRL],
    ["text", "s", CTRL],
    ["text", "p", CTRL_SHIFT],
    ["view", "s", CTRL],
  ] as const)("has its shortcuts in a %s: %s %o", async (name, key, held) => {
    expect(isForNotebook(await control(name), key, held, capture)).toBe(true);
  });

  it.each([
    ["chip", "ArrowRight", { shiftKey: true }],
    ["chip", "Enter", CTRL],
    ["chip", " ", {}],
    ["chip", "Escape", {}],
    ["chip", "z", CTRL],
    ["slider", "Home", {}],
    ["button", "Enter", {}],
    ["select", "s", {}],
    ["text", "d", {}],
    ["text", "Enter", {}],
    ["text", "V", CTRL],
    ["text", "@", { ctrlKey: true, altKey: true }],
    ["view", "d", {}],
  ] as const)("does not get the keys that a %s uses: %s %o", async (name, key, held) => {
    expect(isForNotebook(await control(name), key, held, capture)).toBe(false);
  });

  it("gets a key after one that the control used", async () => {
    const chip = await control("chip");
    expect(isForNotebook(chip, "Enter", {}, capture)).toBe(false);
    expect(isForNotebook(chip, "s", CTRL, capture)).toBe(true);
  });
});

it("leaves keys outside a view alone", async () => {
  const outside = document.body.appendChild(document.createElement("button"));
  await shown(new FakeModel());
  expect(isForNotebook(outside, "Enter", {}, true)).toBe(true);
});
