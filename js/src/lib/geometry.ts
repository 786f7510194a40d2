/** Geometry of drawings: boxes without overlap, curves around nodes, places for labels, arcs. */

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A box, given by its centre, half width and half height. */
export interface Box extends Point {
  readonly halfWidth: number;
  readonly halfHeight: number;
}

export interface Curve {
  readonly from: Point;
  readonly control: Point;
  readonly to: Point;
}

/**
 * Move boxes apart until none overlaps another, for at most `rounds` rounds, and keep them inside the frame. Boxes
 * without overlap do not move. The result is deterministic.
 */
export function separate(boxes: readonly Box[], width: number, height: number, gap = 6, rounds = 120): Box[] {
  const placed = boxes.map((box) => ({ ...box }));
  const keepInside = (box: { x: number; y: number; halfWidth: number; halfHeight: number }) => {
    box.x = clamp(box.x, box.halfWidth + 1, width - box.halfWidth - 1);
    box.y = clamp(box.y, box.halfHeight + 1, height - box.halfHeight - 1);
  };
  placed.forEach(keepInside);
  for (let round = 0; round < rounds; round++) {
    let moved = false;
    for (const [i, a] of placed.entries()) {
      for (const b of placed.slice(i + 1)) {
        moved = pushApart(a, b, gap) || moved;
      }
    }
    placed.forEach(keepInside);
    if (!moved) {
      break;
    }
  }
  return placed;
}

type Movable = { -readonly [Side in keyof Box]: Box[Side] };

function pushApart(a: Movable, b: Movable, gap: number): boolean {
  const overlapX = a.halfWidth + b.halfWidth + gap - Math.abs(a.x - b.x);
  const overlapY = a.halfHeight + b.halfHeight + gap - Math.abs(a.y - b.y);
  if (overlapX <= 0.01 || overlapY <= 0.01) {
    return false;
  }
  if (overlapX < overlapY) {
    const push = (a.x <= b.x ? -overlapX : overlapX) / 2;
    a.x += push;
    b.x -= push;
  } else {
    const push = (a.y <= b.y ? -overlapY : overlapY) / 2;
    a.y += push;
    b.y -= push;
  }
  return true;
}

/** Possible bends of an edge, as shares of its length, smallest first. */
const BENDS = [0.06, -0.06, 0.16, -0.16, 0.28, -0.28];

/** Return the curve between two nodes that crosses the fewest other nodes; among these, the least bent one. */
export function route(
  from: Point,
  to: Point,
  obstacles: readonly Box[],
  width: number,
  height: number,
): Curve {
  let best: Curve | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  for (const bend of BENDS) {
    const curve = bent(from, to, bend);
    const hits = crossed(curve, obstacles) + outside(curve, width, height);
    if (hits < fewest) {
      best = curve;
      fewest = hits;
    }
    if (hits === 0) {
      break;
    }
  }
  return best ?? bent(from, to, 0);
}

function bent(from: Point, to: Point, bend: number): Curve {
  const control = {
    x: (from.x + to.x) / 2 - (to.y - from.y) * bend * 2,
    y: (from.y + to.y) / 2 + (to.x - from.x) * bend * 2,
  };
  return { from, control, to };
}

function crossed(curve: Curve, obstacles: readonly Box[]): number {
  const points = [...Array(15).keys()].map((step) => pointAt(curve, (step + 1) / 16));
  return obstacles.filter((box) => points.some((point) => covers(box, point, 2))).length;
}

/** Return a penalty for a curve that leaves the frame; it exceeds that of crossing two nodes. */
function outside(curve: Curve, width: number, height: number): number {
  const { x, y } = pointAt(curve, 0.5);
  return x < 4 || y < 4 || x > width - 4 || y > height - 4 ? 3 : 0;
}

export function pointAt({ from, control, to }: Curve, share: number): Point {
  const rest = 1 - share;
  return {
    x: rest * rest * from.x + 2 * rest * share * control.x + share * share * to.x,
    y: rest * rest * from.y + 2 * rest * share * control.y + share * share * to.y,
  };
}

export function curvePath({ from, control, to }: Curve): string {
  return `M${fixed(from.x)} ${fixed(from.y)}Q${fixed(control.x)} ${fixed(control.y)} ${fixed(to.x)} ${fixed(to.y)}`;
}

/** Return the path of an arc that leaves a token upwards and ends at a patch. */
export function arcPath(from: Point, to: Point): string {
  const rise = Math.max(28, Math.abs(from.y - to.y) * 0.55);
  const first = `${fixed(from.x)} ${fixed(from.y - rise)}`;
  const second = `${fixed(to.x)} ${fixed(to.y + rise * 0.4)}`;
  return `M${fixed(from.x)} ${fixed(from.y)}C${first} ${second} ${fixed(to.x)} ${fixed(to.y)}`;
}

/** Shifts of a label along its curve, as shares of the curve, best first. */
const SHIFTS = [0, -0.06, 0.06, -0.12, 0.12, -0.18, 0.18, -0.24, 0.24, -0.3, 0.3];

/**
 * Return a box for a label on the curve, near the share `around`, that overlaps none of `taken`; null if there is none.
 * Among several, return the box that the fewest `others` cross, so that the label clearly belongs to its curve.
 */
export function labelSpot(
  curve: Curve,
  around: number,
  size: { readonly halfWidth: number; readonly halfHeight: number },
  taken: readonly Box[],
  others: readonly Curve[] = [],
): Box | null {
  let best: Box | null = null;
  let fewest = Number.POSITIVE_INFINITY;
  for (const share of SHIFTS.map((shift) => around + shift)) {
    const spot = { ...pointAt(curve, share), ...size };
    if (share > 0.1 && share < 0.9 && !taken.some((box) => overlaps(box, spot))) {
      const through = others.filter((other) => crossed(other, [spot]) > 0).length;
      if (through < fewest) {
        best = spot;
        fewest = through;
      }
    }
  }
  return best;
}

export function overlaps(a: Box, b: Box, gap = 1): boolean {
  return (
    Math.abs(a.x - b.x) < a.halfWidth + b.halfWidth + gap &&
    Math.abs(a.y - b.y) < a.halfHeight + b.halfHeight + gap
  );
}

function covers(box: Box, point: Point, gap: number): boolean {
  return Math.abs(box.x - point.x) < box.halfWidth + gap && Math.abs(box.y - point.y) < box.halfHeight + gap;
}

/** Direction of each arrow key, y downward. */
export const DIRECTIONS: Readonly<Record<string, readonly [x: number, y: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/**
 * Return the nearest place in the direction of an arrow key; the distance across counts double.
 *
 * @param widest largest distance across the direction, as a multiple of the distance along it.
 */
export function nearestTowards<Place extends Point>(
  from: Point,
  places: readonly Place[],
  key: string,
  widest = Number.POSITIVE_INFINITY,
): Place | null {
  const direction = DIRECTIONS[key];
  if (!direction) {
    return null;
  }
  let nearest: Place | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const place of places) {
    const along = (place.x - from.x) * direction[0] + (place.y - from.y) * direction[1];
    const aslant = Math.abs((place.x - from.x) * direction[1]) + Math.abs((place.y - from.y) * direction[0]);
    const distance = along + 2 * aslant;
    if (along > 0 && aslant <= widest * along && distance < least) {
      nearest = place;
      least = distance;
    }
  }
  return nearest;
}

export function clamp(value: number, low: number, high: number): number {
  return high < low ? (low + high) / 2 : Math.min(Math.max(value, low), high);
}

function fixed(value: number): string {
  return String(Math.round(value * 10) / 10);
}
