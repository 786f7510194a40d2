import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { keepFocus } from "../../src/lib/focus";

let el: HTMLElement;
let stop: () => void;

beforeEach(() => {
  el = document.body.appendChild(document.createElement("div"));
  el.innerHTML = '<section class="fixlip"><button id="one">1</button><button id="two">2</button></section>';
  stop = keepFocus(el);
});

afterEach(() => {
  stop();
  document.body.replaceChildren();
});

const control = (id: string) => el.querySelector<HTMLButtonElement>(`#${id}`) as HTMLButtonElement;
const view = () => el.querySelector(".fixlip");
const settled = () => new Promise((resolve) => setTimeout(resolve, 50));

describe("the focus", () => {
  it("stays in the view when the control that had it goes", async () => {
    control("one").focus();
    control("one").remove();
    await settled();
    expect(document.activeElement).toBe(view());
  });

  it("stays in the view when the control that had it is disabled", async () => {
    control("two").focus();
    control("two").disabled = true;
    await settled();
    expect(document.activeElement).toBe(view());
    control("one").focus();
    expect(view()?.hasAttribute("tabindex")).toBe(false);
  });

  it("is left where somebody has put it", async () => {
    const other = document.body.appendChild(document.createElement("input"));
    control("one").focus();
    other.focus();
    control("one").remove();
    await settled();
    expect(document.activeElement).toBe(other);
    control("two").focus();
    control("two").blur();
    await settled();
    control("two").remove();
    await settled();
    expect(document.activeElement).toBe(document.body);
  });
});
