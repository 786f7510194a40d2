/** Outlines of image players in the picture: cells of a grid, or regions of any shape. */

import type { Point } from "../lib/geometry";
import type { Regions } from "../wire/types";

export interface Rectangle extends Point {
  readonly width: number;
  readonly height: number;
}

export interface Outlines {
  /** Size of the picture, in the units of paths and boxes. */
  readonly width: number;
  readonly height: number;
  /** Return the player's outline as the `d` of an SVG path. */
  path(player: number): string;
  /** Return the player's bounding box. */
  box(player: number): Rectangle;
  /** Return a point inside the player, in the unit square. */
  centre(player: number): Point;
}

interface Placed {
  readonly grid: readonly [rows: number, columns: number];
  readonly regions: Regions | null;
}

export function outlinesOf({ grid, regions }: Placed): Outlines {
  return regions ? outlinesOfRegions(regions) : outlinesOfGrid(grid);
}

function outlinesOfGrid([rows, columns]: Placed["grid"]): Outlines {
  const at = (player: number) => ({ x: player % columns, y: Math.floor(player / columns) });
  return {
    width: columns,
    height: rows,
    path: (player) => `M${at(player).x} ${at(player).y}h1v1h-1z`,
    box: (player) => ({ ...at(player), width: 1, height: 1 }),
    centre: (player) => ({ x: (at(player).x + 0.5) / columns, y: (at(player).y + 0.5) / rows }),
  };
}

function outlinesOfRegions({ width, height, paths, boxes, centres }: Regions): Outlines {
  return {
    width,
    height,
    path: (player) => paths[player] ?? "",
    box: (player) => {
      const [x, y, wide, high] = boxes[player] ?? [0, 0, width, height];
      return { x, y, width: wide, height: high };
    },
    centre: (player) => {
      const [x, y] = centres[player] ?? [0.5, 0.5];
      return { x, y };
    },
  };
}
