/**
 * The view on a stored explanation, with a model that answers a little like a kernel does.
 *
 * `?theme=dark`, `?selection=50`, `?state=running|cancelled|error|refused|empty|fixed` choose what is shown; traits can be
 * set by name too: `?graph_layout=spring&palette=safe`.
 */

import type { RenderProps } from "@anywidget/types";
import widget from "../src/index";
import type { Graph, Traits } from "../src/protocol";

type State = Record<string, unknown>;

class FakeModel {
  readonly #handlers = new Map<string, Set<(...given: unknown[]) => void>>();
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  get(name: string): unknown {
    return this.#state[name];
  }

  set(name: string, value: unknown): void {
    this.#state[name] = value;
    this.emit(`change:${name}`);
    if (name === "graph_layout") {
      this.set("graph_data", (this.#state.graphs as Record<string, Graph>)[value as string]);
    }
  }

  save_changes(): void {}

  send(content: { type: string }): void {
    this.set("status", content.type === "run" ? "running" : "cancelled");
  }

  on(event: string, handler: (...given: unknown[]) => void): void {
    const handlers = this.#handlers.get(event) ?? new Set();
    this.#handlers.set(event, handlers.add(handler));
  }

  off(event: string, handler: (...given: unknown[]) => void): void {
    this.#handlers.get(event)?.delete(handler);
  }

  emit(event: string, ...given: unknown[]): void {
    for (const handler of this.#handlers.get(event) ?? []) {
      handler(...given);
    }
  }
}

/** Base64 as a DataView at an odd offset, as it may come over the wire. */
function buffers(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || !("base64" in value)) {
    return value;
  }
  const bytes = Uint8Array.from(atob(value.base64 as string), (character) => character.charCodeAt(0));
  const shifted = new Uint8Array(bytes.length + 1);
  shifted.set(bytes, 1);
  return new DataView(shifted.buffer, 1);
}

function apply(model: FakeModel, state: string | null): void {
  if (state === "running") {
    model.set("status", "running");
    const counts = { image_done: 1354, image_total: 2184, text_done: 256, text_total: 256 };
    model.emit("msg:custom", {
      type: "progress",
      generation: 1,
      fraction: 0.62,
      seconds_left: 21,
      ...counts,
    });
  } else if (state === "cancelled" || state === "idle") {
    model.set("status", state);
  } else if (state === "error") {
    model.set("status", "error");
    model.set(
      "error",
      "The encoder returned embeddings that are not finite numbers for 3 of 64 masked images.",
    );
  } else if (state === "refused") {
    const message = "The caption has 91 tokens; this model reads at most 75. Shorten it.";
    model.emit("msg:custom", { type: "refused", name: "text", message });
  } else if (state === "empty") {
    model.set("result", null);
    model.set("graph_data", null);
    model.set("status", "running");
  } else if (state === "fixed") {
    model.set("live", false);
  }
}

const asked = new URLSearchParams(location.search);
const stored = JSON.parse(
  await (await fetch(`${asked.get("fixture") ?? "fixture"}.json`)).text(),
  buffers,
) as State;
const el = document.getElementById("view") as HTMLElement;
document.body.dataset.jpThemeLight = String(asked.get("theme") !== "dark");
const model = new FakeModel({
  ...stored,
  selection: (asked.get("selection") ?? "").split(",").filter(Boolean).map(Number),
});
if (asked.get("state") === "empty") {
  apply(model, "empty");
}
const release = widget.render({ model, el } as unknown as RenderProps<Traits>);
apply(model, asked.get("state"));
for (const name of ["graph_layout", "palette"]) {
  const value = asked.get(name);
  if (value) {
    model.set(name, value);
  }
}
Object.assign(globalThis, { model, release });
