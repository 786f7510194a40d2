/** Labels of tokens: shortened, and measured in pixels. */

const FONT = "600 13px system-ui, sans-serif";
const LONGEST_LABEL = 18;

/** Put a text on one line, and cut it, by default as short as labels that would cover their neighbours. */
export function shortened(text: string, longest = LONGEST_LABEL): string {
  const line = text.trim().replace(/\s+/g, " ");
  return line.length > longest ? `${line.slice(0, longest - 1).trimEnd()}…` : line;
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
