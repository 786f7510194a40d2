/** Labels of tokens: shortened, and measured in pixels. */

const FONT = "600 13px system-ui, sans-serif";
const LONGEST_LABEL = 18;

/** Shorten a label that would cover its neighbours. */
export function shortened(label: string): string {
  return label.length > LONGEST_LABEL ? `${label.slice(0, LONGEST_LABEL - 1)}…` : label;
}

let ruler: CanvasRenderingContext2D | null | undefined;

/** Return the width of a label in pixels. */
export function textWidth(text: string): number {
  ruler ??= document.createElement("canvas").getContext?.("2d") ?? null;
  if (!ruler) {
    return 7.5 * text.length;
  }
  ruler.font = FONT;
  return ruler.measureText(text).width;
}
