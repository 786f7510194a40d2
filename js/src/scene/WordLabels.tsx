/** The words on the picture, each at the patch with which it interacts most, so that colours need not be told apart. */

import { useRef } from "preact/hooks";
import { inkOn } from "../lib/colour";
import { clamp } from "../lib/geometry";
import { shortened, textWidth } from "../lib/labels";
import { type Size, useSize } from "../lib/size";
import type { Outlines } from "../model/outlines";
import type { WordColours } from "../state/first-sight";
import type { Store } from "../state/store";

const HEIGHT = 18;
const PADDING = 6;
/** Size of the labels' type, as a share of the type that `textWidth` measures. */
const SMALLER = 11 / 13;
/** A label that would cover another one moves to a patch with at least this share of the word's strongest interaction. */
const LEAST_SHARE = 0.5;

export function WordLabels({ store }: { store: Store }) {
  const layer = useRef<HTMLDivElement>(null);
  const size = useSize(layer);
  const outlines = store.view.outlines.value;
  const { image } = store.wire.scene.value;
  const words = store.view.firstSight.value;
  const { tokens } = store.view.board.value;
  return (
    <div
      ref={layer}
      class="fx-words"
      style={{
        aspectRatio: image ? `${image.width} / ${image.height}` : `${outlines.width} / ${outlines.height}`,
      }}
      aria-hidden="true"
    >
      {words &&
        size.width > 0 &&
        placesOf(words, tokens, outlines, size).map(({ word, x, y, width }) => {
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
              {shortened(tokens[word] ?? "")}
            </span>
          );
        })}
    </div>
  );
}

export interface Place {
  readonly word: number;
  /** Left upper corner and width, in pixels. */
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

/** Return the place of each coloured word's label: inside the picture, on one of its strongest patches. */
export function placesOf(
  { words, values, colours }: WordColours,
  tokens: readonly string[],
  outlines: Outlines,
  size: Size,
): Place[] {
  const places: Place[] = [];
  const best = [...words.keys()]
    .filter((patch) => colours[words[patch] ?? -1])
    .sort((a, b) => (values[b] ?? 0) - (values[a] ?? 0));
  for (const word of new Set(best.map((patch) => words[patch] ?? -1))) {
    const own = best.filter((patch) => words[patch] === word);
    const least = LEAST_SHARE * (values[own[0] ?? -1] ?? 0);
    const width = SMALLER * textWidth(shortened(tokens[word] ?? "")) + 2 * PADDING;
    const tried = own
      .filter((patch) => (values[patch] ?? 0) >= least)
      .map((patch) => ({ word, width, ...corner(outlines, patch, width, size) }));
    const place = tried.find((one) => !places.some((other) => overlap(one, other))) ?? tried[0];
    if (place) {
      places.push(place);
    }
  }
  return places;
}

/** Return the left upper corner of a label in the middle of a patch, but within the picture. */
function corner(outlines: Outlines, patch: number, width: number, size: Size) {
  const { x, y } = outlines.centre(patch);
  return {
    x: clamp(x * size.width - width / 2, 0, size.width - width),
    y: clamp(y * size.height - HEIGHT / 2, 0, size.height - HEIGHT),
  };
}

function overlap(one: Place, other: Place): boolean {
  return one.x < other.x + other.width && other.x < one.x + one.width && Math.abs(one.y - other.y) < HEIGHT;
}
