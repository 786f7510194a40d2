/**
 * Conditions on rows in words, such as `similarity > 25 and not "dog" in caption`. `Corpus.where` in Python reads the
 * same language; js/tests/gallery/answers.json has what it answers.
 *
 *     or:         and { "or" and }
 *     and:        not { "and" not }
 *     not:        "not" not | "(" or ")" | "failed" | comparison
 *     comparison: operand { ( < | <= | > | >= | == | != ) operand } | TEXT [ "not" ] "in" COLUMN
 *     operand:    COLUMN | NUMBER | TEXT
 *
 * A comparison with a missing number is false.
 */

import type { Rows } from "./rows";

export type Condition = (rows: Rows, row: number) => boolean;

export interface Reading {
  /** Null for an empty query, which every row passes, and for one that cannot be read. */
  readonly condition: Condition | null;
  /** Why the query cannot be read, or empty. */
  readonly problem: string;
}

export const TEXTS: readonly string[] = [
  "id",
  "source",
  "image",
  "caption",
  "error",
  "caution",
  "weakest_token",
];
const TOKEN =
  /\s*(?:(\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([A-Za-z_]\w*)|(<=|>=|==|!=|[<>()+-])|(\S))/gy;

interface Token {
  readonly kind: "number" | "text" | "word" | "sign" | "end";
  readonly text: string;
}

/** A column or a constant. */
type Operand =
  | { readonly kind: "number"; readonly of: (rows: Rows, row: number) => number }
  | { readonly kind: "text"; readonly of: (rows: Rows, row: number) => string };

class Problem extends Error {}

/** Read a query; `numbers` are the names of the columns of numbers. */
export function conditionOf(query: string, numbers: readonly string[]): Reading {
  try {
    const tokens = tokensOf(query);
    return { condition: tokens.length > 1 ? new Parser(tokens, numbers).read() : null, problem: "" };
  } catch (error) {
    if (error instanceof Problem) {
      return { condition: null, problem: error.message };
    }
    throw error;
  }
}

function tokensOf(query: string): Token[] {
  const tokens: Token[] = [];
  for (const [, number, double, single, word, sign, other] of query.trimEnd().matchAll(TOKEN)) {
    const text = double ?? single;
    if (other !== undefined) {
      throw new Problem(`“${other}” cannot be part of a condition here.`);
    }
    if (number !== undefined) {
      tokens.push({ kind: "number", text: number });
    } else if (text !== undefined) {
      tokens.push({ kind: "text", text: text.replace(/\\(.)/g, "$1") });
    } else {
      tokens.push(word !== undefined ? { kind: "word", text: word } : { kind: "sign", text: sign ?? "" });
    }
  }
  return [...tokens, { kind: "end", text: "" }];
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #numbers: readonly string[];
  #at = 0;

  constructor(tokens: readonly Token[], numbers: readonly string[]) {
    this.#tokens = tokens;
    this.#numbers = numbers;
  }

  read(): Condition {
    const condition = this.#or();
    if (this.#next.kind !== "end") {
      throw new Problem(`Before “${this.#next.text}”, write and or or.`);
    }
    return condition;
  }

  get #next(): Token {
    return this.#tokens[this.#at] ?? { kind: "end", text: "" };
  }

  #take(): Token {
    const token = this.#next;
    this.#at += 1;
    return token;
  }

  /** Move on if the next token is this word or sign. */
  #skip(text: string): boolean {
    const { kind, text: found } = this.#next;
    const same = (kind === "word" || kind === "sign") && found === text;
    this.#at += same ? 1 : 0;
    return same;
  }

  #or(): Condition {
    const parts = [this.#and()];
    while (this.#skip("or")) {
      parts.push(this.#and());
    }
    return (rows, row) => parts.some((part) => part(rows, row));
  }

  #and(): Condition {
    const parts = [this.#not()];
    while (this.#skip("and")) {
      parts.push(this.#not());
    }
    return (rows, row) => parts.every((part) => part(rows, row));
  }

  #not(): Condition {
    if (this.#skip("not")) {
      const part = this.#not();
      return (rows, row) => !part(rows, row);
    }
    if (this.#skip("(")) {
      const inside = this.#or();
      if (!this.#skip(")")) {
        throw new Problem("A parenthesis is not closed.");
      }
      return inside;
    }
    if (this.#skip("failed")) {
      return (rows, row) => rows.hasFailed(row);
    }
    return this.#comparison();
  }

  #comparison(): Condition {
    const start = this.#next;
    let left = this.#operand();
    const negated = this.#next.text === "not" && this.#next.kind === "word";
    if (this.#skip("not") || this.#next.text === "in") {
      return this.#containment(start, negated);
    }
    const parts: Condition[] = [];
    while (this.#next.kind === "sign" && this.#next.text in SIGNS) {
      const sign = this.#take().text;
      const right = this.#operand();
      parts.push(compared(left, sign, right));
      left = right;
    }
    if (parts.length === 0) {
      throw new Problem(`After “${start.text}”, write one of ${Object.keys(SIGNS).join(" ")}.`);
    }
    return (rows, row) => parts.every((part) => part(rows, row));
  }

  /** Read the rest of `"dog" in caption`. */
  #containment({ kind, text }: Token, negated: boolean): Condition {
    if (!this.#skip("in") || kind !== "text") {
      throw new Problem('Only a text can be searched for, as in "dog" in caption.');
    }
    const { text: name } = this.#take();
    const part = text.toLowerCase();
    if (name === "tokens") {
      return (rows, row) =>
        (rows.tokens[row] ?? []).some((token) => token.toLowerCase() === part) !== negated;
    }
    if (!TEXTS.includes(name)) {
      throw new Problem(`After in, write one of ${[...TEXTS, "tokens"].join(", ")}.`);
    }
    return (rows, row) => rows.text(name, row).toLowerCase().includes(part) !== negated;
  }

  #operand(): Operand {
    const sign = this.#skip("-") ? -1 : 1;
    if (sign === 1) {
      this.#skip("+");
    }
    const { kind, text } = this.#take();
    if (kind === "number") {
      const value = sign * Number(text);
      return { kind: "number", of: () => value };
    }
    if (kind === "text" && sign === 1) {
      return { kind: "text", of: () => text };
    }
    if (kind === "word" && sign === 1 && this.#numbers.includes(text)) {
      return { kind: "number", of: (rows, row) => rows.number(text, row) };
    }
    if (kind === "word" && sign === 1 && TEXTS.includes(text)) {
      return { kind: "text", of: (rows, row) => rows.text(text, row) };
    }
    const columns = [...this.#numbers, ...TEXTS, "failed"].join(", ");
    const what = kind === "word" ? `There is no column “${text}”` : "The condition is incomplete";
    throw new Problem(`${what}; the columns are ${columns}.`);
  }
}

function compared(left: Operand, sign: string, right: Operand): Condition {
  const test = SIGNS[sign] ?? (() => false);
  if (left.kind === "number" && right.kind === "number") {
    return (rows, row) => {
      const [a, b] = [left.of(rows, row), right.of(rows, row)];
      return !Number.isNaN(a) && !Number.isNaN(b) && test(a, b);
    };
  }
  if (left.kind === "text" && right.kind === "text") {
    return (rows, row) => test(left.of(rows, row), right.of(rows, row));
  }
  throw new Problem("A number cannot be compared with a text.");
}

type Comparable = string | number;

const SIGNS: Readonly<Record<string, (a: Comparable, b: Comparable) => boolean>> = {
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
  "==": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};
