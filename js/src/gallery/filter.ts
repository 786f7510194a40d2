/** Which rows are shown, and in which order. Python has the same rules in fixlip_widgets/gallery/filters.py. */

import type { Condition } from "./query";
import type { Rows } from "./rows";
import type { GallerySettings } from "./types";

export type Ranges = GallerySettings["ranges"];

export interface Filter {
  readonly search: string;
  readonly condition: Condition | null;
  readonly ranges: Ranges;
}

/** Return the rows that pass the filter, in the order of the corpus. */
export function matching(rows: Rows, { search, condition, ranges }: Filter): Uint32Array {
  const text = search.trim().toLowerCase();
  const limits = Object.entries(ranges).map(([name, range]) => ({ values: rows.numbers(name), range }));
  const found = new Uint32Array(rows.size);
  let count = 0;
  for (let row = 0; row < rows.size; row++) {
    const inside = limits.every(({ values, range: [low, high] }) => {
      const value = values?.[row] ?? Number.NaN;
      return value >= low && value <= high;
    });
    if (inside && (text === "" || rows.lower[row]?.includes(text)) && (!condition || condition(rows, row))) {
      found[count++] = row;
    }
  }
  return found.subarray(0, count);
}

/** Return the rows in the order of a column; rows without a value are last, and ties keep the order of the corpus. */
export function ordered(rows: Rows, found: Uint32Array, sort: string, descending: boolean): Uint32Array {
  const sign = descending ? -1 : 1;
  const numbers = rows.numbers(sort);
  if (numbers) {
    return found.slice().sort((a, b) => compareNumbers(numbers[a] ?? NaN, numbers[b] ?? NaN, sign) || a - b);
  }
  const texts = rows.texts(sort);
  if (texts) {
    return found.slice().sort((a, b) => sign * compareTexts(texts[a] ?? "", texts[b] ?? "") || a - b);
  }
  return descending ? found.slice().reverse() : found;
}

function compareNumbers(a: number, b: number, sign: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) {
    return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  }
  return sign * (a - b);
}

/** Compare by code units, as Python does for the texts that captions consist of, not by the reader's language. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

export interface Histogram {
  readonly low: number;
  readonly high: number;
  /** Number of rows in each bin; the bins divide the range evenly. */
  readonly counts: readonly number[];
}

/** Count the finite values of rows; null if there are none. */
export function histogramOf(values: Float64Array, found: Uint32Array, bins: number): Histogram | null {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const row of found) {
    const value = values[row] ?? Number.NaN;
    if (Number.isFinite(value)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (low > high) {
    return null;
  }
  if (low === high) {
    [low, high] = [low - 0.5, high + 0.5];
  }
  const counts = Array<number>(bins).fill(0);
  for (const row of found) {
    const value = values[row] ?? Number.NaN;
    if (Number.isFinite(value)) {
      const bin = Math.min(bins - 1, Math.floor((bins * (value - low)) / (high - low)));
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
  }
  return { low, high, counts };
}
