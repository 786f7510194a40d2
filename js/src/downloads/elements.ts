/** Elements and attribute values of SVG files. */

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
