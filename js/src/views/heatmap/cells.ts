/** Plotly's figure of a block of interactions, and the places of its cells. */

import { divergingScale, type Palette } from "../../lib/colour";
import { clamp } from "../../lib/geometry";
import { shortened, textWidth } from "../../lib/labels";
import type { Explanation } from "../../model/explanation";
import { tokenNames } from "../../model/players";
import type { Block } from "../../wire/types";

/** A block as a rectangle of cells, in pixels of its frame. */
export interface Sheet {
  readonly rows: readonly number[];
  readonly columns: readonly number[];
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Height of the frame, including axes. */
  readonly total: number;
}

export interface Look {
  readonly palette: Palette;
  readonly text: string;
  readonly line: string;
  readonly middle: string;
}

const TALLEST = 540;
/** Usual and smallest height of a token's row. */
const WORD = { usual: 42, least: 22 };
const TOP = 8;
const RIGHT = 10;
/** Room for an axis with the picture's row numbers and a title. */
const ROW_AXIS = 44;

/** Return the block's players and its place in a frame of this width. */
export function sheet(of: Explanation, block: Block, frame: number): Sheet {
  const patches = [...Array(of.nImage).keys()];
  const tokens = of.tokens.map((_, index) => of.nImage + index);
  const rows = block === "image_image" ? patches : tokens;
  const columns = block === "text_text" ? tokens : patches;
  const words = Math.max(...tokenNames(of.tokens).map((name) => textWidth(shortened(name))), 20) + 14;
  const left = block === "image_image" ? ROW_AXIS : Math.min(words, 0.4 * frame);
  const room = Math.max(frame - left - RIGHT, 60);
  const square = Math.min(room, TALLEST, block === "text_text" ? 56 * tokens.length : TALLEST);
  const width = block === "cross" ? room : square;
  const height =
    block === "cross"
      ? clamp(WORD.usual * tokens.length, 160, Math.max(400, WORD.least * tokens.length))
      : square;
  const foot = block === "text_text" ? (slanted(width, of) ? 0.75 * words + 12 : 26) : ROW_AXIS;
  const centred = left + (room - width) / 2;
  return { rows, columns, left: centred, top: TOP, width, height, total: TOP + height + foot };
}

/** Return whether horizontal labels on the x axis would overlap. */
function slanted(width: number, of: Explanation): boolean {
  const widest = Math.max(...tokenNames(of.tokens).map((name) => textWidth(shortened(name))), 0);
  return widest + 6 > width / Math.max(of.tokens.length, 1);
}

/** Return the players of the cell at a place in the frame; null outside the sheet. */
export function cellAt(of: Sheet, x: number, y: number): readonly [row: number, column: number] | null {
  const [across, down] = [(x - of.left) / of.width, (y - of.top) / of.height];
  if (across < 0 || across > 1 || down < 0 || down > 1) {
    return null;
  }
  const row = of.rows[clamp(Math.floor(down * of.rows.length), 0, of.rows.length - 1)];
  const column = of.columns[clamp(Math.floor(across * of.columns.length), 0, of.columns.length - 1)];
  return row === undefined || column === undefined ? null : [row, column];
}

/** A mark on a cell that is too small to be visible. */
export interface Mark {
  readonly row: number;
  readonly column: number;
  readonly value: number;
  /** Centre of the cell, in pixels of the frame. */
  readonly x: number;
  readonly y: number;
}

/** Smaller cells, in pixels, are hardly visible, so the strongest of them are marked. */
const SEEN = 4;
const MARKED = 40;
/** Cells below this share of the scale have no mark. */
const FAINTEST = 0.2;
/** Largest distance of the pointer from a mark, in pixels. */
const REACH = 5;

/** Return marks for the strongest cells of a sheet with tiny cells; none for a sheet with larger cells. */
export function marksOf(of: Explanation, place: Sheet, limit: number): Mark[] {
  const [wide, high] = [place.width / place.columns.length, place.height / place.rows.length];
  if (Math.min(wide, high) >= SEEN) {
    return [];
  }
  const marks: Mark[] = [];
  for (const [down, row] of place.rows.entries()) {
    for (const [across, column] of place.columns.entries()) {
      const value = of.interactions[row * of.nPlayers + column] ?? 0;
      if (Math.abs(value) > FAINTEST * limit) {
        const at = { x: place.left + (across + 0.5) * wide, y: place.top + (down + 0.5) * high };
        marks.push({ row, column, value, ...at });
      }
    }
  }
  return marks.sort((a, b) => Math.abs(b.value) - Math.abs(a.value)).slice(0, 2 * MARKED);
}

/** Return the nearest mark, if one is within reach. */
export function markAt(marks: readonly Mark[], x: number, y: number): Mark | null {
  let nearest: Mark | null = null;
  let least = REACH;
  for (const mark of marks) {
    const distance = Math.hypot(mark.x - x, mark.y - y);
    if (distance <= least) {
      nearest = mark;
      least = distance;
    }
  }
  return nearest;
}

/** A band over a player's row or column, in pixels of the frame. */
export interface Band {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Narrower bands have their frame outside, where it does not cover the cells. */
const FRAMED_INSIDE = 9;
const OUTSIDE = 3;

/** Return the bands of a player: its row, its column, or both. */
export function bandsOf(of: Sheet, player: number): Band[] {
  const [row, column] = [of.rows.indexOf(player), of.columns.indexOf(player)];
  const [high, wide] = [of.height / of.rows.length, of.width / of.columns.length];
  const bands: Band[] = [];
  if (row >= 0) {
    const by = high < FRAMED_INSIDE ? OUTSIDE : 0;
    bands.push({ left: of.left, width: of.width, top: of.top + row * high - by, height: high + 2 * by });
  }
  if (column >= 0) {
    const by = wide < FRAMED_INSIDE ? OUTSIDE : 0;
    bands.push({ left: of.left + column * wide - by, width: wide + 2 * by, top: of.top, height: of.height });
  }
  return bands;
}

/**
 * Return Plotly's data and layout.
 *
 * @param limit end of the symmetric colour scale, in logits.
 */
export function figure(
  of: Explanation,
  block: Block,
  place: Sheet,
  frame: number,
  look: Look,
  limit: number,
) {
  const { rows, columns } = place;
  const z = rows.map((row) =>
    columns.map((column) => (row === column ? null : (of.interactions[row * of.nPlayers + column] ?? null))),
  );
  const gap = place.width / columns.length > 12 ? 1 : 0;
  const data = [
    {
      type: "heatmap" as const,
      z,
      zmin: -limit,
      zmax: limit,
      hoverinfo: "skip",
      showscale: false,
      xgap: gap,
      ygap: place.height / rows.length > 12 ? Math.max(gap, 1) : 0,
      colorscale: divergingScale(look.palette, look.middle),
    },
  ];
  const layout = {
    width: frame,
    height: place.total,
    margin: {
      l: place.left,
      r: frame - place.left - place.width,
      t: place.top,
      b: place.total - place.top - place.height,
      pad: 0,
    },
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: look.text, family: "inherit", size: 12 },
    xaxis: axis(of, block === "text_text", slanted(place.width, of) ? -45 : 0),
    yaxis: { ...axis(of, block !== "image_image", 0), autorange: "reversed" },
    shapes: separators(of, block, look.line),
    dragmode: false,
    hovermode: false,
  };
  return { data, layout };
}

/** Return an axis with the names of tokens, the picture's row of patches, or the numbers of regions. */
function axis(of: Explanation, words: boolean, tickangle: number) {
  const shared = { showgrid: false, zeroline: false, fixedrange: true, ticks: "", automargin: false };
  if (words) {
    const ticktext = tokenNames(of.tokens).map((name) => escaped(shortened(name)));
    return { ...shared, tickvals: [...of.tokens.keys()], ticktext, tickangle, ticklabelstandoff: 6 };
  }
  if (of.regions) {
    const every = Math.ceil(of.nImage / 16);
    const numbered = [...Array(of.nImage).keys()].filter((player) => player % every === 0);
    const ticktext = numbered.map((player) => String(player + 1));
    return {
      ...shared,
      tickvals: numbered,
      ticktext,
      tickangle: 0,
      tickfont: SMALL,
      title: titled("regions"),
    };
  }
  const [rows, columns] = of.grid;
  const every = Math.ceil(rows / 16);
  const named = [...Array(rows).keys()].filter((row) => row % every === 0);
  return {
    ...shared,
    tickvals: named.map((row) => row * columns + (columns - 1) / 2),
    ticktext: named.map((row) => String(row + 1)),
    tickangle: 0,
    tickfont: SMALL,
    title: titled("patches, by row of the image"),
  };
}

const SMALL = { size: 11 };

function titled(text: string) {
  return { text, font: SMALL, standoff: 6 };
}

/** Return lines between the picture's rows. */
function separators(of: Explanation, block: Block, color: string) {
  if (block === "text_text" || of.regions) {
    return [];
  }
  const [rows, columns] = of.grid;
  const ends = [...Array(rows - 1).keys()].map((row) => (row + 1) * columns - 0.5);
  const line = { color, width: 1 };
  const along = ends.map((at) => ({ type: "line", x0: at, x1: at, yref: "paper", y0: 0, y1: 1, line }));
  const down = ends.map((at) => ({ type: "line", y0: at, y1: at, xref: "paper", x0: 0, x1: 1, line }));
  return block === "cross" ? along : [...along, ...down];
}

/** Escape a caption's text, because Plotly interprets some HTML in labels. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
