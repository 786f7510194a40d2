/** Adds a style sheet to the document or shadow root of a view, once for all views in it. */

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
