/** A model that imitates a kernel: it answers at once, or after a delay for computations. */

import { decode } from "../src/wire/arrays";
import type {
  Graph,
  GraphEdge,
  Measured,
  Offline,
  Setting,
  ToKernel,
  Traits,
  WireArray,
  WireResult,
} from "../src/wire/types";

export type State = Traits & {
  /** Graph of each layout, with more edges than the view shows. */
  readonly graphs: Readonly<Record<string, Graph>>;
  readonly baseline: number;
  /** Results of measurements: of the shown explanation first, then of others. */
  readonly measures: readonly Measured[];
};

type Handler = (...given: unknown[]) => void;

const MOMENT_MS = 350;
const UNDOABLE: readonly Setting[] = ["p", "budget", "text", "method", "order", "palette", "theme", "top_k"];

export class FakeKernel {
  readonly #handlers = new Map<string, Set<Handler>>();
  readonly #state: State;
  readonly #first: State;
  readonly #past: [Setting, unknown][] = [];
  /** Whether the kernel has stopped answering. */
  dead = false;

  constructor(state: State) {
    this.#state = { ...state };
    this.#first = { ...state };
  }

  get<Name extends keyof State>(name: Name): State[Name] {
    return this.#state[name];
  }

  /** Set a trait from the view and answer it; {@link tell} only sets it. */
  set<Name extends Setting>(name: Name, value: State[Name]): void {
    const before = this.#state[name];
    this.tell(name, value);
    if (this.dead) {
      return;
    }
    if (UNDOABLE.includes(name) && before !== value) {
      this.#past.push([name, before]);
      this.tell("undoable", `${name} ${String(before)} → ${String(value)}`);
    }
    this.#answer(name);
  }

  tell<Name extends keyof State>(name: Name, value: State[Name]): void {
    this.#state[name] = value;
    this.emit(`change:${name}`);
  }

  save_changes(): void {
    if (!this.dead) {
      this.emit("msg:custom", { type: "received" });
    }
  }

  send(content: ToKernel | { readonly type: "plotly" }): void {
    if (this.dead) {
      return;
    }
    const answers: Record<typeof content.type, () => void> = {
      plotly: () => void this.#sendPlotly(),
      run: () => this.#refine(),
      more: () => this.set("budget", 2 * this.#state.budget),
      cancel: () => this.#cancel(),
      undo: () => this.#undo(),
      reset: () => this.#reset(),
      pin: () => this.#pin(),
      unpin: () => this.#unpin(),
      measure: () => this.#measure(),
    };
    answers[content.type]();
  }

  async #sendPlotly(): Promise<void> {
    const code = await (await fetch("dist/plotly.js")).text();
    this.emit("msg:custom", { type: "plotly", code });
  }

  on(event: string, handler: Handler): void {
    const handlers = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, handlers.add(handler));
  }

  off(event: string, handler: Handler): void {
    this.#handlers.get(event)?.delete(handler);
  }

  emit(event: string, ...given: unknown[]): void {
    for (const handler of this.#handlers.get(event) ?? []) {
      handler(...given);
    }
  }

  #answer(name: Setting): void {
    if (name === "selection") {
      this.#group();
    } else if (name === "removed") {
      this.tell("played", null);
      setTimeout(() => this.#play(), MOMENT_MS);
    } else if (["graph_layout", "graph_kind", "graph_sign", "top_k", "shown"].includes(name)) {
      this.#draw();
    } else if (["p", "budget", "text", "method", "order"].includes(name)) {
      if (name === "p") {
        this.#mask();
      }
      this.#refine();
    }
  }

  #refine(): void {
    const generation = this.#state.generation + 1;
    this.tell("generation", generation);
    this.tell("status", "running");
    setTimeout(() => {
      const { p, budget, text, method, order, result } = this.#state;
      if (result && this.#state.generation === generation) {
        this.tell("result", { ...result, generation, p, budget, caption: text, method, order });
        this.#draw();
        this.tell("status", "done");
      }
    }, MOMENT_MS);
  }

  #undo(): void {
    const last = this.#past.pop();
    if (last) {
      this.tell(last[0], last[1] as never);
      this.tell("undoable", this.#past.length > 0 ? "an earlier setting" : "");
    }
  }

  #reset(): void {
    for (const name of UNDOABLE) {
      this.tell(name, this.#first[name] as never);
    }
    this.tell("undoable", "");
  }

  #cancel(): void {
    if (this.#state.measuring) {
      this.tell("measuring", false);
    } else {
      this.tell("status", "cancelled");
    }
  }

  #measure(): void {
    this.tell("measuring", true);
    setTimeout(() => {
      const { measuring, measures, measured, result } = this.#state;
      const [first] = measures;
      if (measuring && first && result) {
        const { method, order, p, budget } = result;
        this.tell("measured", [...measured, { ...first, method, order, p, budget }]);
        this.tell("measuring", false);
      }
    }, MOMENT_MS);
  }

  #mask(): void {
    const { p, result } = this.#state;
    const players = result ? sizeOf(result) : 0;
    const mask = () => Array.from({ length: players }, () => (Math.random() < p ? "1" : "0")).join("");
    this.tell("examples", { p, masks: Array.from({ length: 8 }, mask) });
  }

  #draw(): void {
    const { graphs, graph_layout, graph_kind, graph_sign, top_k, generation } = this.#state;
    const stored = graphs[graph_layout];
    if (!stored) {
      return;
    }
    const wanted = (edge: GraphEdge) =>
      (graph_kind === "all" || (graph_kind === "cross") === (edge.kind === "cross")) &&
      (graph_sign === "both" || (graph_sign === "positive") === edge.weight > 0);
    const edges = stored.edges.filter(wanted).slice(0, top_k);
    const ends = new Set(edges.flatMap((edge) => [edge.source, edge.target]));
    const nodes = stored.nodes.filter((node) => ends.has(node.player) || node.kind === "token");
    this.tell("graph_data", { generation, shown: this.#state.shown, nodes, edges });
  }

  #group(): void {
    const { selection, result, generation } = this.#state;
    if (!result || selection.length < 2) {
      this.tell("group", null);
      return;
    }
    const n = sizeOf(result);
    const pairs = decode(result.interactions);
    const others = [...Array(n).keys()].filter((player) => !selection.includes(player));
    const sum = (from: readonly number[], to: readonly number[]) =>
      from.flatMap((i) => to.map((j) => pairs[i * n + j] ?? 0)).reduce((a, b) => a + b, 0);
    this.tell("group", {
      generation,
      shown: this.#state.shown,
      selection,
      se: array(
        Array.from({ length: n }, () => 0.2 * Math.sqrt(selection.length)),
        [n],
      ),
      total: sum(selection, others),
      total_se: 0.2 * Math.sqrt(selection.length * others.length),
      within: sum(selection, selection) / 2,
      within_se: 0.2,
    });
  }

  #play(): void {
    const { removed, result, generation, offline, baseline } = this.#state;
    if (!result || removed.length === 0) {
      this.tell("played", null);
      return;
    }
    const n = sizeOf(result);
    const [main, pairs] = [decode(result.main), decode(result.interactions)];
    const kept = [...Array(n).keys()].filter((player) => !removed.includes(player));
    let prediction = baseline;
    for (const [index, i] of kept.entries()) {
      prediction += main[i] ?? 0;
      for (const j of kept.slice(index + 1)) {
        prediction += pairs[i * n + j] ?? 0;
      }
    }
    const known = !offline || (removed.length === 1 && offline.playable.includes(removed[0] ?? -1));
    const value = known ? prediction + 0.4 - 0.13 * removed.length : null;
    this.tell("played", {
      generation,
      removed,
      value,
      prediction,
      picture: null,
      why: known ? "" : (offline?.why ?? ""),
    });
  }

  #pin(): void {
    const { result, method, p, text } = this.#state;
    if (!result) {
      return;
    }
    this.tell("pinned", { label: `“${text}” · ${method} · p ${p}`, result });
    const less = (of: WireArray) =>
      array(
        [...decode(of)].map((value, index) => (index % 3 ? value / 3 : -value / 4)),
        of.shape,
      );
    const unknown = { r2: null, spearman: null, residual: null, similarity: null, empty_similarity: null };
    const difference = {
      ...result,
      ...unknown,
      main: less(result.main),
      interactions: less(result.interactions),
    };
    this.tell("difference", { result: difference, unmatched: [sizeOf(result) - 1] });
  }

  #unpin(): void {
    this.tell("shown", "current");
    this.tell("pinned", null);
    this.tell("difference", null);
  }
}

function sizeOf(result: WireResult): number {
  return result.grid[0] * result.grid[1] + result.tokens.length;
}

function array(numbers: readonly number[], shape: readonly number[]): WireArray {
  return { shape, dtype: "float32", data: new DataView(Float32Array.from(numbers).buffer) };
}

/** A page without a kernel, as an export of this state would be. */
export const OFFLINE: Offline = {
  p: [0.3, 0.5, 0.6, 0.7],
  budgets: [2 ** 11, 2 ** 14, 2 ** 17],
  pairs: [0.3, 0.5, 0.6, 0.7].flatMap((p) =>
    (p === 0.5 ? [11, 14, 17] : [17]).map((exponent) => [p, 2 ** exponent] as const),
  ),
  captions: ["black dog next to a yellow hydrant", "a cat next to a yellow hydrant"],
  playable: [...Array(57).keys()],
  why: "This page has no model: it shows what was computed when it was saved.",
};
