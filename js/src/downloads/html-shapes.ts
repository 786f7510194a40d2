/** Boxes and text of HTML elements, such as tokens and labels, as SVG shapes. */

import { element, plain, textOf } from "./elements";

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
