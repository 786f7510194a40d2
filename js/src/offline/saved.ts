/** A saved page's contents in the kernel's format. */

import { mirrored } from "../wire/arrays";
import type {
  Candidates,
  ClassMaps,
  Picture,
  Scene,
  Setting,
  Traits,
  WireArray,
  WireResult,
} from "../wire/types";
import type { Packed, SavedContents, SavedPicture, Snapshot } from "./saved-types";

export type { Packed, Places, SavedCaption, SavedDifference, Snapshot } from "./saved-types";

/** A saved page: results over a grid of settings, with packed arrays. */
export interface Saved extends SavedContents {
  /** Settings and options at the time of saving; all other traits follow from the rest. */
  readonly settings: Partial<Traits>;
}

/** Return the snapshot's result in the kernel's format. */
export function resultOf({ result }: Snapshot, generation: number): WireResult {
  const { first_order, ...rest } = result;
  return {
    ...rest,
    generation,
    main: unpacked(result.main),
    main_se: result.main_se && unpacked(result.main_se),
    interactions: unpacked(result.interactions),
    interactions_se: result.interactions_se && unpacked(result.interactions_se),
    ...(first_order && { first_order: unpacked(first_order) }),
  };
}

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

/** Return the scene with the tokens of a caption. */
export function sceneOf(saved: Saved, tokens: readonly string[]): Scene {
  const { picture, grid, model, words, regions, masking } = saved;
  return {
    image: pictureOf(picture),
    tokens,
    words: words ?? false,
    grid,
    model,
    regions: regions ?? null,
    masking: masking ? { ...masking, blank: pictureOf(masking.blank) } : null,
  };
}

function pictureOf(saved: SavedPicture | null): Picture | null {
  return saved && { ...saved, data: new DataView(bytes(saved.data).buffer) };
}

export function unpacked(packed: Packed): WireArray {
  const data = new DataView(bytes(packed.data).buffer);
  const size = packed.packed === "f4" ? 4 : 2;
  const read = packed.packed === "f4" ? (at: number) => data.getFloat32(at, true) : half(data);
  const numbers = Float32Array.from({ length: data.byteLength / size }, (_, index) => read(size * index));
  return wireArray(packed.upper ? mirrored(numbers, packed.shape[0] ?? 0) : numbers, packed.shape);
}

export function wireArray(numbers: Float32Array<ArrayBuffer>, shape: readonly number[]): WireArray {
  return { shape, dtype: "float32", data: new DataView(numbers.buffer) };
}

/** Return a reader of IEEE 754 half precision, which `DataView` does not support in every browser. */
function half(data: DataView): (at: number) => number {
  return (at) => {
    const bits = data.getUint16(at, true);
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 0x1f;
    const fraction = bits & 0x3ff;
    if (exponent === 0x1f) {
      return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
    }
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  };
}

function bytes(base64: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}
