/** Gives the style sheet to the document or shadow root that a view stands in, once however many views there are. */

import css from "./style.css?inline";

let sheet: CSSStyleSheet | null = null;

/** Dresses `el` wherever it is put from now on; returns how to stop. The sheet itself stays: others may need it. */
export function dress(el: HTMLElement): () => void {
  const adopt = () => {
    const root = el.getRootNode() as Document | ShadowRoot; // of an element that is connected
    if (el.isConnected && !root.adoptedStyleSheets.includes(styles())) {
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, styles()];
    }
  };
  adopt();
  // A host may put the element into the page later, or into another root; it gets a size then, before it is painted.
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
