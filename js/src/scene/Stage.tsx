/** The picture, the caption's tokens, arcs between them, and the buttons below. */

import { useRef, useState } from "preact/hooks";
import { colourOf, faded, inkOn } from "../lib/colour";
import { patchCount, rightToLeft, textWord, tokenName } from "../model/players";
import type { Store } from "../state/store";
import { playerEvents } from "../ui/player-events";
import { Arcs } from "./Arcs";
import { Patches, pressed, spoken, tint } from "./Patches";
import { Picking } from "./Picking";
import { WordLabels } from "./WordLabels";

export function Stage({ store }: { store: Store }) {
  const stage = useRef<HTMLDivElement>(null);
  const [tabStops, setTabStops] = useState({ patch: 0, token: 0 });
  const board = store.view.board.value;
  const first = patchCount(board);

  const focus = (player: number) => {
    setTabStops((old) => (player < first ? { ...old, patch: player } : { ...old, token: player - first }));
    stage.current?.querySelector<HTMLElement | SVGElement>(`[data-player="${player}"]`)?.focus();
  };
  return (
    <>
      <div class="fx-stage" ref={stage} data-tool={store.view.tool.value} {...playerEvents(store, focus)}>
        <Patches store={store} tabStop={Math.min(tabStops.patch, first - 1)} />
        <WordLabels store={store} />
        {board.tokens.length > 0 && (
          <Tokens store={store} tabStop={Math.min(tabStops.token, board.tokens.length - 1)} />
        )}
        <Arcs store={store} stage={stage} />
      </div>
      <Picking store={store} />
    </>
  );
}

function Tokens({ store, tabStop }: { store: Store; tabStop: number }) {
  const board = store.view.board.value;
  const first = patchCount(board);
  const { one } = textWord(board);
  return (
    <div
      class="fx-tokens"
      role="group"
      aria-label={`Caption, ${one} by ${one}`}
      dir={rightToLeft(board) ? "rtl" : "ltr"}
    >
      {board.tokens.map((_, index) => (
        <Chip key={index} store={store} player={first + index} tabStop={index === tabStop} />
      ))}
    </div>
  );
}

interface ChipProps {
  readonly store: Store;
  readonly player: number;
  readonly tabStop: boolean;
}

function Chip({ store, player, tabStop }: ChipProps) {
  const value = store.view.values.value?.[player];
  const shown = tint(store, player, value);
  const words = store.view.firstSight.value;
  const colour = words?.colours[player - patchCount(store.view.board.value)];
  return (
    <button
      type="button"
      class="fx-chip"
      style={
        colour
          ? { "--tint": faded(colour, 1), "--ink": inkOn(colour) }
          : {
              "--tint":
                shown > 0 && !words
                  ? faded(colourOf(store.view.palette.value, value ?? 0), 0.6 * shown)
                  : "transparent",
            }
      }
      tabindex={tabStop ? 0 : -1}
      aria-pressed={pressed(store, player)}
      aria-label={spoken(store, player, value)}
      data-player={player}
      data-value={value}
      data-word={words ? colour !== null : undefined}
      data-active={store.view.active.value.includes(player)}
      data-removed={store.wire.removed.value.includes(player)}
      data-pointed={store.view.pointed.value.includes(player)}
      data-member={store.view.subset.value?.players.includes(player) ?? false}
    >
      {tokenName(store.view.board.value, player)}
    </button>
  );
}
