/** Format of a saved page: results over a grid of settings, with packed arrays. */

import { mirrored } from "../wire/arrays";
import type {
  ConvergencePoint,
  Examples,
  Facts,
  Masking,
  Measured,
  Picture,
  Scene,
  Subset,
  Traits,
  WireArray,
  WireResult,
} from "../wire/types";

/**
 * An array as base64, little-endian. `f4` and `f2` are floats of four and two bytes; with `upper`, the data are the
 * elements above the diagonal of a symmetric matrix with zero diagonal, row by row.
 */
export interface Packed {
  readonly packed: "f4" | "f2";
  readonly upper: boolean;
  readonly shape: readonly number[];
  readonly data: string;
}

/** Places of a force layout of the `edges` strongest interactions: player, x and y of each node. */
export interface Places {
  readonly layout: string;
  readonly edges: number;
  readonly at: readonly (readonly [player: number, x: number, y: number])[];
}

/** An explained caption: its players, and the model's values. */
export interface SavedCaption {
  readonly text: string;
  readonly tokens: readonly string[];
  /** Places of all players in the anchored layout. */
  readonly anchored: readonly (readonly [x: number, y: number])[];
  /** The model's values, in logits, with each single player removed; null if not computed. */
  readonly without: readonly number[] | null;
  /** For every caption and each token of this one: the index of the matching token there, or null. */
  readonly partners: readonly (readonly (number | null)[])[];
}

export interface Snapshot {
  /** Index of the caption. */
  readonly caption: number;
  readonly p: number;
  readonly budget: number;
  /** Short description, shown when pinned. */
  readonly label: string;
  readonly result: Facts & Readonly<Record<ArrayName, Packed | null>>;
  readonly places: readonly Places[];
  readonly subsets: { readonly positive: readonly Subset[]; readonly negative: readonly Subset[] } | null;
  readonly examples: Examples | null;
  readonly convergence: readonly ConvergencePoint[];
}

/** A picture with its bytes as base64. */
export type SavedPicture = Omit<Picture, "data"> & { readonly data: string };

export interface Saved {
  readonly format: 1;
  readonly picture: SavedPicture | null;
  readonly grid: Scene["grid"];
  readonly model: string;
  // absent in older pages
  readonly words?: boolean;
  readonly regions?: Scene["regions"];
  readonly masking?: (Omit<Masking, "blank"> & { readonly blank: SavedPicture | null }) | null;
  /** A sentence on why there is no model. */
  readonly why: string;
  readonly captions: readonly SavedCaption[];
  readonly snapshots: readonly Snapshot[];
  /** Measurements; absent in older pages. */
  readonly measured?: readonly Measured[];
  /** Settings and options at the time of saving; all other traits follow from the rest. */
  readonly settings: Partial<Traits>;
}

export type ArrayName = "main" | "main_se" | "interactions" | "interactions_se";
const ARRAYS: readonly ArrayName[] = ["main", "main_se", "interactions", "interactions_se"];

/** Return the snapshot's result in the kernel's format. */
export function resultOf(snapshot: Snapshot, generation: number): WireResult {
  const arrays = Object.fromEntries(ARRAYS.map((name) => [name, unpacked(snapshot.result[name])]));
  return { ...snapshot.result, ...arrays, generation } as unknown as WireResult;
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

export function unpacked(packed: Packed | null): WireArray | null {
  if (!packed) {
    return null;
  }
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
