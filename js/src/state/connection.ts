/** The connection to the kernel: the widget's traits as signals, messages beside them, and commits and requests. */

import type { AnyModel } from "@anywidget/types";
import { batch, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Explanation, explanationOf } from "../model/explanation";
import {
  type FromKernel,
  type Graph,
  type Progress,
  type Refusal,
  type Setting,
  type ToKernel,
  TRAITS,
  type Traits,
} from "../wire/types";
import { createAnswers } from "./answers";

export type Model = AnyModel<Traits>;

/** Traits that become signals as they are; the connection decodes the result and checks the age of the graph. */
type Mirrored = Exclude<keyof Traits, "result" | "graph_data">;

const MIRRORED = TRAITS.filter((name): name is Mirrored => name !== "result" && name !== "graph_data");

type TraitSignals = { readonly [Name in Mirrored]: Signal<Traits[Name]> };

/** Return a signal for each trait, with its present value; the connection updates them. */
function traitSignals(model: Model): TraitSignals {
  const entries = MIRRORED.map((name) => [name, signal(model.get(name))]);
  return Object.fromEntries(entries) as TraitSignals;
}

/** Settings whose change starts a refinement. */
const RESTARTING: ReadonlySet<Setting> = new Set<Setting>([
  "p",
  "budget",
  "stop_at",
  "text",
  "classes",
  "chosen",
  "method",
  "order",
]);

/** Settings that the kernel answers with a graph or with sums. A change of the others needs no kernel. */
const ANSWERED: ReadonlySet<Setting> = new Set<Setting>([
  "selection",
  "removed",
  "shown",
  "compare_with",
  "top_k",
  "graph_layout",
  "graph_kind",
  "graph_sign",
]);
/** Requests whose button changes into that of the opposite request, or goes away. */
const TOGGLING: ReadonlySet<ToKernel["type"]> = new Set<ToKernel["type"]>([
  "run",
  "more",
  "cancel",
  "measure",
]);
/** Time in which a second click belongs to a double click, and must not take back the first one. */
const DOUBLE_CLICK_MS = 400;

/** What came over the wire: each trait under its own name, the result and the graph decoded, and messages. */
export interface WireState extends TraitSignals {
  /** The newest result; an older one never replaces it. */
  readonly result: ReadonlySignal<Explanation | null>;
  readonly graph: ReadonlySignal<Graph | null>;
  readonly progress: ReadonlySignal<Progress | null>;
  /** Progress of a measurement; null before the first message about it. */
  readonly measurement: ReadonlySignal<Progress | null>;
  /** Whether the kernel has not answered for too long, because it is busy or gone. */
  readonly silent: ReadonlySignal<boolean>;
}

export interface Connection {
  readonly wire: WireState;
  /** Whether this view requested a refinement that has not begun. */
  readonly pending: ReadonlySignal<boolean>;
  /** The last setting or request of this view that the kernel rejected, with the reason. */
  readonly refusal: Signal<Refusal | null>;
  commit<Name extends Setting>(name: Name, value: Traits[Name]): void;
  ask(request: ToKernel): void;
  close(): void;
}

export function connect(model: Model): Connection {
  const traits = traitSignals(model);
  const result = signal<Explanation | null>(read(model));
  const graph = signal<Graph | null>(model.get("graph_data"));
  const progress = signal<Progress | null>(null);
  const measurement = signal<Progress | null>(null);
  const refusal = signal<Refusal | null>(null);
  const answers = createAnswers();
  /** Settings and requests that this view changed last: every view receives a refusal, but only one shows it. */
  const mine = new Set<string>();
  let committing = false;
  let toggled = Number.NEGATIVE_INFINITY;

  const stopListening = listen(model, {
    ...Object.fromEntries(
      MIRRORED.map((name) => [
        `change:${name}`,
        () => {
          (traits[name] as Signal<unknown>).value = model.get(name);
          received(name);
        },
      ]),
    ),
    "change:generation": () => {
      batch(() => {
        traits.generation.value = model.get("generation");
        progress.value = null;
        answers.begin();
        received();
      });
    },
    "change:status": () => {
      batch(() => {
        traits.status.value = model.get("status");
        progress.value = null;
        received();
      });
    },
    "change:measuring": () => {
      batch(() => {
        traits.measuring.value = model.get("measuring");
        measurement.value = null;
        received();
      });
    },
    "change:result": () => {
      const newest = read(model);
      if (!newest || newest.generation >= (result.value?.generation ?? 0)) {
        result.value = newest;
      }
    },
    "change:graph_data": () => {
      const newest = model.get("graph_data");
      if (!newest || newest.generation >= (graph.value?.generation ?? 0)) {
        graph.value = newest;
      }
    },
    "msg:custom": (message: FromKernel) => {
      received();
      if (message.type === "refused") {
        refusal.value = mine.has(message.name) ? message : refusal.value;
        answers.begin();
      } else if (message.type === "measuring") {
        measurement.value = message;
      } else if (message.type === "progress" && message.generation >= traits.generation.value) {
        progress.value = message;
      }
    },
  });

  // a notebook may be saved while the kernel works and opened again without a kernel that would finish
  received();

  function isBusy(): boolean {
    return model.get("status") === "running" || model.get("measuring");
  }

  /** Note a sign of life from the kernel or another view; `name` is the setting that it changed. */
  function received(name?: string): void {
    if (!committing) {
      answers.receive(isBusy());
      mine.delete(name ?? "");
    }
  }

  function claim(name: string): void {
    mine.add(name);
    if (refusal.value?.name === name) {
      refusal.value = null;
    }
  }

  function commit<Name extends Setting>(name: Name, value: Traits[Name]): void {
    const kernel = traits.offline.value === null;
    const restarts = kernel && RESTARTING.has(name) && traits.autorun.value && traits[name].value !== value;
    // a kernel at work may be late with its confirmation, and its own messages show whether it is alive
    const answered = kernel && ANSWERED.has(name) && !isBusy();
    claim(name);
    committing = true;
    model.set(name, value);
    committing = false;
    if (restarts || answered) {
      answers.expect(restarts);
    }
    deliver(() => model.save_changes());
  }

  function ask(request: ToKernel): void {
    if (TOGGLING.has(request.type)) {
      if (performance.now() - toggled < DOUBLE_CLICK_MS) {
        return;
      }
      toggled = performance.now();
    }
    claim(request.type);
    if (request.type === "run" || request.type === "more" || request.type === "cancel") {
      answers.expect(request.type !== "cancel");
    }
    deliver(() => model.send(request));
  }

  /** Call `send`. Hosts throw without a kernel; the view then shows the same notice as for a silent kernel. */
  function deliver(send: () => void): void {
    try {
      send();
    } catch {
      answers.fail();
    }
  }

  return {
    wire: { ...traits, result, graph, progress, measurement, silent: answers.silent },
    pending: answers.pending,
    refusal,
    commit,
    ask,
    close: () => {
      stopListening();
      answers.stop();
    },
  };
}

function read(model: Model): Explanation | null {
  const result = model.get("result");
  return result ? explanationOf(result) : null;
}

// biome-ignore lint/suspicious/noExplicitAny: handlers of messages and of changes share no type
type Handlers = Record<string, (message: any) => void>;

/** Add the handlers to `model`; return a function that removes them. */
function listen(model: Model, handlers: Handlers): () => void {
  for (const [event, handler] of Object.entries(handlers)) {
    model.on(event, handler);
  }
  return () => {
    for (const [event, handler] of Object.entries(handlers)) {
      model.off(event, handler);
    }
  };
}
