/** The history of settings for undo, with the rules of the kernel (fixlip_widgets/widget/undo_history.py). */

import { shortened } from "../lib/labels";
import { captionOf } from "../model/classes";
import type { Setting, Traits } from "../wire/types";

export type Settings = Partial<Traits>;

interface Change {
  readonly before: Settings;
  readonly after: Settings;
  readonly time: number;
  /** Description of a change that names no single setting, such as a reset. */
  readonly title: string;
}

const WORDS: Partial<Record<Setting, string>> = {
  chosen: "class",
  text: "caption",
  top_k: "edges",
  graph_layout: "layout",
  graph_kind: "kind of edges",
  graph_sign: "sign of edges",
  subset_size: "subset size",
  subset_sign: "subset sign",
};
/** Settings that undo restores; not selection, hidden players or view. */
export const RECORDED: readonly Setting[] = [
  "p",
  "budget",
  ...(Object.keys(WORDS) as Setting[]),
  "palette",
  "theme",
];
/** Changes of one setting within this time are one change. */
const COALESCE_MS = 1000;
const MAX_CHANGES = 100;
const LONGEST_CAPTION = 30;

export class History {
  #changes: Change[] = [];

  /** Description of the last change, such as “p 0.5 → 0.7”; empty without one. */
  get words(): string {
    const last = this.#changes.at(-1);
    const settings = last ? changed(last).map((name) => said(name, last)) : [];
    return last?.title || settings.join(", ");
  }

  note(before: Settings, after: Settings, time: number, title = ""): void {
    const change = { before, after, time, title };
    if (changed(change).length === 0) {
      return;
    }
    const last = this.#changes.at(-1);
    const continues = last && !title && !last.title && time - last.time < COALESCE_MS;
    if (continues && `${changed(last)}` === `${changed(change)}`) {
      this.#changes.pop();
      this.note(last.before, after, time);
    } else {
      this.#changes = [...this.#changes, change].slice(-MAX_CHANGES);
    }
  }

  /** Remove the last change and return the recorded settings before it; null without one. */
  pop(): Settings | null {
    const last = this.#changes.pop();
    return last ? Object.fromEntries(changed(last).map((name) => [name, last.before[name]])) : null;
  }
}

function changed({ before, after }: Change): Setting[] {
  return RECORDED.filter((name) => before[name] !== after[name]);
}

function said(name: Setting, { before, after }: Change): string {
  return `${WORDS[name] ?? name} ${worded(name, before[name])} → ${worded(name, after[name])}`;
}

function worded(name: Setting, value: unknown): string {
  if (typeof value === "number") {
    return Number.isInteger(value) && name !== "p" ? value.toLocaleString("en") : `${+value.toPrecision(3)}`;
  }
  return name === "text" || name === "chosen"
    ? `“${shortened(Array.isArray(value) ? captionOf(value) : String(value), LONGEST_CAPTION)}”`
    : String(value).replaceAll("_", "–");
}
