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

function channels(colour: string): [number, number, number] {
  const part = (from: number) => Number.parseInt(colour.slice(from, from + 2), 16);
  return [part(1), part(3), part(5)];
}
