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

/** Image players that are regions of any shape, in units in which the picture has these sides. */
export interface Regions {
  readonly width: number;
  readonly height: number;
  /** Each one's outline, as the `d` of an SVG path. */
  readonly paths: readonly string[];
  readonly boxes: readonly (readonly [x: number, y: number, width: number, height: number])[];
  /** A place in each one's middle, in the unit square. */
  readonly centres: readonly (readonly [x: number, y: number])[];
}

/** What becomes of removed image players. */
export interface Masking {
  /** In a word: zero, mean, blur, remove. */
  readonly name: string;
  /** In a sentence. */
  readonly says: string;
  /** The picture as the model sees it with every image player removed. */
  readonly blank: Picture | null;
}

export interface Scene {
  readonly image: Picture | null;
  readonly tokens: readonly string[];
  /** Whether they are whole words. */
  readonly words: boolean;
  readonly grid: readonly [rows: number, columns: number];
  readonly model: string;
  /** Null where image players are the cells of the grid; otherwise the grid only numbers them. */
  readonly regions: Regions | null;
  /** Null where it is not known. */
  readonly masking: Masking | null;
}

/** Facts about an explanation that are not arrays. */
export interface Facts {
  /** Number of the request that it answers; it never falls. */
  readonly generation: number;
  readonly partial: boolean;
  readonly p: number;
  readonly method: string;
  /** Whether its numbers are logits; of others only order and sign mean something. What was saved before does not say. */
  readonly in_logits?: boolean;
  readonly order: number;
  readonly seed: number | null;
  readonly caption: string;
  readonly tokens: readonly string[];
  /** Whether they are whole words; what was saved in the first days does not say. */
  readonly words?: boolean;
  readonly grid: readonly [rows: number, columns: number];
  /** Whether image players are regions of any shape, which the grid only numbers, and not its cells. */
  readonly regions: boolean;
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
  /** What the numbers support, in a plain sentence: for every player, and for the whole explanation last. */
  readonly findings: readonly string[];
  /** Third-order terms, strongest first; none below order 3. */
  readonly triples: readonly Triple[];
  /** Of whom it tells: [label, value] of model, weights, tokenizer, seed, p, budget, versions, in the order to show. */
  readonly provenance: readonly (readonly [label: string, value: string])[];
  /** Lines of Python that compute it again. */
  readonly code: string;
}

export interface Triple {
  readonly players: readonly [number, number, number];
  readonly value: number;
  readonly se: number | null;
}

export interface WireResult extends Facts {
  readonly main: WireArray;
  readonly main_se: WireArray | null;
  readonly interactions: WireArray;
  readonly interactions_se: WireArray | null;
}

export interface GraphNode {
  /** A player; a third-order term is a node of kind `term`, numbered from the number of players on. */
  readonly player: number;
  readonly kind: PlayerKind | "term";
  readonly label: string;
  /** Of a third-order term only. */
  readonly weight?: number;
  readonly se?: number | null;
  /** Place in the unit square, y downward. */
  readonly pos: readonly [x: number, y: number];
}

export interface GraphEdge {
  readonly source: number;
  readonly target: number;
  readonly weight: number;
  readonly se: number | null;
  /** `term` joins a third-order term's node to one of its three players. */
  readonly kind: "cross" | "text_text" | "image_image" | "term";
}

export interface Graph {
  readonly generation: number;
  readonly nodes: readonly GraphNode[];
  /** Strongest first. */
  readonly edges: readonly GraphEdge[];
}

export interface Method {
  readonly name: string;
  readonly label: string;
  /** Orders that it offers; a method with order 1 alone has no interactions. */
  readonly orders: readonly number[];
  /** Whether p, and whether the budget, change its result. */
  readonly uses_p: boolean;
  readonly uses_budget: boolean;
}

export interface Options {
  /** Name → colours of what raises and of what lowers the similarity. */
  readonly palettes: Readonly<Record<string, readonly [positive: string, negative: string]>>;
  readonly layouts: readonly string[];
  readonly kinds: readonly string[];
  readonly signs: readonly string[];
  readonly methods: readonly Method[];
}

/** What a budget takes, from what is encoded by now. */
export interface Cost {
  /** Encodings that the budget stands for. */
  readonly image: number;
  readonly text: number;
  /** Those of them that are still to be computed at the present p. */
  readonly new_image: number;
  readonly new_text: number;
  /** Estimated from what encodings took on this machine; null before any was measured. */
  readonly seconds: number | null;
  /** Megabytes above the model, at most. */
  readonly megabytes: number;
}

/** Masks that the model saw at a p. */
export interface Examples {
  readonly p: number;
  /** Each a string of 0 and 1, a character per player: 1 is kept. */
  readonly masks: readonly string[];
}

/** How the error fell as encodings were added, at the p that is shown; the last point is what is shown. */
export interface ConvergencePoint {
  readonly budget: number;
  readonly image_encodes: number;
  /** Root mean square standard error of the cross-modal interactions, in logits. */
  readonly error: number;
}

/** What was measured of an explanation, whichever method it is of. */
export interface Measured
  extends Pick<
    Facts,
    "caption" | "method" | "order" | "p" | "budget" | "seed" | "image_encodes" | "text_encodes"
  > {
  /** The method, as a person reads it. */
  readonly label: string;
  /** Whether p, and whether the budget, make a difference to it. */
  readonly uses_p: boolean;
  readonly uses_budget: boolean;
  /** Whether its numbers are logits: of others R² means nothing. */
  readonly in_logits: boolean;
  /**
   * 51 values of the coalitions that it calls most and least similar, with 0 to 100 % of the players kept, as shares of
   * the way from the empty pair (0) to the full one (1).
   */
  readonly most: readonly number[];
  readonly least: readonly number[];
  /** Mean of `most` − `least`. */
  readonly aid: number;
  /** At each p, ascending; shorter while it is being measured, or where that was stopped. */
  readonly faithfulness: readonly Faithfulness[];
}

export interface Faithfulness {
  readonly p: number;
  readonly spearman: number | null;
  readonly r2: number | null;
  /** Fresh masks that it was measured on. */
  readonly masks: number;
}

/** What measuring the rest of what is shown takes, at most. */
export interface MeasureCost {
  readonly image: number;
  readonly text: number;
  /** Estimated as a budget's; null before any encoding was timed. */
  readonly seconds: number | null;
  /** Where its faithfulness is measured, and on how many fresh masks at each. */
  readonly p: readonly number[];
  readonly masks: number;
}

/** What several selected players do together. */
export interface Group {
  readonly generation: number;
  /** The explanation that it is about. */
  readonly shown: Shown;
  readonly selection: readonly number[];
  /** (n,) standard errors of the summed interactions with every other player; null where they are not known. */
  readonly se: WireArray | null;
  /** Sum of the selected players' interactions with all others. */
  readonly total: number;
  readonly total_se: number | null;
  /** Sum of the interactions among the selected players. */
  readonly within: number;
  readonly within_se: number | null;
}

/** The masked pair of the playground. */
export interface Played {
  readonly generation: number;
  readonly removed: readonly number[];
  /** The model's true value, in logits; null while it is being computed, or where there is no model. */
  readonly value: number | null;
  /** The explanation's prediction for the same pair. */
  readonly prediction: number | null;
  /** The picture as the encoder sees it; null where no image player is removed, or where there is no model. */
  readonly picture: Picture | null;
  /** Why there is no value, or empty. */
  readonly why: string;
}

export interface Subset {
  readonly players: readonly number[];
  /** Σ main + Σ interactions within the subset, in logits. */
  readonly value: number;
}

/** The best subset of each size from 1 on, most (`positive`) and least (`negative`) similar. */
export interface Subsets {
  readonly generation: number;
  /** The explanation that they are of. */
  readonly shown: Shown;
  readonly positive: readonly Subset[];
  readonly negative: readonly Subset[];
}

/** An explanation that was set aside to compare with. */
export interface Pinned {
  /** In a few words: its caption, method and p. */
  readonly label: string;
  readonly result: WireResult;
}

/** What is shown minus what is pinned, on the players of what is shown. */
export interface Difference {
  readonly result: WireResult;
  /** Players of what is shown that the pinned explanation does not have; their values there count as 0. */
  readonly unmatched: readonly number[];
}

/** What a page without a kernel can answer; null where there is a kernel. */
export interface Offline {
  /** Values of p, of the budget and captions that were computed beforehand, ascending; the sliders keep to them. */
  readonly p: readonly number[];
  readonly budgets: readonly number[];
  readonly captions: readonly string[];
  /** Single players whose removal was computed beforehand. */
  readonly playable: readonly number[];
  /** Sentence to show beside what needs a model. */
  readonly why: string;
}

/** Which explanation the views show: the present one (B), the pinned one (A), or B − A. */
export type Shown = "current" | "pinned" | "difference";
export type Sign = "both" | "positive" | "negative";
export type ViewName = "graph" | "heatmap" | "table";
export type Block = "cross" | "text_text" | "image_image";

/** The widget's traits, as the view sees them. */
export interface Traits {
  // settings, written by both sides
  p: number;
  budget: number;
  text: string;
  method: string;
  order: number;
  selection: readonly number[];
  /** Players hidden in the playground. */
  removed: readonly number[];
  top_k: number;
  graph_layout: string;
  graph_kind: string;
  graph_sign: Sign;
  /** Size of the subset that the graph shows, 0 for none, and whether it is the most or the least similar one. */
  subset_size: number;
  subset_sign: Exclude<Sign, "both">;
  view: ViewName;
  /** Block of interactions in the heatmap. */
  block: Block;
  shown: Shown;
  palette: string;
  theme: string;
  // written by the kernel alone
  live: boolean;
  offline: Offline | null;
  autorun: boolean;
  generation: number;
  status: Status;
  error: string;
  scene: Scene;
  /** Exponent of the budget → its cost. */
  costs: Readonly<Record<string, Cost>>;
  options: Options;
  result: WireResult | null;
  pinned: Pinned | null;
  difference: Difference | null;
  /** Drawn from what is `shown`. */
  graph_data: Graph | null;
  subsets: Subsets | null;
  group: Group | null;
  played: Played | null;
  examples: Examples | null;
  convergence: readonly ConvergencePoint[];
  /** Explanations that were measured, of any caption, the latest last. */
  measured: readonly Measured[];
  measuring: boolean;
  /** Null where what is shown cannot be measured. */
  measure_cost: MeasureCost | null;
  /** What `undo` would take back, in words (“p 0.5 → 0.7”); empty where there is nothing. */
  undoable: string;
}

export type Setting =
  | "p"
  | "budget"
  | "text"
  | "method"
  | "order"
  | "selection"
  | "removed"
  | "top_k"
  | "graph_layout"
  | "graph_kind"
  | "graph_sign"
  | "subset_size"
  | "subset_sign"
  | "view"
  | "block"
  | "shown"
  | "palette"
  | "theme";

/** How far a refinement is, or what is being measured. */
export interface Progress {
  readonly type: "progress" | "measuring";
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
/**
 * `undo` takes back the last change of a setting, `reset` all of them; `pin` sets aside what is shown, `measure` measures
 * it; `cancel` stops refining and measuring.
 */
export type ToKernel = {
  readonly type: "run" | "cancel" | "undo" | "reset" | "pin" | "unpin" | "measure";
};
