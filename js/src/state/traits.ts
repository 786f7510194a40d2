/** The widget's traits as signals. */

import type { AnyModel } from "@anywidget/types";
import { type Signal, signal } from "@preact/signals";
import { TRAITS, type Traits } from "../wire/types";

export type Model = AnyModel<Traits>;

/** Traits that become signals as they are; the connection decodes the result and checks the age of the graph. */
export type Mirrored = Exclude<keyof Traits, "result" | "graph_data">;

export const MIRRORED = TRAITS.filter((name): name is Mirrored => name !== "result" && name !== "graph_data");

export type TraitSignals = { readonly [Name in Mirrored]: Signal<Traits[Name]> };

/** Return a signal for each trait, with its present value; the connection updates them. */
export function traitSignals(model: Model): TraitSignals {
  const entries = MIRRORED.map((name) => [name, signal(model.get(name))]);
  return Object.fromEntries(entries) as TraitSignals;
}
