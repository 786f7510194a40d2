/** One view's state: the widget's traits as signals, and what only this view knows (what is hovered, what was refused). */

import type { AnyModel } from "@anywidget/types";
import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { onDark, type Palette } from "../lib/colour";
import type { Point } from "../lib/geometry";
import { type Theme, watchTheme } from "../lib/theme";
import { type Ray, raysFrom } from "../model/arcs";
import { type Explanation, explanationOf, valuesFor } from "../model/explanation";
import { type Outlines, outlinesOf } from "../model/outlines";
import type { Board } from "../model/players";
import { type BlockLimits, blockLimits, type Scales, scalesOf, widest } from "../model/scales";
import { decodeIfKnown } from "../wire/arrays";
import type {
  FromKernel,
  Graph,
  Group,
  Progress,
  Refusal,
  Setting,
  Shown,
  Status,
  Subset,
  ToKernel,
  Traits,
} from "../wire/types";
import { createAnswers } from "./answers";
import { activePlayers, answerFor, comparison, groupFor, subsetFor } from "./comparison";
import { pictureUrl } from "./picture";
import { MIRRORED, type Mirrors, mirrors } from "./traits";

export type Model = AnyModel<Traits>;
/** What clicking a player does: select it, or hide it from the model. */
export type Tool = "select" | "hide";
/** Settings whose change starts a refinement. */
const RESTARTING: ReadonlySet<Setting> = new Set<Setting>(["p", "budget", "text", "method", "order"]);

export interface Store {
  /** Begins every id of this view's elements: several views share a page. */
  readonly id: string;
  /** Traits, as the widget's model holds them. */
  readonly traits: Mirrors;
  /** The present explanation: never older than one that came before. */
  readonly current: ReadonlySignal<Explanation | null>;
  /** What the views show: the present explanation, the pinned one, or their difference. */
  readonly explanation: ReadonlySignal<Explanation | null>;
  /** Which of them that is; `current` where there is nothing to compare with. */
  readonly shown: ReadonlySignal<Shown>;
  readonly graph: ReadonlySignal<Graph | null>;
  /** The kernel's status; already `running` between asking for a refinement and the kernel's answer. */
  readonly status: ReadonlySignal<Status>;
  readonly progress: ReadonlySignal<Progress | null>;
  /** How far measuring is; null while nothing is told of it. */
  readonly measurement: ReadonlySignal<Progress | null>;
  /** The kernel has not answered for too long: it is busy with something else, or gone. */
  readonly silent: ReadonlySignal<boolean>;
  /** The last setting or request of this view that the kernel did not take, and why. */
  readonly refusal: Signal<Refusal | null>;
  /** What clicking a player does, in this view. */
  readonly tool: Signal<Tool>;
  /** Whether every click adds to the selection, and a finger draws areas, as with Shift. */
  readonly several: Signal<boolean>;
  /** Players under the pointer or with the keyboard's focus, in this view: a pair where that is on an interaction. */
  readonly pointed: Signal<readonly number[]>;
  /** The first of them. */
  readonly hovered: ReadonlySignal<number | null>;
  /** Where nodes of the graph were put by hand, in this view: node → place in the unit square. */
  readonly moved: Signal<ReadonlyMap<number, Point>>;
  /** Players in whose light everything is coloured: the selected ones, else the hovered one, else none. */
  readonly active: ReadonlySignal<readonly number[]>;
  readonly board: ReadonlySignal<Board>;
  /** Where image players lie in the picture. */
  readonly outlines: ReadonlySignal<Outlines>;
  readonly values: ReadonlySignal<Float32Array | null>;
  /** What arcs over the picture show: nothing while players are being hidden. */
  readonly rays: ReadonlySignal<readonly Ray[]>;
  /** The kernel's sums for the selected players; null where it has not (yet) answered for just these. */
  readonly group: ReadonlySignal<Group | null>;
  /** (n,) standard errors of the selected players' summed interactions with each other player, where they are known. */
  readonly groupErrors: ReadonlySignal<Float32Array | null>;
  /** The best subset of the size that is asked for; null for none, or while the kernel has none. */
  readonly subset: ReadonlySignal<Subset | null>;
  /** What shares its colour scales, what is shown among it. */
  readonly compared: ReadonlySignal<readonly Explanation[]>;
  /** Ends of the colour scales of `values`. */
  readonly scales: ReadonlySignal<Scales>;
  /** Largest interactions of each block, over what is compared on one scale. */
  readonly limits: ReadonlySignal<BlockLimits>;
  readonly palette: ReadonlySignal<Palette>;
  readonly dark: ReadonlySignal<boolean>;
  /** URL of the picture, for as long as the view lives. */
  readonly picture: ReadonlySignal<string | null>;
  /** URL of what the model is shown with every image player removed. */
  readonly blank: ReadonlySignal<string | null>;
  /** URL of the playground's picture, as the encoder sees it. */
  readonly seen: ReadonlySignal<string | null>;
  commit<Name extends Setting>(name: Name, value: Traits[Name]): void;
  ask(request: ToKernel): void;
  /** Select `player` alone, or nothing if that is what is selected; with `add`, put it to the others or take it away. */
  select(player: number, add: boolean): void;
  /** Hide `players` from the model in the playground, or show them again if all of them are hidden. */
  toggleRemoved(players: readonly number[]): void;
  dispose(): void;
}

export function createStore(model: Model): Store {
  const traits = mirrors(model);
  const current = signal<Explanation | null>(read(model));
  const graph = signal<Graph | null>(model.get("graph_data"));
  const progress = signal<Progress | null>(null);
  const measurement = signal<Progress | null>(null);
  const refusal = signal<Refusal | null>(null);
  const tool = signal<Tool>("select");
  const several = signal(false);
  const moved = signal<ReadonlyMap<number, Point>>(new Map());
  const pointed = signal<readonly number[]>([]);
  const answers = createAnswers();
  /** Settings and requests whose last author is this view: a refusal goes to all views, and is said in one. */
  const mine = new Set<string>();
  let committing = false;
  const hostTheme = signal<Theme>("light");
  const releases: (() => void)[] = [watchTheme((theme) => (hostTheme.value = theme)), answers.stop];

  // places that were chosen in one layout, or for one caption's words, mean nothing in another
  for (const other of [traits.graph_layout, traits.scene]) {
    releases.push(
      other.subscribe(() => {
        moved.value = new Map();
      }),
    );
  }
  const dark = computed(
    () => (traits.theme.value === "auto" ? hostTheme.value : traits.theme.value) === "dark",
  );
  const { shown, explanation, compared } = comparison(traits, current);
  const board = computed<Board>(() => {
    const scene = traits.scene.value;
    return explanation.value ?? { ...scene, regions: Boolean(scene.regions) };
  });
  const hovered = computed(() => pointed.value[0] ?? null);
  const active = computed(() => activePlayers(traits.selection.value, hovered.value, explanation.value));
  const values = computed(() => explanation.value && valuesFor(explanation.value, active.value));
  const groups = computed(() => answerFor(traits.group.value, traits.shown.value));
  const subsets = computed(() => answerFor(traits.subsets.value, traits.shown.value));
  const group = computed(() => groupFor(groups.value, traits.selection.value, current.value));
  const limits = computed(() => widest(compared.value.map(blockLimits)));
  const picture = pictureUrl(() => traits.scene.value.image, releases);
  const blank = pictureUrl(() => traits.scene.value.masking?.blank, releases);
  const seen = pictureUrl(() => traits.played.value?.picture, releases);

  listen(model, releases, {
    ...Object.fromEntries(
      MIRRORED.map((name) => [
        `change:${name}`,
        () => {
          (traits[name] as Signal<unknown>).value = model.get(name);
          heard(name);
        },
      ]),
    ),
    "change:generation": () => {
      batch(() => {
        traits.generation.value = model.get("generation");
        progress.value = null;
        answers.begun();
        heard();
      });
    },
    "change:status": () => {
      batch(() => {
        traits.status.value = model.get("status");
        progress.value = null;
        heard();
      });
    },
    "change:measuring": () => {
      batch(() => {
        traits.measuring.value = model.get("measuring");
        measurement.value = null;
        heard();
      });
    },
    "change:result": () => {
      const came = read(model);
      if (!came || came.generation >= (current.value?.generation ?? 0)) {
        current.value = came;
      }
    },
    "change:graph_data": () => {
      const came = model.get("graph_data");
      if (!came || came.generation >= (graph.value?.generation ?? 0)) {
        graph.value = came;
      }
    },
    "msg:custom": (message: FromKernel) => {
      heard();
      if (message.type === "refused") {
        refusal.value = mine.has(message.name) ? message : refusal.value;
        answers.begun();
      } else if (message.type === "measuring") {
        measurement.value = message;
      } else if (message.generation >= traits.generation.value) {
        progress.value = message;
      }
    },
  });

  // a notebook that was saved in the middle of work is opened again without a kernel that would go on with it
  heard();

  /** The kernel, or another view, has said something; `name` is the setting that it changed. */
  function heard(name?: string): void {
    if (!committing) {
      answers.heard(model.get("status") === "running" || model.get("measuring"));
      mine.delete(name ?? "");
    }
  }

  function authored(name: string): void {
    mine.add(name);
    if (refusal.value?.name === name) {
      refusal.value = null;
    }
  }

  function commit<Name extends Setting>(name: Name, value: Traits[Name]): void {
    const kernel = traits.offline.value === null;
    const restarts = kernel && RESTARTING.has(name) && traits.autorun.value && traits[name].value !== value;
    const plays = kernel && name === "removed" && (value as Traits["removed"]).length > 0;
    authored(name);
    committing = true;
    model.set(name, value);
    committing = false;
    if (restarts || plays) {
      answers.asked(restarts);
    }
    deliver(() => model.save_changes());
  }

  /** Hosts throw when they have nobody to send to; that is told like a kernel's silence. */
  function deliver(send: () => void): void {
    try {
      send();
    } catch {
      answers.lost();
    }
  }

  function ask(request: ToKernel): void {
    authored(request.type);
    if (request.type === "run" || request.type === "cancel") {
      answers.asked(request.type === "run");
    }
    deliver(() => model.send(request));
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

  function toggleRemoved(players: readonly number[]): void {
    const hidden = traits.removed.value;
    const others = hidden.filter((player) => !players.includes(player));
    const show = players.every((player) => hidden.includes(player));
    commit("removed", show ? others : [...others, ...players].sort((a, b) => a - b));
  }

  return {
    id: `fixlip-${Math.random().toString(36).slice(2, 9)}`,
    traits,
    current,
    explanation,
    shown,
    graph,
    status: computed(() => (answers.pending.value ? "running" : traits.status.value)),
    progress,
    measurement,
    silent: answers.silent,
    refusal,
    tool,
    several,
    pointed,
    moved,
    hovered,
    active,
    board,
    outlines: computed(() => outlinesOf(traits.scene.value)),
    values,
    rays: computed(() =>
      explanation.value && tool.value === "select" ? raysFrom(explanation.value, active.value) : [],
    ),
    group,
    subset: computed(() =>
      subsetFor(subsets.value, traits.subset_size.value, traits.subset_sign.value, current.value),
    ),
    groupErrors: computed(() => decodeIfKnown(group.value?.se)),
    compared,
    scales: computed(() => scalesOf(compared.value, limits.value, active.value)),
    limits,
    palette: computed(() => paletteOf(traits.options.value, traits.palette.value, dark.value)),
    dark,
    picture,
    blank,
    seen,
    commit,
    ask,
    select,
    toggleRemoved,
    dispose: () => {
      for (const release of releases) {
        release();
      }
    },
  };
}

function read(model: Model): Explanation | null {
  const wire = model.get("result");
  return wire ? explanationOf(wire) : null;
}

/** The ground of the views in the dark theme, as in the style sheet. */
const DARK_PANEL = "#1c1d23";

function paletteOf(options: Traits["options"], name: string, dark: boolean): Palette {
  const [positive, negative] = options.palettes[name] ?? ["#ff0d57", "#1e88e5"];
  return dark ? onDark({ positive, negative }, DARK_PANEL) : { positive, negative };
}

// biome-ignore lint/suspicious/noExplicitAny: a handler of messages and a handler of changes have nothing in common
type Handlers = Record<string, (message: any) => void>;

function listen(model: Model, releases: (() => void)[], handlers: Handlers): void {
  for (const [event, handler] of Object.entries(handlers)) {
    model.on(event, handler);
    releases.push(() => model.off(event, handler));
  }
}
