/**
 * The view of a stored explanation, with a model that imitates a kernel.
 *
 * `?theme=dark`, `?selection=50`,
 * `?state=running|cancelled|error|refused|empty|fixed|offline|pinned|difference|played|silent|first-order|measured|compared|
 * measuring|markup` choose what is shown, `?level=simple` selects the simple level, and `?open=trust` opens a panel. Traits can
 * be set by name too: `?graph_layout=spring&palette=safe&view=table`.
 */

import type { RenderProps } from "@anywidget/types";
import widget from "../src/index";
import all from "../src/shell/All";
import { details } from "../src/shell/details";
import type { Setting, Traits } from "../src/wire/types";
import { FakeKernel, OFFLINE, type State } from "./kernel";

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

const PROGRESS = {
  type: "progress",
  generation: 1,
  fraction: 0.62,
  seconds_left: 21,
  image_done: 1354,
  image_total: 2184,
  text_done: 256,
  text_total: 256,
} as const;

const MARKUP = '<img src=x onerror="document.title=1">';

/** Functions that bring the widget into a state, before the view exists. */
const BEFORE: Readonly<Record<string, (kernel: FakeKernel) => void>> = {
  empty: (kernel) => {
    kernel.tell("result", null);
    kernel.tell("graph_data", null);
    kernel.tell("status", "running");
    kernel.tell("examples", null);
    kernel.tell("convergence", []);
    kernel.tell("undoable", "");
  },
  fixed: (kernel) => kernel.tell("live", false),
  offline: (kernel) => {
    kernel.tell("live", false);
    kernel.tell("offline", OFFLINE);
  },
  pinned: (kernel) => kernel.send({ type: "pin" }),
  difference: (kernel) => {
    kernel.send({ type: "pin" });
    kernel.set("shown", "difference");
  },
  "first-order": (kernel) => {
    kernel.tell("method", "grad_eclip");
    kernel.tell("order", 1);
  },
  measured: (kernel) => kernel.tell("measured", kernel.get("measures").slice(0, 1)),
  compared: (kernel) => kernel.tell("measured", kernel.get("measures")),
  beside: (kernel) => kernel.tell("measured", kernel.get("measures").slice(1)),
  measuring: (kernel) => kernel.tell("measuring", true),
  markup: (kernel) => {
    kernel.tell("text", MARKUP);
    kernel.tell("error", MARKUP);
    kernel.tell("undoable", MARKUP);
  },
};

const AFTER: Readonly<Record<string, (kernel: FakeKernel) => void>> = {
  running: (kernel) => {
    kernel.tell("status", "running");
    kernel.emit("msg:custom", PROGRESS);
  },
  measuring: (kernel) => kernel.emit("msg:custom", { ...PROGRESS, type: "measuring" }),
  cancelled: (kernel) => kernel.tell("status", "cancelled"),
  idle: (kernel) => kernel.tell("status", "idle"),
  error: (kernel) => {
    kernel.tell("status", "error");
    kernel.tell(
      "error",
      "The encoder returned embeddings that are not finite numbers for 3 of 64 masked images.",
    );
  },
  refused: (kernel) => {
    const slider = el.querySelector<HTMLInputElement>("input[id$='-budget']");
    if (slider) {
      kernel.dead = true;
      slider.value = "22";
      slider.dispatchEvent(new Event("input", { bubbles: true }));
      slider.dispatchEvent(new Event("pointerup", { bubbles: true }));
      kernel.dead = false;
    }
    const message = "The budget 4,194,304 is above 1,048,576, the most that this widget may spend.";
    kernel.emit("msg:custom", { type: "refused", name: "budget", message });
    kernel.tell("budget", 2 ** 17);
  },
  played: (kernel) => kernel.set("removed", [28, 29, 50]),
  silent: (kernel) => {
    kernel.dead = true;
  },
};

const asked = new URLSearchParams(location.search);
const stored = JSON.parse(
  await (await fetch(`${asked.get("fixture") ?? "fixture"}.json`)).text(),
  buffers,
) as State;
const el = document.getElementById("view") as HTMLElement;
details.value = all; // part of this page's own module
document.body.dataset.jpThemeLight = String(asked.get("theme") !== "dark");
const kernel = new FakeKernel(stored);
const state = asked.get("state") ?? "";
kernel.tell("level", asked.get("level") === "simple" ? "simple" : "all");
BEFORE[state]?.(kernel);
const release = widget.render({ model: kernel, el } as unknown as RenderProps<Traits>);
AFTER[state]?.(kernel);
const NAMED = [
  "graph_layout",
  "graph_kind",
  "graph_sign",
  "palette",
  "view",
  "heatmap_kind",
  "shown",
] as const;
for (const name of NAMED satisfies readonly Setting[]) {
  const value = asked.get(name);
  if (value) {
    kernel.set(name, value as never);
  }
}
const selection = (asked.get("selection") ?? "").split(",").filter(Boolean).map(Number);
if (selection.length > 0) {
  kernel.set("selection", selection);
}
const panel = asked.get("open");
if (panel) {
  requestAnimationFrame(() => el.querySelector<HTMLElement>(`[data-panel="${panel}"]`)?.click());
}
Object.assign(globalThis, { model: kernel, kernel, release });
