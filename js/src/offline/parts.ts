import type { Part } from "../wire/types";

/** Return B − A part by part, as `subtract_parts` in Python; empty if the kinds of parts differ. */
export function partsBetween(b: readonly Part[], a: readonly Part[]): readonly Part[] {
  const kinds = (parts: readonly Part[]) => parts.map(({ kind }) => kind).join();
  if (kinds(b) !== kinds(a)) {
    return [];
  }
  return b.map(({ kind, value, se }, index) => {
    const { value: before = Number.NaN, se: error = null } = a[index] ?? {};
    return { kind, value: value - before, se: se === null || error === null ? null : Math.hypot(se, error) };
  });
}
