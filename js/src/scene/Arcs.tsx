/** Arcs from tokens to the patches that they interact with. */

import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { colourOf, strength } from "../lib/colour";
import { arcPath, type Point } from "../lib/geometry";
import { scaleOf, useSize } from "../lib/size";
import type { Arc } from "../model/arcs";
import type { Outlines } from "../model/outlines";
import { playerCount } from "../model/players";
import type { Store } from "../state/store";

export function Arcs({ store, stage }: { store: Store; stage: RefObject<HTMLDivElement> }) {
  const { width, height } = useSize(stage);
  const [places, setPlaces] = useState<ReadonlyMap<number, Point>>(new Map());
  const players = playerCount(store.view.board.value);
  const outlines = store.view.outlines.value;
  useLayoutEffect(() => {
    if (stage.current) {
      setPlaces(placesIn(stage.current, outlines));
    }
  }, [width, height, players, store.view.board.value, outlines]);
  return (
    <svg class="fx-arcs" viewBox={`0 0 ${width || 1} ${height || 1}`} aria-hidden="true">
      {store.view.arcs.value.map((arc) => (
        <ArcMark key={`${arc.token}-${arc.patch}`} store={store} arc={arc} places={places} />
      ))}
    </svg>
  );
}

function ArcMark({ store, arc, places }: { store: Store; arc: Arc; places: ReadonlyMap<number, Point> }) {
  const from = places.get(arc.token);
  const to = places.get(arc.patch);
  if (!from || !to) {
    return null;
  }
  const strong = strength(arc.value, store.view.scales.value.cross);
  const colour = colourOf(store.view.palette.value, arc.value);
  return (
    <g class="fx-arc" data-significant={arc.significant} style={{ "--colour": colour }}>
      <path class="fx-halo" d={arcPath(from, to)} stroke-width={3 + 4 * strong} />
      <path d={arcPath(from, to)} stroke-width={1 + 4 * strong} />
      <circle cx={to.x} cy={to.y} r={2.5 + 2 * strong} />
    </g>
  );
}

/** Return the end of an arc at each player, relative to the stage. */
function placesIn(stage: HTMLElement, outlines: Outlines): Map<number, Point> {
  const origin = stage.getBoundingClientRect();
  const scale = scaleOf(stage);
  const picture = stage.querySelector(".fx-picture")?.getBoundingClientRect() ?? origin;
  const places = new Map<number, Point>();
  for (const element of stage.querySelectorAll("[data-player]")) {
    const player = Number(element.getAttribute("data-player"));
    const at = element.classList.contains("fx-chip")
      ? topOf(element.getBoundingClientRect())
      : within(picture, outlines.centre(player));
    places.set(player, { x: (at.x - origin.left) / scale, y: (at.y - origin.top) / scale });
  }
  return places;
}

function topOf(box: DOMRect): Point {
  return { x: box.left + box.width / 2, y: box.top };
}

function within(box: DOMRect, share: Point): Point {
  return { x: box.left + share.x * box.width, y: box.top + share.y * box.height };
}
