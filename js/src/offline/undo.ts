/** What undo takes back, in the words and with the pauses of the kernel (fixlip_widgets/widget/history.py). */

import type { Setting, Traits } from "../wire/types";

export type Settings = Partial<Traits>;

interface Change {
  readonly before: Settings;
  readonly after: Settings;
  readonly time: number;
  /** What it was, where naming the settings would not say it. */
  readonly title: string;
}

const WORDS: Partial<Record<Setting, string>> = {
  text: "caption",
  top_k: "edges",
  graph_layout: "layout",
  graph_kind: "kind of edges",
  graph_sign: "sign of edges",
  subset_size: "subset size",
  subset_sign: "subset sign",
};
/** Settings that undo takes back: not what is selected, hidden or looked at. */
export const RECORDED: readonly Setting[] = [
  "p",
  "budget",
  ...(Object.keys(WORDS) as Setting[]),
  "palette",
  "theme",
];
/** Moves of one slider that follow each other this closely are one change. */
const COALESCE_MS = 1000;

export class History {
  #changes: Change[] = [];

  /** What `pop` would take back, “p 0.5 → 0.7”; empty where there is nothing. */
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
    const goesOn = last && !title && !last.title && time - last.time < COALESCE_MS;
    if (goesOn && `${changed(last)}` === `${changed(change)}`) {
      this.#changes.pop();
      this.note(last.before, after, time);
    } else {
      this.#changes.push(change);
    }
  }

  /** The recorded settings as they were before the last change, which is forgotten; null where there is none. */
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
  return name === "text" ? `“${value}”` : String(value).replaceAll("_", "–");
}
