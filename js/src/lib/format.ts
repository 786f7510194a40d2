/** Numbers as text. */

import type { Cost } from "../wire/types";

/** Smaller values are rounding errors of zero. */
const SMALLEST = 1e-6;
const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** 17 → "¹⁷" */
export function superscript(whole: number): string {
  return [...String(whole)].map((digit) => SUPERSCRIPTS[Number(digit)] ?? digit).join("");
}

/** 131072 → "131,072" */
export function count(whole: number): string {
  return Math.round(whole).toLocaleString("en-US");
}

/** 131072 → "2¹⁷"; a budget that is not a power of two is written in full. */
export function budgetName(budget: number): string {
  const exponent = Math.log2(budget);
  return Number.isInteger(exponent) ? `2${superscript(exponent)}` : count(budget);
}

/**
 * Without a plus sign: 33.12 → "33.1", -0.4 → "−0.40", 0.0123 → "0.012", 0.00042 → "0.00042". Python's
 * counterpart gives the same text.
 */
export function plain(value: number): string {
  const size = Math.abs(value);
  const text = SMALLEST <= size && size < 0.1 ? size.toPrecision(2) : size.toFixed(size >= 10 ? 1 : 2);
  return value < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** With its sign: 1.234 → "+1.23", -0.5 → "−0.50", NaN → "–". */
export function signed(value: number): string {
  if (!Number.isFinite(value)) {
    return "–";
  }
  const text = plain(value);
  return value > 0 && Number(text) !== 0 ? `+${text}` : text;
}

/** With its standard error, if known: "+1.23 ± 0.10". */
export function withError(value: number, error: number | null | undefined): string {
  const known = error !== null && error !== undefined && Number.isFinite(error);
  return known ? `${signed(value)} ± ${plain(error)}` : signed(value);
}

/** 0.30000000000000004 → "0.3" */
export function probability(p: number): string {
  return String(Math.round(p * 1000) / 1000);
}

/** 0.0123 → "1.2 %", 0.4 → "40 %"; less than a thousandth: "<0.1 %". */
export function percent(share: number): string {
  const hundredths = 100 * share;
  return share > 0 && hundredths < 0.1 ? "<0.1 %" : `${hundredths.toFixed(hundredths < 9.95 ? 1 : 0)} %`;
}

/** 75 → "1 min 15 s"; less than a second → "moments". */
export function duration(seconds: number): string {
  if (seconds < 1) {
    return "moments";
  }
  const whole = Math.round(seconds);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

/** 2184, 256 → "2,184 image + 256 text encodings" */
export function encodings(image: number, text: number): string {
  return `${count(image)} image + ${count(text)} text encodings`;
}

/** 12.4 → "12 MB"; 1400 → "1.4 GB". */
export function memory(megabytes: number): string {
  return megabytes < 1000
    ? `${Math.max(1, Math.round(megabytes))} MB`
    : `${(megabytes / 1000).toFixed(1)} GB`;
}

/**
 * Return the cost of a budget: "1,092 encodings + 1,348 reused · 21 s · 102 MB". Reused encodings are omitted if they
 * are less than a tenth of the new ones, which leaves room for large numbers.
 */
export function costLine(cost: Cost): string {
  const fresh = cost.new_image + cost.new_text;
  const reused = cost.image + cost.text - fresh;
  const all = fresh === 0 ? `all ${count(reused)} encodings reused` : `${count(fresh)} encodings`;
  const again = fresh > 0 && reused > fresh / 10 ? ` + ${count(reused)} reused` : "";
  const time = fresh > 0 && cost.seconds !== null ? ` · ${duration(cost.seconds)}` : "";
  return `${all}${again}${time} · ${memory(cost.megabytes)}`;
}
