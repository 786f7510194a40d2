/** The words on the picture, each above its strongest patch and those connected with it: not everyone sees all colours. */

import { useRef } from "preact/hooks";
import { inkOn } from "../lib/colour";
import { clamp, type Point } from "../lib/geometry";
import { shortened, textWidth } from "../lib/labels";
import { type Size, useSize } from "../lib/size";
import type { Outlines, Rectangle } from "../model/outlines";
import { tokenNames } from "../model/players";
import type { WordColours } from "../state/first-sight";
import type { Store } from "../state/store";

const HEIGHT = 18;
const PADDING = 6;
/** Size of the labels' type, as a share of the type that `textWidth` measures. */
const SMALLER = 11 / 13;

export function WordLabels({ store }: { store: Store }) {
  const layer = useRef<HTMLDivElement>(null);
  const size = useSize(layer);
  const outlines = store.view.outlines.value;
  const { image } = store.wire.scene.value;
  const words = store.view.firstSight.value;
  const labels = labelsOf(store.view.board.value.tokens);
  return (
    <div
      ref={layer}
      class="fx-word-labels"
      style={{
        aspectRatio: image ? `${image.width} / ${image.height}` : `${outlines.width} / ${outlines.height}`,
      }}
      aria-hidden="true"
    >
      {words &&
        size.width > 0 &&
        placesOf(words, labels, outlines, size).map(({ word, x, y, width }) => {
          const colour = words.colours[word] ?? "#000000";
          return (
            <span
              key={word}
              data-word={word}
              style={{
                left: `${x}px`,
                top: `${y}px`,
                width: `${width}px`,
                height: `${HEIGHT}px`,
                background: colour,
                color: inkOn(colour),
              }}
            >
              {labels[word]}
            </span>
          );
        })}
    </div>
  );
}

/**
 * Return the tokens not too long, and numbered if they occur more than once. The punctuation after a token is left out
 * unless only it distinguishes two tokens.
 */
export function labelsOf(tokens: readonly string[]): string[] {
  const bare = tokens.map((token) => token.replace(/\p{P}+$/u, "") || token);
  const labels = tokens.map((token, index) => {
    const alike = tokens.some((other, at) => other !== token && bare[at] === bare[index]);
    return alike ? token : (bare[index] ?? token);
  });
  return tokenNames(labels.map((label) => shortened(label)));
}

export interface Place {
  readonly word: number;
  /** Left upper corner and width, in pixels. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** Return the place of each coloured word's label, strongest first, so that no label covers another one if possible. */
export function placesOf(
  { words, values, colours }: WordColours,
  labels: readonly string[],
  outlines: Outlines,
  size: Size,
): Place[] {
  const places: Place[] = [];
  const best = [...words.keys()]
    .filter((patch) => colours[words[patch] ?? -1])
    .sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
  for (const word of new Set(best.map((patch) => words[patch] ?? -1))) {
    const own = best.filter((patch) => words[patch] === word);
    const width = SMALLER * textWidth(labels[word] ?? "") + 2 * PADDING;
    const tried = [above(outlines, connected(outlines, own)), ...own.map(outlines.centre)].map(
      ({ x, y }) => ({
        word,
        width,
        x: clamp(x * size.width - width / 2, 0, size.width - width),
        y: clamp(y * size.height - HEIGHT / 2, 0, size.height - HEIGHT),
      }),
    );
    const place = tried.find((one) => !places.some((other) => overlap(one, other))) ?? tried[0];
    if (place) {
      places.push(place);
    }
  }
  return places;
}

/** Return the players whose boxes are connected with the first one's. */
function connected(outlines: Outlines, players: readonly number[]): number[] {
  const found = players.slice(0, 1);
  for (const player of found) {
    const near = players.filter(
      (other) => !found.includes(other) && touch(outlines.box(player), outlines.box(other)),
    );
    found.push(...near);
  }
  return found;
}

/** Return whether two boxes share a part of an edge, or overlap. */
function touch(one: Rectangle, other: Rectangle): boolean {
  const across = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const down = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  return Math.min(across, down) >= 0 && Math.max(across, down) > 0;
}

/** Return the middle of the upper edge of several players, in the unit square. */
function above(outlines: Outlines, players: readonly number[]): Point {
  const boxes = players.map(outlines.box);
  const top = Math.min(...boxes.map((box) => box.y));
  const row = boxes.filter((box) => box.y === top);
  const [left, right] = [
    Math.min(...row.map((box) => box.x)),
    Math.max(...row.map((box) => box.x + box.width)),
  ];
  return { x: (left + right) / 2 / outlines.width, y: top / outlines.height };
}

function overlap(one: Place, other: Place): boolean {
  return one.x < other.x + other.width && other.x < one.x + one.width && Math.abs(one.y - other.y) < HEIGHT;
}
