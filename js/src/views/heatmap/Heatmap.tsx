/** Plotly's heatmap of a block of interactions, with frames around selected and hovered players. */

import type { RefObject } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { colourOf } from "../../lib/colour";
import { plain, withError } from "../../lib/format";
import { placeWithin, useSize } from "../../lib/size";
import { interaction, interactionError, unitOf } from "../../model/explanation";
import { type Board, imageWord, shortName, textWord } from "../../model/players";
import type { Store } from "../../state/store";
import { adds, point, press } from "../../ui/player-events";
import type { Block } from "../../wire/types";
import { bandsOf, cellAt, figure, type Mark, markAt, marksOf, type Sheet, sheet } from "./cells";
import { loadPlotly } from "./plotly";

const CONFIG = { staticPlot: true, displayModeBar: false, responsive: false };

function titleOf(block: Block, board: Board): string {
  const [image, text] = [imageWord(board).many, textWord(board).many];
  return { cross: `${text} × ${image}`, text_text: `${text} × ${text}`, image_image: `${image} × ${image}` }[
    block
  ];
}

export function Heatmap({ store }: { store: Store }) {
  const frame = useRef<HTMLDivElement>(null);
  const { width } = useSize(frame);
  const of = store.view.explanation.value;
  const block = store.wire.block.value;
  const place = useMemo(() => (of && width > 0 ? sheet(of, block, width) : null), [of, block, width]);
  return (
    <div class="fx-heat">
      <Head store={store} block={block} />
      <div class="fx-heat-frame" ref={frame}>
        <Plot store={store} block={block} place={place} width={width} />
        {place && <Cells store={store} place={place} limit={limitOf(store, block)} />}
      </div>
    </div>
  );
}

/** The block, and the ends of its own colour scale. */
function Head({ store, block }: { store: Store; block: Block }) {
  const { positive, negative } = store.view.palette.value;
  return (
    <div class="fx-heat-head">
      <span>{titleOf(block, store.view.board.value)}</span>
      <span class="fx-scale">
        <span aria-hidden="true">−</span>
        <span class="fx-bar" style={{ "--positive": positive, "--negative": negative }} />
        <span aria-hidden="true">+</span>
        <span>
          ±{plain(limitOf(store, block))}
          {store.view.explanation.value && unitOf(store.view.explanation.value)}
        </span>
      </span>
    </div>
  );
}

function limitOf(store: Store, block: Block): number {
  return store.view.limits.value[block] || 1;
}

interface PlotProps {
  readonly store: Store;
  readonly block: Block;
  readonly place: Sheet | null;
  readonly width: number;
}

function Plot({ store, block, place, width }: PlotProps) {
  const element = useRef<HTMLDivElement>(null);
  const of = store.view.explanation.value;
  const palette = store.view.palette.value;
  const dark = store.view.dark.value;
  const limit = limitOf(store, block);
  useEffect(() => {
    if (!element.current || !of || !place) {
      return;
    }
    let wanted = true;
    void loadPlotly().then(async (plotly) => {
      if (wanted && element.current) {
        const look = { palette, ...inksOf(element.current) };
        const { data, layout } = figure(of, block, place, width, look, limit);
        await plotly.react(element.current, data, layout, CONFIG);
      }
    });
    return () => {
      wanted = false;
    };
    // `dark` is a dependency, because the style sheet's colours depend on the theme
  }, [of, block, place, width, palette, dark, limit]);
  useEffect(() => purging(element), []);
  return (
    <div
      class="fx-heatmap"
      ref={element}
      role="img"
      aria-label={`Heatmap of ${titleOf(block, store.view.board.value)}; the table has the strongest of them in words`}
    />
  );
}

function inksOf(element: Element) {
  const ink = getComputedStyle(element);
  const read = (name: string) => ink.getPropertyValue(name).trim();
  return { text: read("--fg-soft"), line: read("--line"), middle: read("--raised") };
}

/** Return a clean-up that frees Plotly's resources, if the element has a plot. */
function purging(held: RefObject<HTMLElement>): () => void {
  const element = held.current;
  return () => {
    if (element?.classList.contains("js-plotly-plot")) {
      void loadPlotly().then((plotly) => plotly.purge(element));
    }
  };
}

/** A layer over the plot that finds the cell under the pointer and frames rows and columns without a redraw. */
function Cells({ store, place, limit }: { store: Store; place: Sheet; limit: number }) {
  const of = store.view.explanation.value;
  const marks = useMemo(() => (of ? marksOf(of, place, limit) : []), [of, place, limit]);
  const players = (event: MouseEvent): readonly number[] => {
    const { x, y } = placeWithin(event.currentTarget as Element, event);
    const mark = markAt(marks, x, y);
    const cell = mark ? [mark.row, mark.column] : (cellAt(place, x, y) ?? []);
    return [...new Set(cell)];
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the table and the picture do the same for the keyboard
    // biome-ignore lint/a11y/useKeyWithClickEvents: as above
    <div
      class="fx-cells"
      onPointerMove={(event) => {
        if (event.pointerType !== "touch") {
          point(store, players(event));
        }
      }}
      onPointerLeave={() => point(store, [])}
      onClick={(event) => press(store, players(event), adds(store, event))}
    >
      {store.wire.selection.value.map((player) => (
        <Bands key={player} place={place} player={player} selected />
      ))}
      {store.view.pointed.value.map((player) => (
        <Bands key={`pointed-${player}`} place={place} player={player} selected={false} />
      ))}
      <Marks store={store} marks={marks} />
      <Tip store={store} place={place} />
    </div>
  );
}

function Marks({ store, marks }: { store: Store; marks: readonly Mark[] }) {
  const palette = store.view.palette.value;
  return (
    <>
      {marks.map(({ row, column, value, x, y }) => (
        <span
          key={`${row}-${column}`}
          class="fx-mark"
          style={{ left: `${x}px`, top: `${y}px`, background: colourOf(palette, value) }}
        />
      ))}
    </>
  );
}

function Bands({ place, player, selected }: { place: Sheet; player: number; selected: boolean }) {
  return (
    <>
      {bandsOf(place, player).map(({ left, top, width, height }) => (
        <span
          key={width > height ? "row" : "column"}
          class="fx-band"
          data-band={player}
          data-selected={selected}
          style={{ left: `${left}px`, top: `${top}px`, width: `${width}px`, height: `${height}px` }}
        />
      ))}
    </>
  );
}

/** A tooltip with the value of the cell under the pointer. */
function Tip({ store, place }: { store: Store; place: Sheet }) {
  const of = store.view.explanation.value;
  const [i, j] = store.view.pointed.value;
  if (!of || i === undefined || j === undefined) {
    return null;
  }
  const [row, column] = [place.rows.indexOf(i), place.columns.indexOf(j)];
  if (row < 0 || column < 0) {
    return null;
  }
  const x = place.left + ((column + 0.5) / place.columns.length) * place.width;
  const y = place.top + ((row + 0.5) / place.rows.length) * place.height;
  const side = x > place.left + place.width / 2 ? "left" : "right";
  return (
    <p class="fx-tip" data-side={side} style={{ left: `${x}px`, top: `${y}px` }}>
      {shortName(of, i)} × {shortName(of, j)}
      <br />
      <b>{withError(interaction(of, i, j), interactionError(of, i, j))}</b>
    </p>
  );
}
