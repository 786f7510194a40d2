import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { dressIn } from "../../src/lib/mount";

const dress = (el: HTMLElement) => dressIn(".fixlip {}", el);

let sized: (() => void)[] = [];

beforeEach(() => {
  sized = [];
  class Observer {
    constructor(callback: () => void) {
      sized.push(callback);
    }
    observe() {}
    disconnect() {}
  }
  vi.stubGlobal("ResizeObserver", Observer);
});

afterEach(() => {
  vi.unstubAllGlobals();
  document.body.replaceChildren();
  document.adoptedStyleSheets = [];
});

function put(into: Node): HTMLElement {
  return into.appendChild(document.createElement("div"));
}

/** Sheets of the view; the gallery's own one adjusts rules of others. */
const SHEETS = import.meta.glob<string>(["../../src/**/*.css", "!../../src/gallery/*.css"], {
  query: "?raw",
  import: "default",
  eager: true,
});

it("gives each class its rules in one sheet", () => {
  const classes = Object.values(SHEETS).flatMap((css) => [
    ...new Set([...css.matchAll(/^ {2}\.(fx-[a-z-]+) \{/gm)].map(([, name]) => name)),
  ]);
  expect(classes.length).toBeGreaterThan(50);
  expect(classes.filter((name, index) => classes.indexOf(name) !== index)).toEqual([]);
});

describe("the style sheet", () => {
  it("is adopted once by a document, beside what is there already", () => {
    const theirs = new CSSStyleSheet();
    document.adoptedStyleSheets = [theirs];
    dress(put(document.body));
    dress(put(document.body));
    expect(document.adoptedStyleSheets).toHaveLength(2);
    expect(document.adoptedStyleSheets[0]).toBe(theirs);
  });

  it("goes into the shadow root that the view stands in, and nowhere else", () => {
    const shadow = put(document.body).attachShadow({ mode: "open" });
    dress(put(shadow));
    expect(shadow.adoptedStyleSheets).toHaveLength(1);
    expect(document.adoptedStyleSheets).toHaveLength(0);
  });

  it("comes when an element is put into the page after it was drawn into", () => {
    const el = document.createElement("div");
    dress(el);
    expect(document.adoptedStyleSheets).toHaveLength(0);
    document.body.append(el);
    for (const callback of sized) {
      callback();
    }
    expect(document.adoptedStyleSheets).toHaveLength(1);
  });
});
