/** Names of players, and their neighbours for the arrow keys. Patches or regions come first, then the tokens. */

import { superscript } from "../lib/format";
import { nearestTowards } from "../lib/geometry";
import type { Outlines } from "./outlines";

export interface Board {
  readonly grid: readonly [rows: number, columns: number];
  /** Whether image players are regions of any shape, which the grid only numbers. */
  readonly regions: boolean;
  readonly tokens: readonly string[];
  /** Whether the tokens are whole words. */
  readonly words?: boolean;
}

export function patchCount(board: Board): number {
  return board.grid[0] * board.grid[1];
}

export function playerCount(board: Board): number {
  return patchCount(board) + board.tokens.length;
}

/** Return row and column of a patch, counted from 0. */
export function cell(board: Board, player: number): { row: number; column: number } {
  const columns = board.grid[1];
  return { row: Math.floor(player / columns), column: player % columns };
}

interface Called {
  readonly one: string;
  readonly many: string;
}

/** Return the noun for image players, in singular and plural. */
export function imageWord({ regions }: Pick<Board, "regions">): Called {
  return regions ? { one: "region", many: "regions" } : { one: "patch", many: "patches" };
}

/** Return the noun for text players, in singular and plural. */
export function textWord({ words }: Pick<Board, "words">): Called {
  return words ? { one: "word", many: "words" } : { one: "token", many: "tokens" };
}

/** Return the nouns for all players: "patches and tokens", or one of them if there are no others. */
export function playersWord(board: Board): string {
  const [image, text] = [imageWord(board).many, textWord(board).many];
  if (board.tokens.length === 0) {
    return image;
  }
  return patchCount(board) === 0 ? text : `${image} and ${text}`;
}

/** Return the name of a text player, numbered if its token occurs more than once: a¹, a²; undefined for a patch. */
export function tokenName(board: Pick<Board, "grid" | "tokens">, player: number): string | undefined {
  const [rows, columns] = board.grid;
  return tokenNames(board.tokens)[player - rows * columns];
}

/** Return the names of all text players, as `numbered` in Python. */
export function tokenNames(tokens: readonly string[]): string[] {
  return tokens.map((token, index) => {
    const same = [...tokens.keys()].filter((other) => tokens[other] === token);
    return same.length > 1 ? `${token}${superscript(same.indexOf(index) + 1)}` : token;
  });
}

/** Return the short name of a player: “dog”, patch (5, 1), region 12. */
export function shortName(board: Board, player: number): string {
  const token = tokenName(board, player);
  if (token !== undefined) {
    return `“${isolated(token)}”`;
  }
  if (board.regions) {
    return `region ${player + 1}`;
  }
  const { row, column } = cell(board, player);
  return `patch (${row + 1}, ${column + 1})`;
}

/** Return the label of an image player in the kernel's graphs: 5,1 for a patch, 12 for a region. */
export function shortLabel(board: Board, player: number): string {
  const { row, column } = cell(board, player);
  return board.regions ? `${player + 1}` : `${row + 1},${column + 1}`;
}

/** Return the name of a player for screen readers: token “dog”, patch row 5, column 1. */
export function spokenName(board: Board, player: number): string {
  if (player >= patchCount(board)) {
    return `${textWord(board).one} ${shortName(board, player)}`;
  }
  if (board.regions) {
    return shortName(board, player);
  }
  const { row, column } = cell(board, player);
  return `patch row ${row + 1}, column ${column + 1}`;
}

/** Isolate a name in a right-to-left script, so that it does not reorder the text around it. */
function isolated(name: string): string {
  return FROM_RIGHT.test(name) ? `\u2068${name}\u2069` : name;
}

/** A letter of a right-to-left script. */
const FROM_RIGHT = /[\p{sc=Adlam}\p{sc=Arabic}\p{sc=Hebrew}\p{sc=Nko}\p{sc=Syriac}\p{sc=Thaana}]/u;

/** Return whether the first letter of the tokens is of a right-to-left script. */
export function rightToLeft({ tokens }: Pick<Board, "tokens">): boolean {
  const letter = /\p{L}/u.exec(tokens.join(""));
  return letter !== null && FROM_RIGHT.test(letter[0]);
}

/** Return the names of several players: “black” + “dog”. */
export function namesOf(board: Board, players: readonly number[]): string {
  return players.map((player) => shortName(board, player)).join(" + ");
}

/** Return names of up to three players, or numbers of more: “dog” + patch (5, 1); 12 patches + 1 token. */
export function groupName(board: Board, players: readonly number[]): string {
  if (players.length <= 3) {
    return namesOf(board, players);
  }
  const patches = players.filter((player) => player < patchCount(board)).length;
  const counted = [counting(patches, imageWord(board)), counting(players.length - patches, textWord(board))];
  return counted.filter((part) => part !== "").join(" + ");
}

/** Return a number with its noun: 1 patch, 12 patches; an empty string for 0. */
export function counting(number: number, { one, many }: Called): string {
  return number === 0 ? "" : `${number} ${number === 1 ? one : many}`;
}

/**
 * Return the player to which an arrow key leads from `player`, or null. The tokens are below the patches.
 *
 * @param outlines outlines of regions; not needed for patches of a grid.
 */
export function neighbour(
  board: Board,
  player: number,
  key: string,
  outlines: Outlines | null = null,
): number | null {
  const regions = board.regions ? outlines : null;
  if (player >= patchCount(board)) {
    return key === "ArrowUp" && regions ? lowest(board, regions) : fromToken(board, player, key);
  }
  return regions ? fromRegion(board, regions, player, key) : fromPatch(board, player, key);
}

/** Largest distance across a key's direction, as a multiple of the distance along it. */
const ASLANT = 1.5;

function fromRegion(board: Board, outlines: Outlines, player: number, key: string): number | null {
  const count = patchCount(board);
  if (key === "Home" || key === "End") {
    return key === "Home" ? 0 : count - 1;
  }
  const others = [...Array(count).keys()].filter((other) => other !== player);
  const places = others.map((other) => ({ player: other, ...outlines.centre(other) }));
  const nearest = nearestTowards(outlines.centre(player), places, key, ASLANT);
  return nearest?.player ?? (key === "ArrowDown" ? firstToken(board) : null);
}

function lowest(board: Board, outlines: Outlines): number | null {
  const players = [...Array(patchCount(board)).keys()];
  return players.reduce<number | null>(
    (low, player) => (low === null || outlines.centre(player).y > outlines.centre(low).y ? player : low),
    null,
  );
}

function fromPatch(board: Board, player: number, key: string): number | null {
  const [rows, columns] = board.grid;
  const { row, column } = cell(board, player);
  switch (key) {
    case "ArrowLeft":
      return column > 0 ? player - 1 : null;
    case "ArrowRight":
      return column < columns - 1 ? player + 1 : null;
    case "ArrowUp":
      return row > 0 ? player - columns : null;
    case "ArrowDown":
      return row < rows - 1 ? player + columns : firstToken(board);
    case "Home":
      return row * columns;
    case "End":
      return row * columns + columns - 1;
    default:
      return null;
  }
}

function fromToken(board: Board, player: number, key: string): number | null {
  const first = patchCount(board);
  const last = playerCount(board) - 1;
  const [back, on] = rightToLeft(board) ? ["ArrowRight", "ArrowLeft"] : ["ArrowLeft", "ArrowRight"];
  switch (key) {
    case back:
      return player > first ? player - 1 : null;
    case on:
      return player < last ? player + 1 : null;
    case "ArrowUp":
      return first > 0 ? first - board.grid[1] : null;
    case "Home":
      return first;
    case "End":
      return last;
    default:
      return null;
  }
}

function firstToken(board: Board): number | null {
  return board.tokens.length > 0 ? patchCount(board) : null;
}
