/** One view's state: the widget's traits as signals, and what only this view knows (what is hovered, what was refused). */

import type { AnyModel } from "@anywidget/types";
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Palette } from "./colour";
import { crossLimit, type Explanation, explanationOf, limitOf, valuesFor } from "./explanation";
import type { Board } from "./players";
import type { FromKernel, Graph, Progress, Refusal, Setting, Status, ToKernel, Traits } from "./protocol";
import { type Theme, watchTheme } from "./theme";

export type Model = AnyModel<Traits>;
type Mirrored = Exclude<keyof Traits, "result" | "graph_data">;

const MIRRORED: readonly Mirrored[] = [
  "p",
  "budget",
  "text",
  "method",
  "order",
  "selection",
  "removed",
  "top_k",
  "graph_layout",
  "graph_kind",
  "graph_sign",
  "subset_size",
  "subset_sign",
  "view",
  "block",
  "shown",
  "palette",
  "theme",
  "live",
  "offline",
  "autorun",
  "generation",
  "status",
  "error",
  "scene",
  "costs",
  "options",
  "pinned",
  "difference",
  "subsets",
  "group",
  "played",
  "examples",
  "convergence",
  "undoable",
];

/** Settings whose change starts a refinement. */
const RESTARTING: ReadonlySet<Setting> = new Set<Setting>(["p", "budget", "text", "method", "order"]);

type Mirrors = { readonly [Name in Mirrored]: Signal<Traits[Name]> };

export interface Store {
  /** Begins every id of this view's elements: several views share a page. */
  readonly id: string;
  /** Traits, as the widget's model holds them. */
  readonly traits: Mirrors;
  /** What is shown: never older than what was shown before. */
  readonly explanation: ReadonlySignal<Explanation | null>;
  readonly graph: ReadonlySignal<Graph | null>;
  /** The kernel's status; already `running` between asking for a refinement and the kernel's answer. */
  readonly status: ReadonlySignal<Status>;
  readonly progress: ReadonlySignal<Progress | null>;
  /** The last setting that the kernel did not take, and why. */
  readonly refusal: Signal<Refusal | null>;
  /** Player under the pointer or with the keyboard's focus, in this view. */
  readonly hovered: Signal<number | null>;
  /** Players in whose light everything is coloured: the selected ones, else the hovered one, else none. */
  readonly active: ReadonlySignal<readonly number[]>;
  readonly board: ReadonlySignal<Board>;
  readonly values: ReadonlySignal<Float32Array | null>;
  /** Ends of the colour scale of `values`: ±limit. */
  readonly limit: ReadonlySignal<number>;
  readonly palette: ReadonlySignal<Palette>;
  readonly dark: ReadonlySignal<boolean>;
  /** URL of the picture, for as long as the view lives. */
  readonly picture: ReadonlySignal<string | null>;
  commit<Name extends Setting>(name: Name, value: Traits[Name]): void;
  ask(request: ToKernel): void;
  /** Select `player` alone, or nothing if that is what is selected; with `add`, put it to the others or take it away. */
  select(player: number, add: boolean): void;
  dispose(): void;
}

export function createStore(model: Model): Store {
  const traits = mirrors(model);
  const explanation = signal<Explanation | null>(read(model));
  const graph = signal<Graph | null>(model.get("graph_data"));
  const progress = signal<Progress | null>(null);
  const refusal = signal<Refusal | null>(null);
  const hovered = signal<number | null>(null);
  const asked = expectation();
  const hostTheme = signal<Theme>("light");
  const releases: (() => void)[] = [watchTheme((theme) => (hostTheme.value = theme)), asked.met];

  const board = computed<Board>(() => explanation.value ?? traits.scene.value);
  const active = computed(() => activePlayers(traits.selection.value, hovered.value, explanation.value));
  const values = computed(() => explanation.value && valuesFor(explanation.value, active.value));
  const interactionLimit = computed(() => (explanation.value ? crossLimit(explanation.value) : 1));
  const limit = computed(() => {
    if (active.value.length === 0 || !values.value) {
      return explanation.value ? limitOf(explanation.value.main) : 1;
    }
    const several = active.value.length > 1 ? limitOf(values.value) : 0;
    return Math.max(interactionLimit.value, several);
  });
  const picture = pictures(traits.scene, releases);

  listen(model, releases, {
    ...Object.fromEntries(
      MIRRORED.map((name) => [
        `change:${name}`,
        () => {
          (traits[name] as Signal<unknown>).value = model.get(name);
        },
      ]),
    ),
    "change:generation": () => {
      batch(() => {
        traits.generation.value = model.get("generation");
        progress.value = null;
        asked.met();
      });
    },
    "change:status": () => {
      batch(() => {
        traits.status.value = model.get("status");
        progress.value = null;
      });
    },
    "change:result": () => {
      const came = read(model);
      if (!came || came.generation >= (explanation.value?.generation ?? 0)) {
        explanation.value = came;
      }
    },
    "change:graph_data": () => {
      const came = model.get("graph_data");
      if (!came || came.generation >= (graph.value?.generation ?? 0)) {
        graph.value = came;
      }
    },
    "msg:custom": (message: FromKernel) => {
      if (message.type === "refused") {
        refusal.value = message;
        asked.met();
      } else if (message.type === "progress" && message.generation >= traits.generation.value) {
        progress.value = message;
      }
    },
  });

  function commit<Name extends Setting>(name: Name, value: Traits[Name]): void {
    if (refusal.value?.name === name) {
      refusal.value = null;
    }
    if (RESTARTING.has(name) && traits.autorun.value && traits[name].value !== value) {
      asked.begin();
    }
    model.set(name, value);
    model.save_changes();
  }

  function ask(request: ToKernel): void {
    if (request.type === "run") {
      asked.begin();
    }
    model.send(request);
  }

  function select(player: number, add: boolean): void {
    const selected = traits.selection.value;
    const has = selected.includes(player);
    if (add) {
      commit("selection", has ? selected.filter((other) => other !== player) : [...selected, player]);
    } else {
      commit("selection", has && selected.length === 1 ? [] : [player]);
    }
  }

  return {
    id: `fixlip-${Math.random().toString(36).slice(2, 9)}`,
    traits,
    explanation,
    graph,
    status: computed(() => (asked.pending.value ? "running" : traits.status.value)),
    progress,
    refusal,
    hovered,
    active,
    board,
    values,
    limit,
    palette: computed(() => paletteOf(traits.options.value, traits.palette.value)),
    dark: computed(() => (traits.theme.value === "auto" ? hostTheme.value : traits.theme.value) === "dark"),
    picture,
    commit,
    ask,
    select,
    dispose: () => {
      for (const release of releases) {
        release();
      }
    },
  };
}

const ANSWERS_WITHIN_MS = 5000;

/** Something asked of the kernel and not yet answered; a kernel that is busy or dead is not waited for in vain. */
function expectation() {
  const pending = signal(false);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const met = () => {
    clearTimeout(timer);
    pending.value = false;
  };
  const begin = () => {
    clearTimeout(timer);
    timer = setTimeout(met, ANSWERS_WITHIN_MS);
    pending.value = true;
  };
  return { pending, begin, met };
}

function mirrors(model: Model): Mirrors {
  const entries = MIRRORED.map((name) => [name, signal(model.get(name))]);
  return Object.fromEntries(entries) as Mirrors;
}

function read(model: Model): Explanation | null {
  const wire = model.get("result");
  return wire ? explanationOf(wire) : null;
}

/** Players that the explanation does not have (any more) are left out. */
function activePlayers(
  selection: readonly number[],
  hovered: number | null,
  explanation: Explanation | null,
): readonly number[] {
  const players = explanation?.nPlayers ?? 0;
  const selected = selection.filter((player) => player < players);
  if (selected.length > 0) {
    return selected;
  }
  return hovered !== null && hovered < players ? [hovered] : [];
}

function paletteOf(options: Traits["options"], name: string): Palette {
  const [positive, negative] = options.palettes[name] ?? ["#ff0d57", "#1e88e5"];
  return { positive, negative };
}

/** The scene's picture as an object URL, which is released when another picture comes or the view goes. */
function pictures(scene: Signal<Traits["scene"]>, releases: (() => void)[]): ReadonlySignal<string | null> {
  let shown: { data: DataView; url: string } | null = null;
  const release = () => {
    if (shown) {
      URL.revokeObjectURL(shown.url);
    }
  };
  releases.push(release);
  return computed(() => {
    const { image } = scene.value;
    if (!image) {
      return null;
    }
    if (shown?.data !== image.data) {
      release();
      // a copy: the buffer may be shared, which a Blob does not take
      const bytes = new Uint8Array(image.data.buffer, image.data.byteOffset, image.data.byteLength).slice();
      shown = { data: image.data, url: URL.createObjectURL(new Blob([bytes], { type: image.mime })) };
    }
    return shown.url;
  });
}

// biome-ignore lint/suspicious/noExplicitAny: a handler of messages and a handler of changes have nothing in common
type Handlers = Record<string, (message: any) => void>;

function listen(model: Model, releases: (() => void)[], handlers: Handlers): void {
  for (const [event, handler] of Object.entries(handlers)) {
    model.on(event, handler);
    releases.push(() => model.off(event, handler));
  }
}
