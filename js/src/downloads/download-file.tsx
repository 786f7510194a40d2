/** Makes and saves a file: a drawing of the view as SVG, or rasterised as PNG, or the terms as CSV. */

import { render } from "preact";
import type { Store } from "../state/store";
import { Graph } from "../views/graph/Graph";
import { fileName, fileState, fileTitle } from "./naming";
import { type File, svgOf } from "./svg";
import { csvOf } from "./terms";

type What = "picture" | "graph" | "maps";
export type FileKind = `${What}-${"svg" | "png"}` | "csv";

/** Width of a graph that is not on the screen. */
const GRAPH_WIDTH = 760;
/** Pixels of a PNG for each unit of its SVG. */
const SCALE = 2;
/** Time in which the browser begins to save a file, after which its URL is released. */
const SAVED_WITHIN_MS = 30_000;

/** Save a file of what `view` shows; throw if the browser cannot make it. */
export async function downloadFile(store: Store, view: HTMLElement, kind: FileKind): Promise<void> {
  const shown = store.view.explanation.value;
  if (kind === "csv") {
    if (shown) {
      saveText(`${fileName(store, "terms")}.csv`, csvOf(shown), "text/csv");
    }
    return;
  }
  const [what, format] = kind.split("-") as [What, "svg" | "png"];
  const file = await drawn[what](store, view);
  const name = `${fileName(store, what)}.${format}`;
  if (format === "svg") {
    saveText(name, file.text, "image/svg+xml");
  } else {
    save(name, await png(file.text, file));
  }
}

const drawn: Readonly<Record<What, (store: Store, view: HTMLElement) => Promise<File>>> = {
  picture: (store, view) => drawing(store, view, view.querySelector(".fx-stage"), "--bg"),
  graph: (store, view) => {
    const draw = (svg: Element | null) => drawing(store, view, svg, "--panel");
    const opened = view.querySelector(".fx-graph > svg");
    return opened ? draw(opened) : withGraph(store, view, draw);
  },
  maps: (store, view) => drawing(store, view, view.querySelector(".fx-maps"), "--panel"),
};

/** Return the file of a drawing on the screen. */
async function drawing(
  store: Store,
  view: HTMLElement,
  root: Element | null,
  ground: "--bg" | "--panel",
): Promise<File> {
  if (!root) {
    throw new Error("The drawing is not on the screen.");
  }
  const url = store.view.picture.value;
  const pictures = new Map(url ? [[url, await embedded(url)]] : []);
  const style = getComputedStyle(view);
  const background = ground === "--bg" ? style.backgroundColor : style.getPropertyValue(ground).trim();
  return svgOf(root, { title: fileTitle(store), description: fileState(store), background, pictures });
}

/** Draw the graph beside the window, and call `use` with its SVG. */
async function withGraph<Result>(
  store: Store,
  view: HTMLElement,
  use: (svg: Element | null) => Promise<Result>,
): Promise<Result> {
  const place = document.createElement("div");
  place.className = "fx-offscreen";
  place.style.width = `${GRAPH_WIDTH}px`;
  place.inert = true;
  view.append(place);
  try {
    render(<Graph store={store} />, place);
    // the graph measures its place first
    await new Promise(requestAnimationFrame);
    await new Promise(requestAnimationFrame);
    return await use(place.querySelector(".fx-graph > svg"));
  } finally {
    render(null, place);
    place.remove();
  }
}

function save(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), SAVED_WITHIN_MS);
}

function saveText(name: string, text: string, type: string): void {
  save(name, new Blob([text], { type: `${type};charset=utf-8` }));
}

/** Rasterise an SVG file of this size; throw if the browser cannot. */
async function png(svg: string, size: { readonly width: number; readonly height: number }): Promise<Blob> {
  const url = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const canvas = canvasOf(await loaded(url), SCALE * size.width, SCALE * size.height);
    return await new Promise((resolve, reject) =>
      canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("The canvas has no picture.")))),
    );
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Return a picture as a `data:` URL of a PNG, which every program that reads SVG can show. */
async function embedded(url: string): Promise<string> {
  const picture = await loaded(url);
  return canvasOf(picture, picture.naturalWidth, picture.naturalHeight).toDataURL("image/png");
}

async function loaded(url: string): Promise<HTMLImageElement> {
  const picture = new Image();
  picture.src = url;
  await picture.decode();
  return picture;
}

function canvasOf(picture: HTMLImageElement, width: number, height: number): HTMLCanvasElement {
  const canvas = Object.assign(document.createElement("canvas"), {
    width: Math.round(width),
    height: Math.round(height),
  });
  canvas.getContext("2d")?.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}
