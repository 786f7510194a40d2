/** Zero-shot classes in the browser: their probabilities, the choice among them, and their maps. */

import { decode } from "../wire/arrays";
import type { Candidates, ClassMaps } from "../wire/types";
import { bitsOf } from "./significance";

/** Return the caption of the explanation of one class, or of the first rather than the second, as the kernel does. */
export function captionOf(chosen: readonly string[]): string {
  return chosen.join(" − ");
}

export interface ClassRow {
  readonly name: string;
  readonly logit: number;
  /** Probability of the complete image. */
  readonly probability: number;
  /** Probability without the hidden players; the same if none is hidden, null before the kernel's answer. */
  readonly now: number | null;
}

/** Return the classes, the most probable one of the complete image first. */
export function rowsOf(candidates: Candidates, now: Float32Array | null | undefined): ClassRow[] {
  const [logits, probabilities] = [decode(candidates.logits), decode(candidates.probabilities)];
  const rows = candidates.names.map((name, index) => ({
    name,
    logit: logits[index] ?? Number.NaN,
    probability: probabilities[index] ?? Number.NaN,
    now: now === null ? null : ((now ?? probabilities)[index] ?? null),
  }));
  return rows.sort((a, b) => b.logit - a.logit);
}

/** Return the rows whose name contains `search`, those that begin with it first; all rows for an empty search. */
export function matching(rows: readonly ClassRow[], search: string): readonly ClassRow[] {
  const wanted = search.trim().toLocaleLowerCase();
  if (wanted === "") {
    return rows;
  }
  const begins = ({ name }: ClassRow) => name.toLocaleLowerCase().startsWith(wanted);
  const found = rows.filter(({ name }) => name.toLocaleLowerCase().includes(wanted));
  return [...found.filter(begins), ...found.filter((row) => !begins(row))];
}

/** 97 %, 0.3 %, below 0.1 %. */
export function percent(share: number): string {
  if (!Number.isFinite(share)) {
    return "–";
  }
  if (share < 0.0005) {
    return "< 0.1 %";
  }
  return `${(100 * share).toFixed(share < 0.0995 || (share > 0.9905 && share < 0.9995) ? 1 : 0)} %`;
}

export interface ClassMap {
  readonly name: string;
  /** (n,) values of the image players, in logits. */
  readonly values: Float32Array;
  readonly significant: Uint8Array;
}

export function mapsFrom(maps: ClassMaps): ClassMap[] {
  const values = decode(maps.values);
  const n = maps.values.shape[1] ?? 0;
  const flags = bitsOf(maps.significant, maps.names.length * n);
  return maps.names.map((name, row) => ({
    name,
    values: values.subarray(row * n, (row + 1) * n),
    significant: flags.subarray(row * n, (row + 1) * n),
  }));
}
