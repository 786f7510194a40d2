/** Plotly's figure of a block of interactions. */

import { divergingScale, type Palette } from "../../lib/colour";
import { signed, withError } from "../../lib/format";
import { clamp } from "../../lib/geometry";
import { shortened } from "../../lib/labels";
import {
  type Explanation,
  interaction,
  interactionError,
  isSignificant,
  unitOf,
} from "../../model/explanation";
import { imageWord, shortName, tokenNames } from "../../model/players";
import type { Block } from "../../wire/types";

export interface Look {
  readonly palette: Palette;
  readonly text: string;
  readonly line: string;
  readonly middle: string;
  /** Font family; a downloaded picture cannot inherit one. */
  readonly family: string;
}

export interface Axes {
  /** Players of the rows, from the top, and of the columns. */
  readonly rows: readonly number[];
  readonly columns: readonly number[];
}

export interface Heatmap {
  readonly of: Explanation;
  readonly block: Block;
  /** Width of the figure in pixels. */
  readonly width: number;
  /** End of the symmetric colour scale. */
  readonly limit: number;
  readonly look: Look;
}

/** Height of a token's row, and of the largest figure, in pixels. */
const ROW = { usual: 42, least: 22 };
const TALLEST = 560;
/** Room for ticks, titles and the mode bar. */
const AROUND = 90;
/** Narrower figures have no room for a colour bar beside the cells. */
const NARROW = 480;

export function axesOf(of: Explanation, block: Block): Axes {
  const patches = [...Array(of.nImage).keys()];
  const tokens = of.tokens.map((_, index) => of.nImage + index);
  return {
    rows: block === "image_image" ? patches : tokens,
    columns: block === "text_text" ? tokens : patches,
  };
}

/** Return Plotly's data and layout. */
export function figure({ of, block, width, limit, look }: Heatmap) {
  const { rows, columns } = axesOf(of, block);
  const gap = width / columns.length > 16 ? 1 : 0;
  const narrow = width < NARROW;
  const data = [
    {
      type: "heatmap",
      z: rows.map((row) => columns.map((column) => (row === column ? null : interaction(of, row, column)))),
      zmin: -limit,
      zmax: limit,
      xgap: gap,
      ygap: block === "image_image" ? gap : 1,
      hoverongaps: false,
      colorscale: divergingScale(look.palette, look.middle),
      colorbar: colourBar(unitOf(of), limit, narrow),
      ...labels(of, rows, columns),
    },
  ];
  const square = block !== "cross";
  const layout = {
    width,
    height: heightOf(of, block, width),
    margin: { l: 10, r: 10, t: 34, b: 10 },
    paper_bgcolor: look.middle,
    plot_bgcolor: look.middle,
    font: { color: look.text, family: look.family, size: 12 },
    hoverlabel: { align: "left", font: { family: look.family, size: 12 } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: look.text, activecolor: look.text },
    xaxis: {
      ...axis(of, block === "text_text", narrow),
      range: [-0.5, columns.length - 0.5],
      ...(square && { constrain: "domain" }),
    },
    yaxis: {
      ...axis(of, block !== "image_image", narrow),
      range: [rows.length - 0.5, -0.5],
      ...(square && { scaleanchor: "x", constrain: "domain" }),
    },
    shapes: [...separators(of, block, look.line), framed(2, look.text), framed(1, look.text)],
    // on a touch screen, a drag scrolls the page
    dragmode: isTouchScreen() ? false : "zoom",
  };
  return { data, layout };
}

export function isTouchScreen(): boolean {
  return globalThis.matchMedia?.("(pointer: coarse)").matches ?? false;
}

function heightOf(of: Explanation, block: Block, width: number): number {
  if (block === "cross") {
    const rows = clamp(ROW.usual * of.tokens.length, 160, Math.max(400, ROW.least * of.tokens.length));
    return rows + AROUND + (width < NARROW ? 40 : 0);
  }
  const cells = block === "text_text" ? Math.max(56 * of.tokens.length, 160) : TALLEST;
  const beside = width < NARROW ? 50 : 130;
  return Math.min(width - beside, TALLEST, cells) + AROUND + (width < NARROW ? 40 : 0);
}

/** Return the colour bar: beside the cells, or above them in a narrow figure. */
function colourBar(unit: string, limit: number, narrow: boolean) {
  const ends = [-limit, 0, limit];
  const shared = {
    title: { text: `interaction${unit && `,${unit}`}`, side: narrow ? "top" : "right", font: SMALL },
    tickvals: ends,
    ticktext: ends.map(signed),
    tickfont: SMALL,
    thickness: 10,
    outlinewidth: 0,
  };
  const above = { orientation: "h", x: 0.5, len: 1, y: 1, yanchor: "bottom" };
  return narrow ? { ...shared, ...above, thickness: 8, tickangle: 0 } : { ...shared, len: 1 };
}

/**
 * Return the hover labels: the players, the value with its standard error, and whether it is significant. A label is
 * composed when Plotly reads it, because composing those of 256 × 256 cells in advance would delay the figure.
 */
function labels(of: Explanation, rows: readonly number[], columns: readonly number[]) {
  const text = rows.map((row) =>
    lazy(columns.length, (column) => labelOf(of, row, columns[column] ?? Number.NaN)),
  );
  return { text, hovertemplate: "%{text}<extra></extra>" };
}

function labelOf(of: Explanation, row: number, column: number): string {
  const [first, second] = [row, column].map((player) => escaped(shortName(of, player)));
  const value = withError(interaction(of, row, column), interactionError(of, row, column));
  const significant = isSignificant(of, row, column);
  const note = significant === null ? "" : `<br>${significant ? "significant" : "not significant"}`;
  return `${first} × ${second}<br><b>${value}</b>${note}`;
}

/** Return an array whose elements are computed when they are read. */
function lazy(length: number, at: (index: number) => string): readonly string[] {
  return new Proxy(Array<string>(length), {
    get: (target, key, receiver) =>
      typeof key === "string" && /^\d+$/.test(key) ? at(Number(key)) : Reflect.get(target, key, receiver),
  });
}

/** Return an axis with the names of tokens, the image's row of patches, or the numbers of regions. */
function axis(of: Explanation, words: boolean, narrow: boolean) {
  const shared = { showgrid: false, zeroline: false, ticks: "", automargin: true };
  if (words) {
    const ticktext = tokenNames(of.tokens).map((name) => escaped(shortened(name, narrow ? 12 : undefined)));
    return { ...shared, tickvals: [...of.tokens.keys()], ticktext, ticklabelstandoff: 6 };
  }
  const [rows, columns] = of.grid;
  const every = Math.ceil((of.regions ? of.nImage : rows) / (narrow ? 8 : 16));
  const numbered = [...Array(of.regions ? of.nImage : rows).keys()].filter((index) => index % every === 0);
  const { many } = imageWord(of);
  return {
    ...shared,
    tickvals: of.regions ? numbered : numbered.map((row) => row * columns + (columns - 1) / 2),
    ticktext: numbered.map((index) => String(index + 1)),
    tickangle: 0,
    tickfont: SMALL,
    title: {
      text: of.regions ? many : `${many}, by row${narrow ? "" : " of the image"}`,
      font: SMALL,
      standoff: 6,
    },
  };
}

const SMALL = { size: 11 };

/** Return lines between the image's rows. */
function separators(of: Explanation, block: Block, color: string) {
  if (block === "text_text" || of.regions) {
    return [];
  }
  const [rows, columns] = of.grid;
  const ends = [...Array(rows - 1).keys()].map((row) => (row + 1) * columns - 0.5);
  const line = { color, width: 1 };
  const { length } = axesOf(of, block).rows;
  const across = { x0: -0.5, x1: of.nImage - 0.5 };
  const along = ends.map((at) => ({ type: "line", x0: at, x1: at, y0: -0.5, y1: length - 0.5, line }));
  const down = ends.map((at) => ({ type: "line", y0: at, y1: at, ...across, line }));
  return block === "cross" ? along : [...along, ...down];
}

/** Return an empty path for frames, which {@link framesOf} fills without a redraw of the cells. */
function framed(width: number, color: string) {
  return { type: "path", path: NO_FRAMES, line: { color, width }, fillcolor: "rgba(0,0,0,0)" };
}

const NO_FRAMES = "M-1,-1Z";

/** Return the changes of the layout that frame the rows and columns of the selected and the pointed players. */
export function framesOf(
  axes: Axes,
  layout: { readonly shapes: readonly unknown[] },
  players: { readonly selected: readonly number[]; readonly pointed: readonly number[] },
): Record<string, string> {
  const first = layout.shapes.length - 2;
  return {
    [`shapes[${first}].path`]: around(axes, players.selected),
    [`shapes[${first + 1}].path`]: around(axes, players.pointed),
  };
}

function around({ rows, columns }: Axes, players: readonly number[]): string {
  const rectangles = players.flatMap((player) => {
    const [row, column] = [rows.indexOf(player), columns.indexOf(player)];
    return [
      ...(row < 0 ? [] : [rectangle(0, row, columns.length, 1)]),
      ...(column < 0 ? [] : [rectangle(column, 0, 1, rows.length)]),
    ];
  });
  return rectangles.join("") || NO_FRAMES;
}

function rectangle(column: number, row: number, width: number, height: number): string {
  const [left, top] = [column - 0.5, row - 0.5];
  return `M${left},${top}H${left + width}V${top + height}H${left}Z`;
}

/** Escape a caption's text, because Plotly interprets some HTML in labels. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
