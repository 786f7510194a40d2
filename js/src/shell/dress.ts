/** Adds the style sheet to the document or shadow root of a view, once for all views in it. */

import css from "./style.css?inline";

let sheet: CSSStyleSheet | null = null;

/** Keep `el` styled wherever it moves; return a function that stops this. The sheet stays for other views. */
export function dress(el: HTMLElement): () => void {
  const adopt = () => {
    const root = el.getRootNode() as Document | ShadowRoot;
    if (el.isConnected && !root.adoptedStyleSheets.includes(styles())) {
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, styles()];
    }
  };
  adopt();
  // a host may attach the element later, or move it to another root; its size changes then, before it is painted
  const observer = new ResizeObserver(adopt);
  observer.observe(el);
  return () => observer.disconnect();
}

function styles(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
  }
  return sheet;
}
