/** Plotly's heatmap of the cross-modal interactions: tokens down, patches along, row by row. */

import { useEffect, useRef } from "preact/hooks";
import { divergingScale, type Palette } from "../colour";
import { type Explanation, interaction, interactionError, limitOf } from "../explanation";
import { withError } from "../format";
import { shortName } from "../players";
import { loadPlotly, type PlotElement, type Plotly } from "../plotly";
import type { Store } from "../store";
import { useSize } from "./size";

const CONFIG = { displayModeBar: false, responsive: false, doubleClick: "reset" };

export function Heatmap({ store }: { store: Store }) {
  const frame = useRef<HTMLDivElement>(null);
  const { width } = useSize(frame);
  const explanation = store.explanation.value;
  const palette = store.palette.value;
  const dark = store.dark.value;
  const selection = store.traits.selection.value;

  useEffect(() => {
    const element = frame.current;
    if (!element || !explanation || width === 0) {
      return;
    }
    let wanted = true;
    loadPlotly().then(async (plotly) => {
      if (wanted) {
        const ink = getComputedStyle(element);
        const look: Look = {
          palette,
          width,
          text: ink.getPropertyValue("--fg-soft").trim(),
          line: ink.getPropertyValue("--line-strong").trim(),
          strong: ink.getPropertyValue("--fg").trim(),
          middle: ink.getPropertyValue("--panel").trim(),
        };
        const { data, layout } = figure(explanation, look, selection);
        const plot = await plotly.react(element, data, layout, CONFIG);
        attach(plot, store);
      }
    });
    return () => {
      wanted = false;
    };
  }, [explanation, palette, dark, width, selection, store]);

  useEffect(() => () => void purge(frame.current), []);

  return (
    <div
      class="fx-heatmap"
      ref={frame}
      role="img"
      aria-label="Heatmap of the cross-modal interactions; the table has the strongest of them in words"
    />
  );
}

let loaded: Plotly | null = null;

/** Frees what Plotly holds; nothing where it was never loaded. */
async function purge(element: HTMLElement | null): Promise<void> {
  if (element?.classList.contains("js-plotly-plot")) {
    loaded ??= await loadPlotly();
    loaded.purge(element);
  }
}

/** Clicking a cell selects its token and patch; pointing at one shows its token everywhere. */
function attach(plot: PlotElement, store: Store): void {
  for (const event of ["plotly_click", "plotly_hover", "plotly_unhover"]) {
    plot.removeAllListeners(event);
  }
  const first = () => store.explanation.value?.nImage ?? 0;
  plot.on("plotly_click", ({ points }) => {
    const [row, column] = points[0]?.pointIndex ?? [];
    if (row !== undefined && column !== undefined) {
      store.commit("selection", [first() + row, column]);
    }
  });
  plot.on("plotly_hover", ({ points }) => {
    const row = points[0]?.pointIndex[0];
    store.pointed.value = row === undefined ? [] : [first() + row];
  });
  plot.on("plotly_unhover", () => {
    store.pointed.value = [];
  });
}

export interface Look {
  readonly palette: Palette;
  readonly width: number;
  readonly text: string;
  readonly line: string;
  readonly strong: string;
  readonly middle: string;
}

/** Plotly's data and layout. */
export function figure(of: Explanation, look: Look, selection: readonly number[]) {
  const [rows, columns] = of.grid;
  const tokens = [...of.tokens.keys()];
  const patches = [...Array(of.nImage).keys()];
  const z = tokens.map((token) => patches.map((patch) => interaction(of, of.nImage + token, patch)));
  const text = tokens.map((token) =>
    patches.map((patch) => {
      const value = interaction(of, of.nImage + token, patch);
      const error = interactionError(of, of.nImage + token, patch);
      return `${escaped(shortName(of, of.nImage + token))} × ${shortName(of, patch)}<br>${withError(value, error)}`;
    }),
  );
  const limit = limitOf(Float32Array.from(z.flat()));
  const data = [
    {
      type: "heatmap" as const,
      z,
      text,
      zmin: -limit,
      zmax: limit,
      hoverinfo: "text",
      xgap: columns <= 8 ? 1 : 0,
      ygap: 2,
      colorscale: divergingScale(look.palette, look.middle),
      colorbar: {
        orientation: "h",
        thickness: 8,
        len: Math.min(0.5, 240 / look.width),
        x: 1,
        xanchor: "right",
        y: 1,
        yanchor: "bottom",
        ypad: 4,
        xpad: 0,
        outlinewidth: 0,
        nticks: 5,
        tickfont: { size: 11 },
        ticksuffix: "",
      },
    },
  ];
  const axis = { showgrid: false, zeroline: false, fixedrange: true, ticks: "", tickfont: { size: 12 } };
  const layout = {
    width: look.width,
    height: Math.max(300, 110 + 30 * of.tokens.length),
    margin: { l: 8, r: 8, t: 44, b: 40 },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: look.text, family: "inherit", size: 12 },
    hoverlabel: {
      align: "left",
      bgcolor: look.strong,
      bordercolor: look.strong,
      font: { size: 12, color: look.middle },
    },
    xaxis: {
      ...axis,
      tickvals: [...Array(rows).keys()].map((row) => row * columns + (columns - 1) / 2),
      ticktext: [...Array(rows).keys()].map((row) => (rows > 10 ? String(row + 1) : `row ${row + 1}`)),
      title: { text: "patches, row by row", font: { size: 11 }, standoff: 6 },
    },
    yaxis: {
      ...axis,
      tickvals: tokens,
      ticktext: of.tokens.map(escaped),
      autorange: "reversed",
      automargin: true,
      ticklabelstandoff: 6,
    },
    shapes: [...separators(rows, columns, look.line), ...marks(of, selection, look.strong)],
    dragmode: false,
  };
  return { data, layout };
}

/** Between the picture's rows. */
function separators(rows: number, columns: number, color: string) {
  return [...Array(rows - 1).keys()].map((row) => ({
    type: "line",
    x0: (row + 1) * columns - 0.5,
    x1: (row + 1) * columns - 0.5,
    yref: "paper",
    y0: 0,
    y1: 1,
    line: { color, width: 1 },
  }));
}

/** Frames around the rows of selected tokens and the columns of selected patches. */
function marks(of: Explanation, selection: readonly number[], color: string) {
  return selection.map((player) => {
    const token = player - of.nImage;
    const place =
      token >= 0
        ? { x0: -0.5, x1: of.nImage - 0.5, y0: token - 0.5, y1: token + 0.5 }
        : { x0: player - 0.5, x1: player + 0.5, y0: -0.5, y1: of.tokens.length - 0.5 };
    return { type: "rect", ...place, line: { color, width: 1.5 } };
  });
}

/** Plotly reads a little HTML in texts: what a caption says is no markup. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
