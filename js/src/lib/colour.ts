/** Colours of signed numbers. The palettes come from the kernel, so that every picture of an explanation agrees. */

export interface Palette {
  readonly positive: string;
  readonly negative: string;
}

/** How strongly `value` is coloured on a scale that ends at ±`limit`: 0 to 1, lifted a little for small values. */
export function strength(value: number, limit: number): number {
  if (!Number.isFinite(value)) {
    return 0;
  }
  return Math.min(Math.abs(value) / limit, 1) ** 0.85;
}

export function colourOf(palette: Palette, value: number): string {
  return value < 0 ? palette.negative : palette.positive;
}

/** `#rrggbb` at `opacity`, as CSS. */
export function faded(colour: string, opacity: number): string {
  const [red, green, blue] = channels(colour);
  return `rgba(${red}, ${green}, ${blue}, ${Math.round(opacity * 1000) / 1000})`;
}

/** Plotly's colour scale from the negative colour over `middle` at zero to the positive one. */
export function divergingScale(palette: Palette, middle: string): [number, string][] {
  return [
    [0, palette.negative],
    [0.5, middle],
    [1, palette.positive],
  ];
}

/** Contrast that something drawn needs with what lies behind it (WCAG 2.2, success criterion 1.4.11). */
const VISIBLE = 3;

/** `palette` with each colour lightened as far as it must be to be seen on `background`, which is dark. */
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

/** Contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio" and "relative luminance"). */
export function contrast(a: string, b: string): number {
  const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y) as [number, number];
  return (light + 0.05) / (dark + 0.05);
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
