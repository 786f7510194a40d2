/** Colours of signed numbers. The kernel sends the palettes, so that all drawings use the same colours. */

export interface Palette {
  readonly positive: string;
  readonly negative: string;
}

/** Return the strength of a colour, 0 to 1, on a scale from −`limit` to `limit`; small values are slightly amplified. */
export function strength(value: number, limit: number): number {
  if (!Number.isFinite(value)) {
    return 0;
  }
  return Math.min(Math.abs(value) / limit, 1) ** 0.85;
}

export function colourOf(palette: Palette, value: number): string {
  return value < 0 ? palette.negative : palette.positive;
}

/** Return a `#rrggbb` colour with `opacity`, as CSS. */
export function faded(colour: string, opacity: number): string {
  const [red, green, blue] = channels(colour);
  return `rgba(${red}, ${green}, ${blue}, ${Math.round(opacity * 1000) / 1000})`;
}

/** Return Plotly's colour scale from the negative colour through `middle` at zero to the positive colour. */
export function divergingScale(palette: Palette, middle: string): [number, string][] {
  return [
    [0, palette.negative],
    [0.5, middle],
    [1, palette.positive],
  ];
}

/** Minimum contrast of graphics with their background (WCAG 2.2, success criterion 1.4.11). */
const VISIBLE = 3;

/** Lighten each colour until its contrast with the dark `background` is sufficient. */
export function onDark(palette: Palette, background: string): Palette {
  const visible = (colour: string) => {
    let mixed = colour;
    for (let share = 0; share < 1 && contrast(mixed, background) < VISIBLE; share += 0.05) {
      mixed = lightened(colour, share);
    }
    return mixed;
  };
  return { positive: visible(palette.positive), negative: visible(palette.negative) };
}

function lightened(colour: string, share: number): string {
  const parts = channels(colour).map((channel) => Math.round(channel + share * (255 - channel)));
  return `#${parts.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio" and "relative luminance"). */
export function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
}

/** Return black or white, whichever has more contrast with a `background`. */
export function inkOn(background: string): string {
  return contrast(background, "#000000") > contrast(background, "#ffffff") ? "#000000" : "#ffffff";
}

function luminance(colour: string): number {
  const [red, green, blue] = channels(colour).map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function channels(colour: string): [number, number, number] {
  const part = (from: number) => Number.parseInt(colour.slice(from, from + 2), 16);
  return [part(1), part(3), part(5)];
}
