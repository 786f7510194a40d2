/** A saved page's contents in the kernel's format. */

import { mirrored } from "../wire/arrays";
import type { Picture, Scene, Traits, WireArray, WireResult } from "../wire/types";
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
