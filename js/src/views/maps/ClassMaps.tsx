/** One map of the picture for each class: what every patch adds to its logit, all on one colour scale. */

import { useMemo, useRef, useState } from "preact/hooks";
import { count, signed } from "../../lib/format";
import { type ClassMap, percent } from "../../model/classes";
import { limitOf } from "../../model/explanation";
import { shortName } from "../../model/players";
import { Scale } from "../../scene/ColourKey";
import type { Store } from "../../state/store";
import { point } from "../../ui/player-events";
import { patchAt, tinted } from "./cells";
import { neighbourOf } from "./Maps";
import { TintedPicture, useShapes } from "./TintedPicture";

interface ClassMapsProps {
  readonly store: Store;
  /** Largest number of maps; all of them by default. */
  readonly most?: number;
}

export function ClassMaps({ store, most }: ClassMapsProps) {
  const grid = useRef<HTMLDivElement>(null);
  const [tabStop, setTabStop] = useState(0);
  const all = store.view.classMaps.value;
  const outlines = store.view.outlines.value;
  const players = all?.[0]?.values.length ?? 0;
  const classes = store.wire.classes.value.length;
  const shapes = useShapes(store, players);
  if (!all) {
    return <p class="fx-empty">{missing(store)}</p>;
  }
  const maps = all.slice(0, most);
  const limit = Math.max(...maps.map(({ values }) => limitOf(values)));
  const move = (event: KeyboardEvent) => {
    const buttons = [...(grid.current?.querySelectorAll<HTMLElement>(".fx-map") ?? [])];
    const next = neighbourOf(buttons, buttons.indexOf(event.target as HTMLElement), event.key, false);
    if (next !== null) {
      event.preventDefault();
      setTabStop(next);
      buttons[next]?.focus();
    }
  };
  const hover = (event: PointerEvent) => {
    const canvas =
      event.target instanceof Element && event.target.closest(".fx-map")?.querySelector("canvas");
    const patch = canvas && event.pointerType !== "touch" ? patchAt(canvas, event, outlines, players) : null;
    point(store, patch === null ? [] : [patch]);
  };
  return (
    <div class="fx-maps fx-class-maps">
      <p class="fx-maps-head">
        <Scale store={store} name="" end={limit} />
        <span>coloured: significant</span>
        {classes > maps.length && (
          <span>
            {maps.length} of {count(classes)} classes
          </span>
        )}
      </p>
      <div
        ref={grid}
        class="fx-maps-grid"
        role="group"
        aria-label="One map for each class"
        onKeyDown={move}
        onPointerMove={hover}
        onPointerLeave={() => point(store, [])}
      >
        {maps.map((map, index) => (
          <MapButton
            key={map.name}
            store={store}
            map={map}
            limit={limit}
            shapes={shapes}
            tabs={index === Math.min(tabStop, maps.length - 1)}
          />
        ))}
      </div>
    </div>
  );
}

interface MapButtonProps {
  readonly store: Store;
  readonly map: ClassMap;
  readonly limit: number;
  readonly shapes: readonly string[];
  readonly tabs: boolean;
}

function MapButton({ store, map, limit, shapes, tabs }: MapButtonProps) {
  const palette = store.view.palette.value;
  const cells = useMemo(
    () =>
      tinted(
        [...map.values].map((value, patch) => (map.significant[patch] === 1 ? value : 0)),
        limit,
        palette,
        () => false,
      ),
    [map, limit, palette],
  );
  const row = store.view.classRows.value?.find(({ name }) => name === map.name);
  const share = row ? percent(row.now ?? row.probability) : "";
  return (
    <button
      type="button"
      class="fx-map"
      data-class={map.name}
      tabindex={tabs ? 0 : -1}
      aria-pressed={store.wire.chosen.value.includes(map.name)}
      aria-label={spoken(store, map, share)}
      onClick={(event) => (event.shiftKey ? store.versus(map.name) : store.commit("chosen", [map.name]))}
    >
      <TintedPicture store={store} cells={cells} shapes={shapes} pointed={store.view.pointed.value} />
      <span class="fx-map-word">
        {map.name} {share && <small>{share}</small>}
      </span>
    </button>
  );
}

/** "dog 45 %: most by patch (3, 4), +1.28 logits" */
function spoken(store: Store, { name, values }: ClassMap, share: string): string {
  const largest = values.reduce(
    (best, value, at) => (Math.abs(value) > Math.abs(values[best] ?? 0) ? at : best),
    0,
  );
  return `${name} ${share}: most by ${shortName(store.view.board.value, largest)}, ${signed(values[largest] ?? 0)} logits`;
}

/** Return why there are no maps. */
function missing(store: Store): string {
  const { offline } = store.wire;
  return offline.value
    ? `This page has the maps of the classes at p = ${offline.value.p[0]} only. ${offline.value.why}`
    : "The maps come with the first result.";
}
