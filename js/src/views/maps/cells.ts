/** The cells of a map: the colour of each image player, and the player at a place. */

import { colourOf, type Palette, strength } from "../../lib/colour";
import { placeWithin } from "../../lib/size";
import { type Explanation, interaction, isSignificant } from "../../model/explanation";
import type { Outlines } from "../../model/outlines";

/** Opacity of the strongest colour. */
const STRONGEST = 0.82;

export interface Cell {
  readonly colour: string;
  readonly opacity: number;
  readonly significant: boolean;
}

/** Return the cell of each image player: its interaction with a token, on a scale that ends at `limit`. */
export function cellsOf(of: Explanation, token: number, limit: number, palette: Palette): Cell[] {
  const values = Array.from({ length: of.nImage }, (_, patch) => interaction(of, token, patch));
  return tinted(values, limit, palette, (patch) => isSignificant(of, token, patch) === true);
}

/** Return cells in the colours of `values`, on a scale that ends at `limit`. */
export function tinted(
  values: readonly number[],
  limit: number,
  palette: Palette,
  significant: (patch: number) => boolean,
): Cell[] {
  return values.map((value, patch) => ({
    colour: colourOf(palette, value),
    opacity: STRONGEST * strength(value, limit),
    significant: significant(patch),
  }));
}

/** Draw the cells on a canvas of `width` × `height` pixels; `shapes` are outlines in units of `outlines`. */
export function drawCells(
  context: CanvasRenderingContext2D,
  cells: readonly Cell[],
  shapes: readonly Path2D[],
  outlines: Pick<Outlines, "width" | "height">,
  pixelRatio: number,
): void {
  const { width, height } = context.canvas;
  const [across, down] = [width / outlines.width, height / outlines.height];
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, width, height);
  context.setTransform(across, 0, 0, down, 0, 0);
  cells.forEach(({ colour, opacity }, patch) => {
    const shape = shapes[patch];
    if (shape && opacity > 0) {
      context.globalAlpha = opacity;
      context.fillStyle = colour;
      context.fill(shape);
    }
  });
  context.globalAlpha = 1;
  context.strokeStyle = "#ffffff";
  context.lineWidth = (1.5 * pixelRatio) / Math.max(across, down);
  cells.forEach(({ significant }, patch) => {
    const shape = shapes[patch];
    if (shape && significant) {
      context.stroke(shape);
    }
  });
}

/** Return the image player under the pointer, or null. */
export function patchAt(
  canvas: HTMLCanvasElement,
  event: MouseEvent,
  outlines: Outlines,
  count: number,
): number | null {
  const { x, y } = placeWithin(canvas, event);
  const [across, down] = [x / canvas.offsetWidth, y / canvas.offsetHeight];
  const context = canvas.getContext("2d");
  if (!context || !(across >= 0 && across < 1 && down >= 0 && down < 1)) {
    return null;
  }
  const at = { x: across * outlines.width, y: down * outlines.height };
  context.setTransform(1, 0, 0, 1, 0, 0);
  const inside = (player: number) => {
    const box = outlines.box(player);
    const near = at.x >= box.x && at.x < box.x + box.width && at.y >= box.y && at.y < box.y + box.height;
    return near && context.isPointInPath(new Path2D(outlines.path(player)), at.x, at.y);
  };
  const found = Array.from({ length: count }, (_, player) => player).find(inside);
  return found ?? null;
}
