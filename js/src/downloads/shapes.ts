/** Shapes of SVG files, and HTML elements such as tokens and labels as such shapes. */

const SVG = "http://www.w3.org/2000/svg";

export function element(name: string, attributes: Readonly<Record<string, string | number>>): Element {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    made.setAttribute(key, typeof value === "number" ? rounded(value) : value);
  }
  return made;
}

export function textOf(
  name: string,
  text: string,
  attributes: Readonly<Record<string, string | number>> = {},
) {
  const made = element(name, attributes);
  made.textContent = printable(text);
  return made;
}

/** Replace the characters that XML excludes, such as control characters. */
export function printable(text: string): string {
  return text.replaceAll(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, "\u{FFFD}");
}

export function rounded(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Return a computed value without units and colour functions, which not every program reads. */
export function plain(value: string): string {
  const mixed = /^color\(srgb ([\d.e-]+) ([\d.e-]+) ([\d.e-]+)(?: \/ ([\d.]+))?\)$/.exec(value);
  if (mixed) {
    const [red, green, blue] = mixed.slice(1, 4).map((part) => Math.round(255 * Number(part)));
    return mixed[4] === undefined
      ? `rgb(${red}, ${green}, ${blue})`
      : `rgba(${red}, ${green}, ${blue}, ${mixed[4]})`;
  }
  return value
    .replaceAll(/(?<=\d)px/g, "")
    .replaceAll('url("', "url(")
    .replaceAll('")', ")");
}

interface Place {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

type Placing = (at: DOMRect) => Place;

/** Return the box of an element with text, the text, and the bar of a colour scale. */
export function htmlShapes(part: HTMLElement, place: Placing): Element[] {
  const style = getComputedStyle(part);
  const texts = [...part.childNodes].filter((node) => node instanceof Text && node.data.trim() !== "");
  // containers have backgrounds too, but are not part of the drawing
  const at = place(part.getBoundingClientRect());
  const boxes = texts.length > 0 ? boxesOf(style, at) : part.matches(".fx-bar") ? barOf(style, at) : [];
  return [...boxes, ...texts.map((text) => written(text as Text, style, place))];
}

/** Return a rectangle with the element's gradient, from left to right. */
function barOf(style: CSSStyleDeclaration, at: Place): Element[] {
  const colours = style.backgroundImage.match(/(?:rgba?|color)\([^)]*\)/g) ?? [];
  const id = `bar-${Math.round(at.x)}-${Math.round(at.y)}`;
  const gradient = element("linearGradient", { id });
  colours.forEach((colour, index) => {
    const offset = index / Math.max(colours.length - 1, 1);
    gradient.append(element("stop", { offset, "stop-color": plain(colour) }));
  });
  return [gradient, element("rect", { ...at, rx: at.height / 2, fill: `url(#${id})` })];
}

function boxesOf(style: CSSStyleDeclaration, at: Place): Element[] {
  const ring = /^(rgba?\([^)]*\)) 0px 0px 0px (\d+)px$/.exec(style.boxShadow);
  const border = Number.parseFloat(style.borderTopWidth);
  const dash = style.borderTopStyle === "dashed" ? { "stroke-dasharray": "3 2" } : {};
  const line = { stroke: plain(style.borderTopColor), "stroke-width": border, ...dash };
  const shadow = { stroke: ring?.[1] ?? "none", "stroke-width": Number(ring?.[2] ?? 0) };
  const radius = Number.parseFloat(style.borderTopLeftRadius) || 0;
  const inset = border / 2;
  const shape = {
    x: at.x + inset,
    y: at.y + inset,
    width: at.width - border,
    height: at.height - border,
    rx: Math.max(radius - inset, 0),
  };
  // a gradient from one colour to the same colour lies over the background
  const tint = /rgba?\([^)]*\)/.exec(style.backgroundImage)?.[0];
  return [
    element("rect", { ...shape, fill: plain(style.backgroundColor) }),
    ...(tint ? [element("rect", { ...shape, fill: tint })] : []),
    ...(border > 0 || ring
      ? [element("rect", { ...shape, fill: "none", ...(border > 0 ? line : shadow) })]
      : []),
  ];
}

let ruler: CanvasRenderingContext2D | null | undefined;

/** Return a text at its place; centred, because another program may have another font. */
function written(text: Text, style: CSSStyleDeclaration, place: Placing): Element {
  const range = document.createRange();
  range.selectNodeContents(text);
  const at = place(range.getBoundingClientRect());
  ruler ??= document.createElement("canvas").getContext("2d");
  let above = 0.8;
  if (ruler) {
    ruler.font = style.font;
    const { fontBoundingBoxAscent: ascent, fontBoundingBoxDescent: descent } = ruler.measureText(text.data);
    above = ascent / (ascent + descent);
  }
  return textOf("text", text.data.trim(), {
    x: at.x + at.width / 2,
    y: at.y + above * at.height,
    fill: plain(style.color),
    "font-size": plain(style.fontSize),
    "font-weight": style.fontWeight,
    "text-anchor": "middle",
    ...(style.textDecorationLine === "none" ? {} : { "text-decoration": style.textDecorationLine }),
  });
}
