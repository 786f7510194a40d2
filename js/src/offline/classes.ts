/** The classes of a saved page: their probabilities and maps, and why another choice has no explanation. */

import { decode } from "../wire/arrays";
import type { Candidates, ClassMaps, Setting, Traits, WireArray } from "../wire/types";
import { type Saved, type Snapshot, unpacked, wireArray } from "./saved";

/** Return the classes in the kernel's format; null for a page of captions. */
export function candidatesOf({ classes }: Saved): Candidates | null {
  if (!classes) {
    return null;
  }
  const { names, logits, probabilities, softmax, templates } = classes;
  const array = (values: readonly number[]) => wireArray(Float32Array.from(values), [values.length]);
  return { names, softmax, templates, logits: array(logits), probabilities: array(probabilities) };
}

/** Return the maps of classes, which a page has at its first p alone. */
export function mapsOf({ classes, snapshots }: Saved, { p }: Snapshot, generation: number): ClassMaps | null {
  if (!classes || p !== snapshots[0]?.p) {
    return null;
  }
  const { map_names: names, map_values, map_significant: significant } = classes;
  const { data } = unpacked(map_values);
  const values = {
    shape: [names.length, data.byteLength / 4 / names.length],
    dtype: "float32",
    data,
  } as const;
  return { generation, names, values, significant };
}

/** Return why a page cannot show a caption or a choice of classes, and what it can. */
export function notRecorded(
  name: Setting,
  { text, chosen }: Pick<Traits, "text" | "chosen">,
  { classes, why }: Saved,
): string {
  if (name !== "chosen") {
    return `“${text}” has no explanation in this page. ${why}`;
  }
  const alone = classes?.choices.filter(({ length }) => length === 1).map(([name]) => `“${name}”`) ?? [];
  const what = chosen.length > 1 ? `why “${chosen[0]}” rather than “${chosen[1]}”` : `“${chosen[0]}”`;
  return `This page does not explain ${what}. It explains ${alone.join(", ")}, and each of them rather than each other. ${why}`;
}

/** Return the probabilities of all classes without one patch; null without data, or with several patches removed. */
export function probabilitiesWithout({ classes }: Saved, removed: readonly number[]): WireArray | null {
  const [patch] = removed;
  if (!classes?.without || patch === undefined || removed.length > 1) {
    return null;
  }
  const { length } = classes.names;
  return wireArray(decode(unpacked(classes.without)).slice(patch * length, (patch + 1) * length), [length]);
}
