/** The widget's traits as signals: those that a view reads as they are. */

import type { AnyModel } from "@anywidget/types";
import { type Signal, signal } from "@preact/signals";
import type { Traits } from "../wire/types";

type Mirrored = Exclude<keyof Traits, "result" | "graph_data">;

export const MIRRORED: readonly Mirrored[] = [
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
  "measured",
  "measuring",
  "measure_cost",
  "undoable",
];

export type Mirrors = { readonly [Name in Mirrored]: Signal<Traits[Name]> };

/** Each with the value that it has now; whoever listens to the model keeps it so. */
export function mirrors(model: AnyModel<Traits>): Mirrors {
  const entries = MIRRORED.map((name) => [name, signal(model.get(name))]);
  return Object.fromEntries(entries) as Mirrors;
}
