/** The rows that the view has received so far, as columns. They are appended in the order of the corpus. */

import type { Texts } from "./types";

export type Span = readonly [begin: number, end: number];

export class Rows {
  readonly names: readonly string[];
  readonly tokens: (readonly string[])[] = [];
  readonly weakest: (Span | null)[] = [];
  /** The captions in lower case, for the search. */
  readonly lower: string[] = [];
  readonly #numbers: Float64Array[];
  readonly #texts = new Map<string, string[]>([
    ["id", []],
    ["caption", []],
    ["error", []],
  ]);
  readonly #byId = new Map<string, number>();

  /** @param names of the columns of numbers. */
  constructor(names: readonly string[]) {
    this.names = names;
    this.#numbers = names.map(() => new Float64Array(1024));
  }

  get size(): number {
    return this.weakest.length;
  }

  /** Append rows; `numbers` are the columns in the order of `names`. */
  append({ columns, tokens, weakest }: Texts, numbers: readonly Float64Array[]): void {
    const before = this.size;
    for (const [name, values] of Object.entries(columns)) {
      const column = this.#texts.get(name) ?? [];
      this.#texts.set(name, column);
      extend(column, values);
    }
    extend(this.tokens, tokens);
    extend(this.weakest, weakest);
    for (let row = before; row < this.size; row++) {
      this.lower.push(this.text("caption", row).toLowerCase());
      this.#byId.set(this.text("id", row), row);
    }
    for (const [at, values] of numbers.entries()) {
      this.#numbers[at] = grown(this.#numbers[at] ?? new Float64Array(0), this.size);
      this.#numbers[at].set(values, before);
    }
  }

  /** Return the numbers of a column, one for each row; null if there is no such column. */
  numbers(name: string): Float64Array | null {
    return this.#numbers[this.names.indexOf(name)]?.subarray(0, this.size) ?? null;
  }

  number(name: string, row: number): number {
    return this.#numbers[this.names.indexOf(name)]?.[row] ?? Number.NaN;
  }

  /** Return the texts of a column; null if there is no such column. */
  texts(name: string): readonly string[] | null {
    return this.#texts.get(name) ?? null;
  }

  text(name: string, row: number): string {
    return this.#texts.get(name)?.[row] ?? "";
  }

  hasFailed(row: number): boolean {
    return this.text("error", row) !== "";
  }

  /** Return the row with this id, or -1. */
  find(id: string): number {
    return this.#byId.get(id) ?? -1;
  }
}

/** Append values one by one, because a call takes a bounded number of arguments. */
function extend<Value>(column: Value[], values: readonly Value[]): void {
  for (const value of values) {
    column.push(value);
  }
}

/** Return an array for at least `size` numbers that begins with those of `array`. */
function grown(array: Float64Array, size: number): Float64Array {
  if (array.length >= size) {
    return array;
  }
  const larger = new Float64Array(Math.max(size, 2 * array.length));
  larger.set(array);
  return larger;
}
