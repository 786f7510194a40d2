/** How much the view shows: the widget's setting, else what the user chose last in this browser, else the simple level. */

import { computed, type ReadonlySignal } from "@preact/signals";
import type { Traits } from "../wire/types";

export type Level = Exclude<Traits["level"], "auto">;

const KEY = "fixlip-level";

/** Return the level of a view. A choice that is made elsewhere in the browser later does not change it. */
export function levelOf(setting: ReadonlySignal<Traits["level"]>): ReadonlySignal<Level> {
  const remembered = recall();
  return computed(() => known(setting.value) ?? remembered);
}

/** Remember a choice of the user for other widgets in this browser. */
export function remember(level: Level): void {
  try {
    localStorage.setItem(KEY, level);
  } catch {
    // sandboxed frames and strict privacy settings have no storage; the widget's own setting keeps the choice
  }
}

function recall(): Level {
  try {
    return known(localStorage.getItem(KEY)) ?? "simple";
  } catch {
    return "simple";
  }
}

/** Old notebooks and pages have no level. */
function known(level: string | null | undefined): Level | null {
  return level === "simple" || level === "all" ? level : null;
}
