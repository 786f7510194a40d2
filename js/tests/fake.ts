/** A widget's model without a kernel, and a small explanation for it to hold. */

import type { Model } from "../src/state/store";
import type { Cost, Picture, Traits, WireArray, WireResult } from "../src/wire/types";

/** An array in the kernel's format: part of a larger buffer, at an offset that is not a multiple of four. */
export function wireArray(numbers: readonly number[], shape: readonly number[]): WireArray {
  const bytes = new Uint8Array(Float32Array.from(numbers).buffer);
  const window = new Uint8Array(bytes.length + 3);
  window.set(bytes, 3);
  return { shape, dtype: "float32", data: new DataView(window.buffer, 3) };
}

/** A picture in the kernel's format; its content does not matter here. */
export function picture(width = 8, height = 8): Picture {
  return { mime: "image/webp", data: new DataView(new ArrayBuffer(4)), width, height };
}

/** Four patches in two rows, and the tokens "red" and "dog". */
export function wireResult(changes: Partial<WireResult> = {}): WireResult {
  const pairs: Record<string, number> = {
    "0-1": 0.1,
    "0-5": 2,
    "1-5": -1,
    "2-4": 0.5,
    "3-4": 0.25,
    "4-5": 3,
  };
  const interactions = Array(36).fill(0);
  for (const [pair, value] of Object.entries(pairs)) {
    const [i = 0, j = 0] = pair.split("-").map(Number);
    interactions[6 * i + j] = interactions[6 * j + i] = value;
  }
  return {
    generation: 1,
    partial: false,
    p: 0.5,
    method: "banzhaf",
    order: 2,
    seed: 0,
    caption: "red dog",
    tokens: ["red", "dog"],
    words: false,
    grid: [2, 2],
    regions: false,
    identified: { cross: true, text_text: true, image_image: true },
    effective_image_masks: 100,
    ridge: 0,
    budget: 1024,
    image_encodes: 256,
    text_encodes: 4,
    similarity: 12.5,
    empty_similarity: 1.5,
    baseline: 1,
    residual: -0.25,
    r2: 0.9,
    spearman: 0.95,
    r2_in_sample: 0.92,
    findings: [
      "",
      "",
      "",
      "",
      "No interaction of “red” differs significantly from 0",
      "“dog” interacts positively with 2 patches",
      "3 interactions are significant",
    ],
    triples: [],
    provenance: [["model", "tiny · test"]],
    code: "fx.explain(image, caption)",
    main: wireArray([1, -2, 0.5, 0, 4, -0.5], [6]),
    main_se: wireArray([0.1, 0.1, 0.1, 0.1, 0.1, 0.1], [6]),
    interactions: wireArray(interactions, [6, 6]),
    interactions_se: wireArray(Array(36).fill(0.3), [6, 6]),
    ...changes,
  };
}

function cost(image: number): Cost {
  return { image, text: 4, new_image: image, new_text: 4, seconds: null, megabytes: 8 };
}

export function traits(changes: Partial<Traits> = {}): Traits {
  return {
    p: 0.5,
    budget: 1024,
    stop_at: null,
    text: "red dog",
    method: "banzhaf",
    order: 2,
    selection: [],
    removed: [],
    top_k: 10,
    graph_layout: "anchored",
    graph_kind: "all",
    graph_sign: "both",
    subset_size: 0,
    subset_sign: "positive",
    view: "graph",
    heatmap_kind: "cross",
    shown: "current",
    compare_with: null,
    classes: [],
    chosen: [],
    candidates: null,
    class_maps: null,
    offline: null,
    pinned: null,
    difference: null,
    subsets: null,
    group: null,
    played: null,
    examples: null,
    convergence: [],
    measured: [],
    measuring: false,
    measure_cost: null,
    undoable: "",
    palette: "house",
    theme: "auto",
    level: "all",
    live: true,
    autorun: true,
    generation: 1,
    status: "done",
    error: "",
    scene: {
      image: null,
      tokens: ["red", "dog"],
      words: false,
      grid: [2, 2],
      model: "tiny · test",
      regions: null,
      masking: null,
    },
    costs: { "8": cost(64), "9": cost(128), "10": cost(256), "11": cost(512) },
    options: {
      palettes: { house: ["#ff0d57", "#1e88e5"], safe: ["#e66100", "#5d3a9b"] },
      layouts: ["anchored", "spring"],
      kinds: ["all", "cross", "intra"],
      signs: ["both", "positive", "negative"],
      methods: [
        { name: "banzhaf", label: "Weighted Banzhaf", orders: [2, 3], uses_p: true, uses_budget: true },
        { name: "grad_eclip", label: "Grad-ECLIP", orders: [1], uses_p: false, uses_budget: false },
      ],
    },
    result: wireResult(),
    graph_data: {
      generation: 1,
      shown: "current",
      nodes: [
        { player: 0, kind: "patch", label: "1,1", pos: [0.25, 0.2] },
        { player: 1, kind: "patch", label: "1,2", pos: [0.75, 0.2] },
        { player: 4, kind: "token", label: "red", pos: [0.3, 0.9] },
        { player: 5, kind: "token", label: "dog", pos: [0.7, 0.9] },
      ],
      edges: [
        { source: 4, target: 5, weight: 3, se: 0.3, significant: true, kind: "text_text" },
        { source: 0, target: 5, weight: 2, se: 0.3, significant: true, kind: "cross" },
        { source: 1, target: 5, weight: -1, se: null, significant: null, kind: "cross" },
        { source: 0, target: 1, weight: 0.1, se: 0.3, significant: false, kind: "image_image" },
      ],
    },
    ...changes,
  };
}

type Handler = (...given: unknown[]) => void;

export class FakeModel {
  readonly saved: Partial<Traits>[] = [];
  readonly sent: unknown[] = [];
  readonly #handlers = new Map<string, Set<Handler>>();
  readonly #state: Traits;
  #unsaved: Partial<Traits> = {};

  constructor(state: Traits = traits()) {
    this.#state = state;
  }

  get asModel(): Model {
    return this as unknown as Model;
  }

  get handlers(): number {
    return [...this.#handlers.values()].reduce((sum, handlers) => sum + handlers.size, 0);
  }

  get<Name extends keyof Traits>(name: Name): Traits[Name] {
    return this.#state[name];
  }

  set<Name extends keyof Traits>(name: Name, value: Traits[Name]): void {
    this.#state[name] = value;
    this.#unsaved[name] = value;
    this.emit(`change:${name}`);
  }

  save_changes(): void {
    this.saved.push(this.#unsaved);
    this.#unsaved = {};
  }

  send(content: unknown): void {
    this.sent.push(content);
  }

  on(event: string, handler: Handler): void {
    this.#handlers.set(event, (this.#handlers.get(event) ?? new Set()).add(handler));
  }

  off(event: string, handler: Handler): void {
    this.#handlers.get(event)?.delete(handler);
  }

  emit(event: string, ...given: unknown[]): void {
    for (const handler of this.#handlers.get(event) ?? []) {
      handler(...given);
    }
  }
}
