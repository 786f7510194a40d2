/** A part of the view as an SVG file of its own: computed styles become attributes, and HTML labels become text. */

import { scaleOf } from "../lib/size";
import { element, htmlShapes, plain, printable, rounded, textOf } from "./shapes";

/** Space around the drawing. */
const MARGIN = 12;

export interface File {
  readonly text: string;
  readonly width: number;
  readonly height: number;
}

export interface Sheet {
  readonly title: string;
  readonly description: string;
  readonly background: string;
  /** URLs of pictures in the drawing → the URLs to embed. */
  readonly pictures: ReadonlyMap<string, string>;
}

/** Return an SVG file of what `root` shows, without its controls and with its visible size. */
export function svgOf(root: Element, sheet: Sheet): File {
  const box = root.getBoundingClientRect();
  const scale = scaleOf(root);
  const [width, height] = [box.width, box.height].map((side) => Math.ceil(side / scale + 2 * MARGIN)) as [
    number,
    number,
  ];
  const file = element("svg", { width, height, viewBox: `${-MARGIN} ${-MARGIN} ${width} ${height}` });
  file.setAttribute("font-family", getComputedStyle(root).fontFamily);
  file.append(textOf("title", sheet.title), textOf("desc", sheet.description));
  const ground = { x: -MARGIN, y: -MARGIN, width, height, fill: opaque(sheet.background) };
  file.append(element("rect", ground));
  const place = (at: DOMRect) => ({
    x: (at.left - box.left) / scale,
    y: (at.top - box.top) / scale,
    width: at.width / scale,
    height: at.height / scale,
  });
  const add = (part: Element) => {
    const at = place(part.getBoundingClientRect());
    if (part instanceof SVGSVGElement) {
      file.append(...viewport(part, at, scale));
    } else if (part instanceof HTMLImageElement || part instanceof HTMLCanvasElement) {
      file.append(rasterOf(part, at));
    } else if (part instanceof HTMLElement && isVisible(getComputedStyle(part))) {
      file.append(...htmlShapes(part, place));
      [...part.children].forEach(add);
    }
  };
  add(root);
  embed(file, sheet.pictures);
  return { text: new XMLSerializer().serializeToString(file), width, height };
}

type Place = { readonly [Side in "x" | "y" | "width" | "height"]: number };

/** Return a copy of a nested drawing at its place. */
function viewport(part: SVGSVGElement, at: Place, scale: number): Element[] {
  const copy = copied(part, null, scale);
  if (!copy) {
    return [];
  }
  copy.setAttribute("overflow", getComputedStyle(part).overflow);
  for (const [name, value] of Object.entries(at)) {
    copy.setAttribute(name, rounded(value));
  }
  return [copy];
}

function rasterOf(part: HTMLImageElement | HTMLCanvasElement, at: Place): Element {
  const href = part instanceof HTMLImageElement ? part.src : part.toDataURL("image/png");
  const image = element("image", { ...at, href });
  const { filter } = getComputedStyle(part);
  if (filter !== "none") {
    image.setAttribute("style", `filter:${filter}`);
  }
  return image;
}

/** Attributes that stay as they are; all others are of the view, or follow from the computed style. */
const KEPT = new Set(
  (
    "d x y dx dy x1 y1 x2 y2 cx cy r rx ry width height viewBox preserveAspectRatio points id href transform " +
    "patternUnits patternTransform clip-path"
  ).split(" "),
);
/** Inherited properties with their initial values. */
const INHERITED: Readonly<Record<string, string>> = {
  fill: "rgb(0, 0, 0)",
  "fill-opacity": "1",
  stroke: "none",
  "stroke-width": "1px",
  "stroke-opacity": "1",
  "stroke-dasharray": "none",
  "stroke-linecap": "butt",
  "stroke-linejoin": "miter",
  "paint-order": "normal",
  "font-size": "16px",
  "font-weight": "400",
  "text-anchor": "start",
};
const OWN: Readonly<Record<string, string>> = { opacity: "1" };
const PAINTED = "path, rect, circle, line";

/**
 * Return a copy with its computed style as attributes; null if it is invisible.
 *
 * @param scale by how much the host scales the view.
 */
function copied(original: Element, parent: CSSStyleDeclaration | null, scale: number): Element | null {
  const style = getComputedStyle(original);
  if (original.localName === "title") {
    return original.textContent ? textOf("title", original.textContent) : null;
  }
  if (style.display === "none" || (original.matches(PAINTED) && isUnpainted(style))) {
    return null;
  }
  const copy = bare(original);
  dress(copy, style, parent);
  if (style.vectorEffect === "non-scaling-stroke") {
    scaleStroke(copy, style, enlargementOf(original) / scale);
  }
  const { transform } = (original as SVGElement).style;
  if (transform) {
    copy.setAttribute("transform", transform.replaceAll("px", ""));
  }
  for (const child of original.childNodes) {
    const part = child instanceof Element ? copied(child, style, scale) : printable(child.textContent ?? "");
    copy.append(...(part ? [part] : []));
  }
  return copy;
}

/** Return a copy with its geometry, without children. */
function bare(original: Element): Element {
  const copy = original.cloneNode(false) as Element;
  for (const { name } of [...copy.attributes]) {
    if (!KEPT.has(name)) {
      copy.removeAttribute(name);
    }
  }
  return copy;
}

/** Set the attributes that differ from those of the parent, or from the initial ones. */
function dress(copy: Element, style: CSSStyleDeclaration, parent: CSSStyleDeclaration | null): void {
  const before = (name: string, initial: string) => parent?.getPropertyValue(name) ?? initial;
  const values = [
    ...Object.entries(INHERITED).map(([name, initial]) => [name, before(name, initial)] as const),
    ...Object.entries(OWN),
  ];
  for (const [name, expected] of values) {
    const value = style.getPropertyValue(name);
    if (value !== "" && value !== expected) {
      copy.setAttribute(name, plain(value));
    }
  }
  if (style.filter && style.filter !== "none") {
    copy.setAttribute("style", `filter:${style.filter}`);
  }
}

/** Set a stroke of the width on the screen, because few programs know strokes that do not scale with the drawing. */
function scaleStroke(copy: Element, style: CSSStyleDeclaration, enlargement: number): void {
  const scaled = (lengths: string) =>
    lengths.replaceAll(/[\d.]+/g, (length) => String(Number((Number(length) / enlargement).toPrecision(4))));
  copy.setAttribute("stroke-width", scaled(plain(style.strokeWidth)));
  if (style.strokeDasharray !== "none") {
    copy.setAttribute("stroke-dasharray", scaled(plain(style.strokeDasharray)));
  }
}

/** Return how many pixels of the screen a unit of the element's coordinates has. */
function enlargementOf(original: Element): number {
  const matrix = original instanceof SVGGraphicsElement ? original.getScreenCTM() : null;
  return matrix ? Math.sqrt(Math.abs(matrix.a * matrix.d - matrix.b * matrix.c)) || 1 : 1;
}

function isVisible({ display, visibility }: CSSStyleDeclaration): boolean {
  return display !== "none" && visibility !== "hidden";
}

function isUnpainted({ fill, stroke }: CSSStyleDeclaration): boolean {
  return [fill, stroke].every((paint) => paint === "none" || paint === "rgba(0, 0, 0, 0)");
}

/** Replace the pictures by embedded ones, each of which is in the file only once. */
function embed(file: Element, pictures: Sheet["pictures"]): void {
  const definitions = element("defs", {});
  const known = new Map<string, string>();
  for (const image of file.querySelectorAll("image")) {
    const url = image.getAttribute("href") ?? "";
    const [width, height] = [image.getAttribute("width") ?? "", image.getAttribute("height") ?? ""];
    const key = `${url} ${width} ${height}`;
    if (!known.has(key)) {
      known.set(key, `picture-${known.size + 1}`);
      const href = pictures.get(url) ?? url;
      const own = { id: known.get(key) ?? "", href, width, height, preserveAspectRatio: "none" };
      definitions.append(element("image", own));
    }
    const use = element("use", { href: `#${known.get(key)}` });
    for (const { name, value } of image.attributes) {
      if (!["href", "width", "height", "preserveAspectRatio"].includes(name)) {
        use.setAttribute(name, value);
      }
    }
    image.replaceWith(use);
  }
  file.prepend(definitions);
}

function opaque(colour: string): string {
  return colour === "" || colour === "rgba(0, 0, 0, 0)" ? "#ffffff" : plain(colour);
}
