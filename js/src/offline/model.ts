/**
 * A widget's model without a kernel: it answers from saved data and rejects everything that needs a model.
 *
 * It implements the part of anywidget's interface that a view uses. As with a kernel, `set` changes the local state at
 * once, and `save_changes` produces the answer.
 */

import { LocalModel } from "../lib/local-model";
import { captionOf } from "../model/classes";
import type { CodeMessage, Part } from "../wire/code";
import type { FromKernel, Pinned, Played, Setting, Shown, ToKernel, Traits, WireResult } from "../wire/types";
import { candidatesOf, mapsOf, notRecorded, probabilitiesWithout } from "./classes";
import { type GraphSettings, graphOf } from "./graph";
import {
  resultOf,
  type Saved,
  type SavedCaption,
  type SavedDifference,
  type Snapshot,
  sceneOf,
} from "./saved";
import { differenceOf, groupOf, predictionOf } from "./sums";
import { History, RECORDED, type Settings } from "./undo";

const RESULT: readonly Setting[] = ["p", "budget", "text", "chosen"];
const FIXED: readonly Setting[] = ["method", "order", "stop_at", "classes"];
const GRAPH: readonly Setting[] = ["top_k", "graph_layout", "graph_kind", "graph_sign"];
const SETTINGS: readonly Setting[] = [
  ...RECORDED,
  ...FIXED,
  "selection",
  "removed",
  "view",
  "heatmap_kind",
  "shown",
  "compare_with",
];
/** Parts of the front end that a view without a kernel asks for. */
type OwnPart = Exclude<Part, "bundle" | "viewer">;
export type Codes = (part: OwnPart) => Promise<string>;

const DONE = { status: "done", live: false, autorun: true, error: "" } as const;

export class OfflineModel extends LocalModel<Traits> {
  readonly #saved: Saved;
  readonly #codes: Codes;
  readonly #first: Settings;
  /** Settings at the last answer; different values are requests of a view. */
  #answered: Settings;
  #shown: Snapshot;
  /** The budget that was chosen last; at other p, the shown one may differ. */
  #budget: number;
  #pinned: (Pinned & { readonly snapshot: Snapshot }) | null = null;
  readonly #history = new History();

  /** @param codes returns the code of a part of the front end. */
  constructor(saved: Saved, codes: Codes = async () => "") {
    super({ ...defaults(saved), ...saved.settings, ...DONE } as Traits);
    this.#codes = codes;
    const [first] = saved.snapshots;
    if (!first) {
      throw new Error("The page contains no explanation.");
    }
    this.#saved = saved;
    this.#budget = this.state.budget;
    this.#shown = this.#nearest(this.state) ?? first;
    this.#answered = {};
    this.#show(this.#shown);
    this.#first = this.#answered = this.#settings();
  }

  save_changes(): void {
    const before = this.#answered;
    const asked = SETTINGS.filter((name) => this.state[name] !== before[name]);
    const refused = asked.filter((name) => !this.#answer(name));
    for (const name of refused) {
      this.set(name, before[name] as never);
    }
    this.#answered = this.#settings();
    this.#history.note(before, this.#answered, performance.now());
    this.set("undoable", this.#history.words);
  }

  send(request: ToKernel | { readonly type: OwnPart }): void {
    const answers: Partial<Record<typeof request.type, () => void>> = {
      details: () => void this.#sendCode("details"),
      plotly: () => void this.#sendCode("plotly"),
      undo: () => this.#undo(),
      reset: () => this.#reset(),
      pin: () => this.#pin(),
      unpin: () => this.#unpin(),
    };
    const answer = answers[request.type] ?? (() => this.#refuse(request.type, this.#saved.why));
    answer();
  }

  /** Apply the new value of a setting; return false if the page has no data for it. */
  #answer(name: Setting): boolean {
    if (FIXED.includes(name)) {
      return this.#refuse(name, this.#saved.why);
    }
    if (RESULT.includes(name)) {
      return this.#explain(name);
    }
    if (name === "selection") {
      this.#group();
    } else if (name === "removed") {
      this.#play();
    } else if (name === "compare_with") {
      return this.#compareWith(this.state.compare_with);
    } else if (name === "shown" && !this.#of(this.state.shown)) {
      return this.#refuse(name, "There is no pinned explanation to compare with; pin one first.");
    } else if (name === "shown") {
      this.#updateShown();
    } else if (GRAPH.includes(name)) {
      this.#draw();
    }
    return true;
  }

  /** Show the explanation for a new setting; return false if there is none. */
  #explain(name: Setting): boolean {
    this.#budget = name === "budget" ? this.state.budget : this.#budget;
    const text = name === "chosen" ? captionOf(this.state.chosen) : this.state.text;
    const snapshot = this.#nearest({ ...this.state, text });
    if (!snapshot) {
      return this.#refuse(name, notRecorded(name, this.state, this.#saved));
    }
    this.#show(snapshot);
    return true;
  }

  /** Return the caption's snapshot nearest to the settings; p has priority over the budget. */
  #nearest({ text, p }: Pick<Traits, "text" | "p">, budget = this.#budget): Snapshot | null {
    const caption = this.#saved.captions.findIndex((saved) => saved.text === text.trim());
    const distance = (snapshot: Snapshot) =>
      100 * Math.abs(snapshot.p - p) + Math.abs(Math.log2(snapshot.budget || 1) - Math.log2(budget || 1));
    const sorted = this.#saved.snapshots
      .filter((snapshot) => snapshot.caption === caption)
      .sort((a, b) => distance(a) - distance(b));
    return sorted[0] ?? null;
  }

  #show(snapshot: Snapshot): void {
    const generation = (this.state.generation ?? 0) + 1;
    const caption = this.#caption(snapshot);
    const players = this.#saved.grid[0] * this.#saved.grid[1] + caption.tokens.length;
    const exists = (player: number) => player < players;
    this.#shown = snapshot;
    this.set("generation", generation);
    this.set("p", snapshot.p);
    this.set("budget", snapshot.budget);
    this.set("text", caption.text);
    this.set("scene", { ...this.state.scene, tokens: caption.tokens });
    const choice = this.#saved.classes?.choices.find((each) => captionOf(each) === caption.text);
    if (choice && captionOf(this.state.chosen) !== caption.text) {
      this.set("chosen", choice);
    }
    this.set("class_maps", mapsOf(this.#saved, snapshot, generation));
    this.set("selection", kept(this.state.selection, exists));
    this.set("removed", kept(this.state.removed, exists));
    this.set("offline", offline(this.#saved, snapshot));
    this.set("result", resultOf(snapshot, generation));
    this.set("examples", snapshot.examples);
    this.set("convergence", snapshot.convergence);
    this.#follow();
    this.#compare();
    this.#updateShown();
    this.#play();
  }

  #draw(): void {
    const shown = this.#of(this.state.shown) ?? this.#result();
    const snapshot = this.state.shown === "pinned" ? (this.#pinned?.snapshot ?? this.#shown) : this.#shown;
    const settings: GraphSettings = this.state;
    const drawn = graphOf(shown, settings, this.#caption(snapshot), snapshot.places);
    this.set("graph_data", { ...drawn, generation: this.state.generation, shown: this.state.shown });
  }

  #play(): void {
    const { removed } = this.state;
    this.set("played", removed.length > 0 ? this.#played(removed) : null);
  }

  #played(removed: readonly number[]): Played {
    const { without } = this.#caption(this.#shown);
    const value = removed.length === 1 ? (without?.[removed[0] as number] ?? null) : null;
    const result = this.#result();
    const prediction = result.in_logits === false ? null : predictionOf(result, removed);
    const why = value === null ? this.#saved.why : "";
    const played = { generation: this.state.generation, removed, value, prediction, picture: null, why };
    return this.#saved.classes
      ? { ...played, probabilities: probabilitiesWithout(this.#saved, removed) }
      : played;
  }

  #pin(): void {
    this.set("compare_with", null);
    this.#pinSnapshot(this.#shown, this.#result());
    this.#compare();
    this.#answered = this.#settings();
  }

  #pinSnapshot(snapshot: Snapshot, result: WireResult): void {
    this.#pinned = { label: snapshot.label, result, snapshot };
    this.set("pinned", { label: snapshot.label, result });
  }

  /** Pin the explanation of a recorded caption as A, and show B − A; null stops that. Return false for other captions. */
  #compareWith(caption: string | null): boolean {
    if (caption === null) {
      this.#unpin();
      return true;
    }
    if (!this.#saved.captions.some(({ text }) => text === caption.trim())) {
      const what = caption.trim() === "" ? "The caption is empty." : `“${caption}” was not recorded.`;
      return this.#refuse("compare_with", `${what} ${this.#saved.why}`);
    }
    this.#follow();
    this.#compare();
    this.set("shown", this.state.difference ? "difference" : this.state.shown);
    this.#updateShown();
    return true;
  }

  /** Pin the recorded explanation of the caption to compare with that is nearest to the shown one, if there is one. */
  #follow(): void {
    const caption = this.state.compare_with;
    const { p, budget } = this.#shown;
    const snapshot = caption == null ? null : this.#nearest({ text: caption, p }, budget);
    if (snapshot) {
      this.#pinSnapshot(snapshot, resultOf(snapshot, 0));
    }
  }

  #unpin(): void {
    this.#pinned = null;
    this.set("pinned", null);
    this.set("compare_with", null);
    this.#compare();
    this.set("shown", "current");
    this.#answered = this.#settings();
    this.#updateShown();
  }

  #compare(): void {
    const pinned = this.#pinned;
    const partners = pinned && this.#caption(this.#shown).partners[pinned.snapshot.caption];
    this.set(
      "difference",
      partners
        ? differenceOf(this.#result(), pinned.result, partners, this.#recorded(pinned.snapshot))
        : null,
    );
  }

  /** Return what was recorded of the difference from a pinned snapshot, or null. */
  #recorded(pinned: Snapshot): SavedDifference | null {
    const { snapshots, differences = [] } = this.#saved;
    return differences.find(({ b, a }) => snapshots[b] === this.#shown && snapshots[a] === pinned) ?? null;
  }

  /** Update graph, sums and subsets to the shown explanation. */
  #updateShown(): void {
    this.#draw();
    this.#group();
    const { shown, generation } = this.state;
    const of = { current: this.#shown, pinned: this.#pinned?.snapshot, difference: null }[shown];
    this.set("subsets", of?.subsets ? { ...of.subsets, generation, shown } : null);
  }

  #group(): void {
    const { shown, selection, generation } = this.state;
    const group = groupOf(this.#of(shown) ?? this.#result(), selection, shown);
    this.set("group", group && { ...group, generation });
  }

  #undo(): void {
    const before = this.#history.pop();
    if (!before) {
      this.#refuse("undo", "There is nothing to undo.");
    } else {
      this.#apply(before);
      this.set("undoable", this.#history.words);
    }
  }

  #reset(): void {
    const before = this.#answered;
    this.#budget = this.#first.budget ?? this.#budget;
    this.#apply(this.#first);
    this.#history.note(before, this.#answered, performance.now(), "reset");
    this.set("undoable", this.#history.words);
  }

  /** Set the recorded settings among `settings`, with one answer for all of them. */
  #apply(settings: Settings): void {
    const changed = RECORDED.filter((name) => name in settings && settings[name] !== this.state[name]);
    for (const name of changed) {
      this.set(name, settings[name] as never);
    }
    if (RESULT.some((name) => changed.includes(name))) {
      if (!changed.includes("p") && !changed.includes("text")) {
        this.#budget = this.state.budget;
      }
      this.#show(this.#nearest(this.state) ?? this.#shown);
    } else {
      this.#draw();
    }
    this.#answered = this.#settings();
  }

  #settings(): Settings {
    return Object.fromEntries(SETTINGS.map((name) => [name, this.state[name]]));
  }

  #result(): WireResult {
    return this.state.result as WireResult;
  }

  #of(shown: Shown): WireResult | null {
    const { pinned, difference } = this.state;
    return { current: this.#result(), pinned: pinned?.result, difference: difference?.result }[shown] ?? null;
  }

  #caption(snapshot: Snapshot): SavedCaption {
    return this.#saved.captions[snapshot.caption] as SavedCaption;
  }

  #refuse(name: string, message: string): false {
    this.#send({ type: "refused", name, message } satisfies FromKernel);
    return false;
  }

  async #sendCode(type: OwnPart): Promise<void> {
    this.#send({ type, code: await this.#codes(type) });
  }

  #send(message: FromKernel | CodeMessage): void {
    this.emit("msg:custom", message);
  }
}

/** Return the players that exist; the same array if all do, so that no change is reported. */
function kept(players: readonly number[], exists: (player: number) => boolean): readonly number[] {
  return players.every(exists) ? players : players.filter(exists);
}

function defaults(saved: Saved): Partial<Traits> {
  const scene = sceneOf(saved, saved.captions[0]?.tokens ?? []);
  const candidates = candidatesOf(saved);
  const none = { result: null, graph_data: null, subsets: null, group: null, played: null, examples: null };
  return {
    ...none,
    scene,
    candidates,
    classes: candidates?.names ?? [],
    chosen: [],
    selection: [],
    removed: [],
    pinned: null,
    difference: null,
    convergence: [],
    measured: saved.measured ?? [],
    measuring: false,
    measure_cost: null,
    shown: "current",
    compare_with: null,
    stop_at: null,
    undoable: "",
    generation: 0,
  };
}

/** Return what the page offers for the caption of a snapshot: any p, and the budgets of the shown p. */
function offline(saved: Saved, { caption, p }: Snapshot): Traits["offline"] {
  const ascending = (numbers: number[]) => [...new Set(numbers)].sort((a, b) => a - b);
  const own = saved.snapshots.filter((snapshot) => snapshot.caption === caption);
  return {
    p: ascending(own.map((snapshot) => snapshot.p)),
    budgets: ascending(own.filter((snapshot) => snapshot.p === p).map(({ budget }) => budget)),
    pairs: own
      .map((snapshot) => [snapshot.p, snapshot.budget] as const)
      .sort((a, b) => a[0] - b[0] || a[1] - b[1]),
    captions: saved.captions.map(({ text }) => text),
    playable: [...(saved.captions[caption]?.without?.keys() ?? [])],
    why: saved.why,
  };
}
