/** What kernel and view say to each other: the traits, and the messages beside them. */

import type { WireArray } from "./arrays";

export type Status = "idle" | "running" | "cancelled" | "done" | "error";
export type PlayerKind = "patch" | "token";

export interface Picture {
  readonly mime: string;
  readonly data: DataView;
  readonly width: number;
  readonly height: number;
}

export interface Scene {
  readonly image: Picture | null;
  readonly tokens: readonly string[];
  readonly grid: readonly [rows: number, columns: number];
  readonly model: string;
}

/** Facts about an explanation that are not arrays. */
export interface Facts {
  readonly generation: number;
  readonly partial: boolean;
  readonly p: number;
  readonly method: string;
  readonly order: number;
  readonly seed: number | null;
  readonly caption: string;
  readonly tokens: readonly string[];
  readonly grid: readonly [rows: number, columns: number];
  readonly identified: Readonly<Record<"cross" | "text_text" | "image_image", boolean>>;
  readonly effective_image_masks: number | null;
  readonly ridge: number | null;
  readonly budget: number;
  readonly image_encodes: number;
  readonly text_encodes: number;
  readonly similarity: number | null;
  readonly empty_similarity: number | null;
  readonly baseline: number | null;
  readonly residual: number | null;
  readonly r2: number | null;
  readonly spearman: number | null;
  readonly r2_in_sample: number | null;
}

export interface WireResult extends Facts {
  readonly main: WireArray;
  readonly main_se: WireArray | null;
  readonly interactions: WireArray;
  readonly interactions_se: WireArray | null;
}

export interface GraphNode {
  readonly player: number;
  readonly kind: PlayerKind;
  readonly label: string;
  /** Place in the unit square, y downward. */
  readonly pos: readonly [x: number, y: number];
}

export interface GraphEdge {
  readonly source: number;
  readonly target: number;
  readonly weight: number;
  readonly se: number | null;
  readonly kind: "cross" | "text_text" | "image_image";
}

export interface Graph {
  readonly generation: number;
  readonly nodes: readonly GraphNode[];
  /** Strongest first. */
  readonly edges: readonly GraphEdge[];
}

export interface Options {
  /** Name → colours of what raises and of what lowers the similarity. */
  readonly palettes: Readonly<Record<string, readonly [positive: string, negative: string]>>;
  readonly layouts: readonly string[];
  readonly kinds: readonly string[];
}

/** The widget's traits, as the view sees them. */
export interface Traits {
  // settings, written by both sides
  p: number;
  budget: number;
  text: string;
  selection: readonly number[];
  top_k: number;
  graph_layout: string;
  graph_kind: string;
  palette: string;
  theme: string;
  // written by the kernel alone
  live: boolean;
  autorun: boolean;
  generation: number;
  status: Status;
  error: string;
  scene: Scene;
  /** Exponent of the budget → (image, text) encodings. */
  costs: Readonly<Record<string, readonly [image: number, text: number]>>;
  options: Options;
  result: WireResult | null;
  graph_data: Graph | null;
}

export type Setting =
  | "p"
  | "budget"
  | "text"
  | "selection"
  | "top_k"
  | "graph_layout"
  | "graph_kind"
  | "palette"
  | "theme";

export interface Progress {
  readonly type: "progress";
  readonly generation: number;
  readonly fraction: number | null;
  readonly seconds_left: number | null;
  readonly image_done: number;
  readonly image_total: number;
  readonly text_done: number;
  readonly text_total: number;
}

export interface Refusal {
  readonly type: "refused";
  readonly name: string;
  readonly message: string;
}

export type FromKernel = Progress | Refusal;
export type ToKernel = { readonly type: "run" } | { readonly type: "cancel" };
