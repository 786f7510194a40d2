/** All terms of an explanation as CSV, in the columns of `Explanation.to_csv` in Python. */

import { type Explanation, interaction, interactionError, isSignificant } from "../model/explanation";
import { cell, tokenNames } from "../model/players";
import { mainRows } from "../model/rows";

const COLUMNS = [
  "order",
  "players",
  "kind",
  "places",
  "names",
  "value",
  "standard_error",
  "significant",
] as const;

interface Term {
  readonly players: readonly number[];
  readonly value: number | null;
  readonly se: number | null;
  /** Null if it was not tested. */
  readonly significant: boolean | null;
}

/** Return one line for each term: the baseline, main effects, interactions, and third-order terms that the view has. */
export function csvOf(of: Explanation): string {
  const [names, places] = [namesOf(of), placesOf(of)];
  const line = ({ players, value, se, significant }: Term) => [
    String(players.length),
    players.join(" × "),
    kindOf(of, players),
    players.map((player) => places[player]).join(" × "),
    players.map((player) => names[player]).join(" × "),
    value === null ? "nan" : decimal(value),
    se === null ? "" : decimal(se),
    significant === null ? "" : String(significant),
  ];
  const lines = [[...COLUMNS], ...[...termsOf(of)].map(line)];
  return lines.map((fields) => `${fields.map(quoted).join(",")}\n`).join("");
}

function* termsOf(of: Explanation): Generator<Term> {
  const baseline = of.parts?.find(({ kind }) => kind === "baseline");
  yield { players: [], value: of.baseline, se: baseline?.se ?? null, significant: null };
  yield* mainRows(of, null);
  for (let i = 0; of.order >= 2 && i < of.nPlayers; i++) {
    for (let j = i + 1; j < of.nPlayers; j++) {
      yield {
        players: [i, j],
        value: interaction(of, i, j),
        se: interactionError(of, i, j),
        significant: isSignificant(of, i, j),
      };
    }
  }
  for (const { players, value, se, significant = null } of of.triples) {
    yield { players, value, se, significant };
  }
}

/** Return the names of all players, as `Players.names` in Python. */
function namesOf(of: Explanation): string[] {
  const patch = (player: number) => {
    const { row, column } = cell(of, player);
    return of.regions ? `region ${player + 1}` : `patch (${row + 1}, ${column + 1})`;
  };
  return [...Array.from({ length: of.nImage }, (_, player) => patch(player)), ...tokenNames(of.tokens)];
}

/** Return the places of all players, counted from 0: "1,2" for a patch, else a number. */
function placesOf(of: Explanation): string[] {
  const patch = (player: number) => {
    const { row, column } = cell(of, player);
    return of.regions ? String(player) : `${row},${column}`;
  };
  const patches = Array.from({ length: of.nImage }, (_, player) => patch(player));
  return [...patches, ...of.tokens.map((_, index) => String(index))];
}

function kindOf(of: Explanation, players: readonly number[]): string {
  const kind = players.map((player) => (player < of.nImage ? "image" : "text")).join("_");
  return kind === "image_text" ? "cross" : kind || "baseline";
}

/** Return the shortest decimal number that is read back as `value`: in single precision where it is of that precision. */
export function decimal(value: number): string {
  if (Math.fround(value) === value) {
    for (let digits = 6; digits < 10; digits++) {
      const rounded = Number(value.toPrecision(digits));
      if (Math.fround(rounded) === value) {
        return String(rounded);
      }
    }
  }
  return Number.isNaN(value) ? "nan" : String(value);
}

/** Quote a field that contains a comma, a quotation mark or a line break. */
function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
