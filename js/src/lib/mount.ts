/** Draws a view into an element of a host, with its style sheet, and keeps the focus and the keys that it uses. */

import { type ComponentChild, render } from "preact";
import { keepFocus } from "./focus";
import { keepKeys } from "./shortcuts";

/** Draw `view` into `el`; return a function that removes it and then calls `dispose`. */
export function mount(view: ComponentChild, el: HTMLElement, css: string, dispose: () => void): () => void {
  // in a row of widgets, take the available width, because the contents have no width of their own
  el.style.flexGrow ||= "1";
  el.style.minWidth ||= "min(320px, 100%)";
  const releases = [dressIn(css, el), keepFocus(el), keepKeys(el)];
  render(view, el);
  return () => {
    render(null, el);
    for (const release of [dispose, ...releases]) {
      release();
    }
  };
}

const sheets = new Map<string, CSSStyleSheet>();

/** Keep `el` styled wherever it moves; return a function that stops this. The sheet stays for other views. */
export function dressIn(css: string, el: HTMLElement): () => void {
  const adopt = () => {
    const root = el.getRootNode() as Document | ShadowRoot;
    if (el.isConnected && !root.adoptedStyleSheets.includes(sheetOf(css))) {
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheetOf(css)];
    }
  };
  adopt();
  // a host may attach the element later, or move it to another root; its size changes then, before it is painted
  const observer = new ResizeObserver(adopt);
  observer.observe(el);
  return () => observer.disconnect();
}

function sheetOf(css: string): CSSStyleSheet {
  let sheet = sheets.get(css);
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    sheets.set(css, sheet);
  }
  return sheet;
}
