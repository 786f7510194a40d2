/** The picture, the caption's tokens, arcs between them, and the buttons of the selection. */

import { useRef, useState } from "preact/hooks";
import { colourOf, faded, inkOn } from "../lib/colour";
import { groupName, patchCount, playersWord, rightToLeft, textWord } from "../model/players";
import type { Store } from "../state/store";
import { playerEvents } from "../ui/player-events";
import { Arcs } from "./Arcs";
import { Patches, pressed, spoken, tint } from "./Patches";
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
        <Tokens store={store} tabStop={Math.min(tabStops.token, board.tokens.length - 1)} />
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
      {board.tokens.map((token, index) => {
        const player = first + index;
        return <Chip key={player} store={store} player={player} token={token} tabStop={index === tabStop} />;
      })}
    </div>
  );
}

interface ChipProps {
  readonly store: Store;
  readonly player: number;
  readonly token: string;
  readonly tabStop: boolean;
}

function Chip({ store, player, token, tabStop }: ChipProps) {
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
      {token}
    </button>
  );
}

/** Buttons of the selection; touch screens need the first one to select several players. */
function Picking({ store }: { store: Store }) {
  if (store.view.tool.value === "hide") {
    return (
      <p class="fx-picking">
        Click {playersWord(store.view.board.value)}, or drag over the picture, to hide them from the model.
      </p>
    );
  }
  const selection = store.wire.selection.value;
  return (
    <div class="fx-picking">
      <button
        type="button"
        class="fx-toggle"
        data-action="several"
        aria-pressed={store.view.several.value}
        title="Each click adds to the selection; drag over the picture for an area (Shift does the same)"
        onClick={() => {
          store.view.several.value = !store.view.several.value;
        }}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <rect x="1.5" y="1.5" width="13" height="13" rx="2" stroke-dasharray="2.6 2" />
        </svg>
        Select several
      </button>
      {selection.length > 0 && (
        <button
          type="button"
          class="fx-toggle"
          data-action="clear"
          onClick={() => store.commit("selection", [])}
        >
          Clear {groupName(store.view.board.value, selection)}
        </button>
      )}
    </div>
  );
}
