/** Plotly's heatmap of a block of interactions, linked to the other views. */

import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useSize } from "../../lib/size";
import type { Explanation } from "../../model/explanation";
import { type Board, imageWord, textWord } from "../../model/players";
import type { Store } from "../../state/store";
import { Popover } from "../../ui/Popover";
import { adds, point, press } from "../../ui/player-events";
import type { Block } from "../../wire/types";
import { axesOf, type Heatmap as Drawing, figure, framesOf, isTouchScreen, type Look } from "./figure";
import { loadPlotly, type Plotly, type PlotlyElement, type PlotlyEvent } from "./plotly";

/** Return Plotly's configuration: its mode bar downloads the figure, chooses what a drag does, and resets the zoom. */
function configOf(plotly: Plotly): Record<string, unknown> {
  const picture = { filename: "fixlip-heatmap", scale: 2 };
  const svg = {
    name: "toSvg",
    title: "Download as SVG",
    icon: plotly.Icons.disk,
    click: (plot: HTMLElement) => plotly.downloadImage(plot, { ...picture, format: "svg" }),
  };
  return {
    displaylogo: false,
    displayModeBar: true,
    typesetMath: false,
    toImageButtonOptions: picture,
    modeBarButtons: [
      ["toImage", svg],
      ["zoom2d", "pan2d", "resetScale2d"],
    ],
  };
}

function titleOf(block: Block, board: Board): string {
  const [image, text] = [imageWord(board).many, textWord(board).many];
  return { cross: `${text} × ${image}`, text_text: `${text} × ${text}`, image_image: `${image} × ${image}` }[
    block
  ];
}

export function Heatmap({ store }: { store: Store }) {
  const frame = useRef<HTMLDivElement>(null);
  const plotly = usePlotly(store);
  const { width } = useSize(frame);
  const of = store.view.explanation.value;
  const block = store.wire.heatmap_kind.value;
  const limit = store.view.limits.value[block] || 1;
  const palette = store.view.palette.value;
  const dark = store.view.dark.value;
  const drawing = useMemo<Drawing | null>(
    // `dark` is a dependency, because the style sheet's colours depend on the theme
    () =>
      frame.current && of && width > 0
        ? { of, block, width, limit, look: { palette, ...inksOf(frame.current) } }
        : null,
    [of, block, width, limit, palette, dark],
  );
  return (
    <div class="fx-heat" ref={frame}>
      <Head of={of} block={block} />
      {plotly.state === "loading" && <p class="fx-empty">Loading Plotly, which draws the heatmap …</p>}
      {plotly.state === "missing" && <Missing retry={plotly.retry} />}
      {plotly.state === "ready" && drawing && <Plot store={store} plotly={plotly.plotly} drawing={drawing} />}
    </div>
  );
}

/** The block, and whether its terms are shrunk. */
function Head({ of, block }: { of: Explanation | null; block: Block }) {
  return (
    <p class="fx-heat-head">
      {of && titleOf(block, of)}
      {of?.identified[block] === false && (
        <span data-caveat="identified">
          <Popover text={SHRUNK}>shrunk</Popover>
        </span>
      )}
    </p>
  );
}

const SHRUNK =
  "There are fewer masks than unknown interactions in this block, so the regression shrinks its interactions towards 0. A larger budget determines them better.";

type Loading =
  | { readonly state: "loading" }
  | { readonly state: "ready"; readonly plotly: Plotly }
  | { readonly state: "missing"; readonly retry: () => void };

/** Load Plotly; after a failure, `retry` loads it again. */
function usePlotly(store: Store): Loading {
  const [loading, setLoading] = useState<Loading>({ state: "loading" });
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    let wanted = true;
    const show = (result: Loading) => wanted && setLoading(result);
    setLoading({ state: "loading" });
    loadPlotly(store.model, store.host).then(
      (plotly) => show({ state: "ready", plotly }),
      () => show({ state: "missing", retry: () => setAttempt(attempt + 1) }),
    );
    return () => {
      wanted = false;
    };
  }, [store, attempt]);
  return loading;
}

function Missing({ retry }: { retry: () => void }) {
  return (
    <div class="fx-empty" role="alert">
      <p>{MISSING}</p>
      <button type="button" class="fx-button" data-action="load-plotly" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

const MISSING =
  "Plotly, which draws the heatmap, could not be loaded: it was not saved with this notebook, or the kernel did not send it. Run the cell again if a new attempt fails too.";

interface PlotProps {
  readonly store: Store;
  readonly plotly: Plotly;
  readonly drawing: Drawing;
}

function Plot({ store, plotly, drawing }: PlotProps) {
  const element = useRef<PlotlyElement>(null);
  const latest = useRef(drawing);
  latest.current = drawing;
  const config = useMemo(() => configOf(plotly), [plotly]);
  const { data, layout } = useMemo(() => figure(drawing), [drawing]);
  const axes = axesOf(drawing.of, drawing.block);
  const selected = store.wire.selection.value;
  const pointed = store.view.pointed.value;
  const [ready, setReady] = useState<unknown>(null);
  const framed = useRef("");
  useEffect(() => {
    const plot = element.current as PlotlyElement;
    void plotly.react(plot, data, layout, config).then(() => {
      if (!plot.dataset.linked) {
        plot.dataset.linked = "true";
        link(store, plot, latest);
      }
      framed.current = "";
      setReady(layout);
    });
  }, [plotly, data, layout]);
  useEffect(() => {
    const plot = element.current as PlotlyElement;
    // Plotly's own label shows the cell under the pointer
    const elsewhere = plot.matches(":hover") ? [] : pointed;
    const frames = framesOf(axes, layout, { selected, pointed: elsewhere });
    const key = JSON.stringify(frames);
    // a change of the layout removes the label
    if (ready === layout && key !== framed.current) {
      framed.current = key;
      void plotly.relayout(plot, frames);
    }
  }, [ready, layout, selected, pointed]);
  useEffect(() => {
    const plot = element.current;
    return () => {
      if (plot) {
        plotly.purge(plot);
        point(store, []);
      }
    };
  }, []);
  return (
    <div
      class="fx-heatmap"
      ref={element}
      role="group"
      aria-label={`Heatmap of ${titleOf(drawing.block, store.view.board.value)}; the table has the strongest of them in words`}
    />
  );
}

/** Highlight and select the players of the cell under the pointer in all views. */
function link(store: Store, plot: PlotlyElement, drawing: { readonly current: Drawing }): void {
  const players = ({ points: [cell] }: PlotlyEvent): readonly number[] => {
    const { rows, columns } = axesOf(drawing.current.of, drawing.current.block);
    const pair = cell ? [rows[cell.pointIndex[0]], columns[cell.pointIndex[1]]] : [];
    return [...new Set(pair.filter((player) => player !== undefined))];
  };
  plot.on?.("plotly_hover", (event) => point(store, players(event)));
  plot.on?.("plotly_unhover", () => point(store, []));
  plot.on?.("plotly_click", (event) => {
    // a tap shows the label; Plotly reports it twice, and selecting a pair would remove the label
    if (!isTouchScreen()) {
      press(store, players(event), adds(store, event.event));
    }
  });
}

/** Return the style sheet's colours for text, lines and zero. */
function inksOf(element: Element): Omit<Look, "palette"> {
  const ink = getComputedStyle(element);
  const read = (name: string) => ink.getPropertyValue(name).trim();
  return { text: read("--fg-soft"), line: read("--line"), middle: read("--bg"), family: ink.fontFamily };
}
