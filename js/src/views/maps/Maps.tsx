/** One map of the picture for each word: its interactions with the patches, all on one colour scale. */

import { useMemo, useRef, useState } from "preact/hooks";
import { signed } from "../../lib/format";
import { DIRECTIONS } from "../../lib/geometry";
import { type Explanation, interaction, strongest } from "../../model/explanation";
import { rightToLeft, shortName, spokenName, tokenName } from "../../model/players";
import { Scale, sharingNote } from "../../scene/ColourKey";
import type { Store } from "../../state/store";
import { playerEvents, playersAt, point } from "../../ui/player-events";
import { cellsOf, patchAt } from "./cells";
import { TintedPicture, useShapes } from "./TintedPicture";

export function Maps({ store }: { store: Store }) {
  const grid = useRef<HTMLDivElement>(null);
  const [tabStop, setTabStop] = useState(0);
  const of = store.view.explanation.value;
  const outlines = store.view.outlines.value;
  const shapes = useShapes(store, of?.nImage ?? 0);
  if (!of) {
    return null;
  }
  const buttons = () => [...(grid.current?.querySelectorAll<HTMLElement>(".fx-map") ?? [])];
  const focus = (player: number) => {
    setTabStop(player - of.nImage);
    buttons()[player - of.nImage]?.focus();
  };
  const events = playerEvents(store, focus, (player, key) => {
    const next = neighbourOf(buttons(), player - of.nImage, key, rightToLeft(of));
    return next === null ? null : next + of.nImage;
  });
  const hover = (event: PointerEvent) => {
    const [token] = playersAt(event.target);
    const canvas =
      event.target instanceof Element && event.target.closest(".fx-map")?.querySelector("canvas");
    const patch =
      canvas && event.pointerType !== "touch" ? patchAt(canvas, event, outlines, of.nImage) : null;
    if (token !== undefined && patch !== null) {
      point(store, [token, patch]);
    }
  };
  return (
    <div class="fx-maps">
      <p class="fx-maps-head">
        <Scale store={store} name="" end={store.view.limits.value.cross || 1} />
        {of.interactionsSe && <span>outlined: significant</span>}
        {sharingNote(store) && <span>{sharingNote(store)}</span>}
      </p>
      <div
        ref={grid}
        class="fx-maps-grid"
        role="group"
        aria-label="One map for each word of the caption"
        dir={rightToLeft(of) ? "rtl" : "ltr"}
        {...events}
        onPointerMove={hover}
      >
        {of.tokens.map((_, index) => (
          <WordMap
            key={index}
            store={store}
            of={of}
            player={of.nImage + index}
            shapes={shapes}
            tabs={index === tabStop}
          />
        ))}
      </div>
    </div>
  );
}

interface WordMapProps {
  readonly store: Store;
  readonly of: Explanation;
  readonly player: number;
  readonly shapes: readonly string[];
  readonly tabs: boolean;
}

function WordMap({ store, of, player, shapes, tabs }: WordMapProps) {
  const limit = store.view.limits.value.cross || 1;
  const palette = store.view.palette.value;
  const cells = useMemo(() => cellsOf(of, player, limit, palette), [of, player, limit, palette]);
  return (
    <button
      type="button"
      class="fx-map"
      tabindex={tabs ? 0 : -1}
      aria-pressed={store.wire.selection.value.includes(player)}
      aria-label={spoken(of, player)}
      data-player={player}
      data-pointed={store.view.pointed.value.includes(player)}
    >
      <TintedPicture
        store={store}
        cells={cells}
        shapes={shapes}
        pointed={store.view.pointed.value.filter((other) => other < of.nImage)}
      />
      <span class="fx-map-word">{tokenName(of, player)}</span>
    </button>
  );
}

/** "token “dog”, most with patch (5, 1): +1.28" */
function spoken(of: Explanation, player: number): string {
  const [patch] = strongest(of, player, 1, (other) => other < of.nImage);
  const name = spokenName(of, player);
  return patch === undefined
    ? name
    : `${name}, most with ${shortName(of, patch)}: ${signed(interaction(of, player, patch))}`;
}

/** Return the map to which an arrow key leads, or null; maps are in rows of equal length, the last one perhaps shorter. */
export function neighbourOf(
  maps: readonly HTMLElement[],
  at: number,
  key: string,
  reversed: boolean,
): number | null {
  if (key === "Home" || key === "End") {
    return key === "Home" ? 0 : maps.length - 1;
  }
  const [x, y] = DIRECTIONS[key] ?? [0, 0];
  const columns = maps.filter((map) => map.offsetTop === maps[0]?.offsetTop).length;
  const next = at + (reversed ? -x : x) + y * columns;
  return next !== at && next >= 0 && next < maps.length ? next : null;
}
