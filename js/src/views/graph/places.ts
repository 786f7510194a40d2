/** Positions of the graph's nodes in a frame, in pixels: spread over it, without overlap. */

import { type Box, clamp, type Point, separate } from "../../lib/geometry";
import { shortened, textWidth } from "../../lib/labels";
import { rightToLeft } from "../../model/players";
import type { GraphNode } from "../../wire/types";

const MARGIN = 14;
/** Largest factor by which distances are stretched, so that neighbours remain neighbours. */
const WIDEST_SPREAD = 2.5;
/** Distance between the lowest patch and the highest token. */
const GAP = 22;
/** Height of a line of tokens, and smallest distance between two tokens. */
const LINE = 36;
const TOKEN_GAP = 8;
/** Half the width of the mark of a third-order term. */
const TERM = 9;

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** Number of columns of the picture's grid. */
  readonly columns: number;
  /** Whether patches have the same arrangement as in the picture. */
  readonly anchored: boolean;
}

export interface PlacedNode extends GraphNode, Box {}

/**
 * Return the nodes with their boxes in pixels. Boxes do not overlap, unless the user moved a node there.
 *
 * @param moved places, in the unit square, of nodes that the user moved.
 */
export function place(
  nodes: readonly GraphNode[],
  frame: Frame,
  moved: ReadonlyMap<number, Point>,
): PlacedNode[] {
  const { width, height } = frame;
  const players = nodes.filter((node) => node.kind !== "term");
  const laidOut = inLines(
    players,
    players.map((node) => boxOf(node, frame)),
    frame,
  );
  const boxes = separate(spread(players, laidOut, frame), width, height);
  const placed = players.map((node, index) => {
    const at = moved.get(node.player);
    const box = boxes[index] as Box;
    return { ...node, label: shortened(node.label), ...box, ...(at && within(at, box, frame)) };
  });
  const terms = nodes
    .filter((node) => node.kind === "term")
    .map((node) => ({ ...node, ...boxOf(node, frame) }));
  const apart = separate([...placed, ...terms], width, height, 3, 40).slice(placed.length);
  return [
    ...placed,
    ...terms.map((node, index) => {
      const box = apart[index] as Box;
      const at = moved.get(node.player);
      return { ...node, ...box, ...(at && within(at, box, frame)) };
    }),
  ];
}

function within(at: Point, box: Box, { width, height }: Frame): Point {
  return {
    x: clamp(at.x * width, box.halfWidth + 1, width - box.halfWidth - 1),
    y: clamp(at.y * height, box.halfHeight + 1, height - box.halfHeight - 1),
  };
}

function boxOf(node: GraphNode, { width, height, columns }: Frame): Box {
  const side = Math.min(Math.max((width - 2 * MARGIN) / columns - 8, 20), width < 480 ? 30 : 38);
  const at = {
    x: MARGIN + node.pos[0] * (width - 2 * MARGIN),
    y: MARGIN + node.pos[1] * (height - 2 * MARGIN),
  };
  switch (node.kind) {
    case "patch":
      return { ...at, halfWidth: side / 2, halfHeight: side / 2 };
    case "term":
      return { ...at, halfWidth: TERM, halfHeight: TERM };
    case "token":
      return { ...at, halfWidth: textWidth(shortened(node.label)) / 2 + 10, halfHeight: 13 };
  }
}

/** In the anchored layout, put tokens in reading order at the bottom, in as many lines as this width requires. */
function inLines(
  nodes: readonly GraphNode[],
  boxes: readonly Box[],
  { width, height, anchored }: Frame,
): Box[] {
  if (!anchored) {
    return [...boxes];
  }
  const isToken = (_: unknown, index: number) => nodes[index]?.kind === "token";
  const lines = broken(boxes.filter(isToken), width);
  const fromRight = rightToLeft({ tokens: nodes.filter(isToken).map(({ label }) => label) });
  const placed = new Map<Box, Box>();
  for (const [number, line] of lines.entries()) {
    const free = width - line.reduce((sum, box) => sum + 2 * box.halfWidth, 0);
    const gap = free / (line.length + 1);
    let x = 0;
    for (const box of line) {
      x += gap + box.halfWidth;
      placed.set(box, {
        ...box,
        x: fromRight ? width - x : x,
        y: height - LINE * (lines.length - number - 0.5) - MARGIN,
      });
      x += box.halfWidth;
    }
  }
  return boxes.map((box) => placed.get(box) ?? box);
}

/** Break tokens into lines that fit the frame. */
function broken(tokens: readonly Box[], width: number): Box[][] {
  const lines: Box[][] = [];
  let taken = Number.POSITIVE_INFINITY;
  for (const box of tokens) {
    const wide = 2 * box.halfWidth + TOKEN_GAP;
    if (taken + wide > width - TOKEN_GAP) {
      lines.push([]);
      taken = 0;
    }
    lines.at(-1)?.push(box);
    taken += wide;
  }
  return lines;
}

/** Return the height of the lines of tokens in the anchored layout, in pixels. */
export function footHeight(nodes: readonly GraphNode[], width: number): number {
  const frame = { width, height: 0, columns: 1, anchored: true };
  const tokens = nodes.filter((node) => node.kind === "token").map((node) => boxOf(node, frame));
  return LINE * broken(tokens, width).length;
}

/**
 * Stretch the nodes over the frame without changing their order. In the anchored layout only patches are stretched; the
 * tokens stay in their lines below.
 */
function spread(nodes: readonly GraphNode[], boxes: readonly Box[], frame: Frame): Box[] {
  const isPatch = (_: Box, index: number) => nodes[index]?.kind === "patch";
  const movable = frame.anchored ? boxes.filter(isPatch) : boxes;
  const [halfWidth, halfHeight] = [
    Math.max(...movable.map((box) => box.halfWidth)),
    Math.max(...movable.map((box) => box.halfHeight)),
  ];
  if (movable.length === 0) {
    return [...boxes];
  }
  const rest = boxes.filter((box) => !movable.includes(box)).map((box) => box.y - box.halfHeight - GAP);
  const border = MARGIN / 2;
  const x = stretch(
    movable.map((box) => box.x),
    border + halfWidth,
    frame.width - border - halfWidth,
  );
  const y = stretch(
    movable.map((box) => box.y),
    border + halfHeight,
    Math.max(Math.min(frame.height - border, ...rest) - halfHeight, border + halfHeight),
  );
  return boxes.map((box) => (movable.includes(box) ? { ...box, x: x(box.x), y: y(box.y) } : box));
}

/** Return a linear map that makes `values` fill the range from `low` to `high`, limited by the largest factor. */
function stretch(values: readonly number[], low: number, high: number): (value: number) => number {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const factor = Math.min((high - low) / Math.max(most - least, 1e-9), WIDEST_SPREAD);
  const middle = clamp(
    (least + most) / 2,
    low + (factor * (most - least)) / 2,
    high - (factor * (most - least)) / 2,
  );
  return (value) => middle + factor * (value - (least + most) / 2);
}
