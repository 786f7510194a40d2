/** One view's store: what came over the wire, what this view shows, and the actions that change them. */

import type { Host } from "@anywidget/types";
import type { Setting, ToKernel, Traits } from "../wire/types";
import { connect, type Model, type WireState } from "./connection";
import { type Level, remember } from "./level";
import { createView, type Tool, type ViewState } from "./view";

export type { Model, Tool };

export interface Store {
  readonly model: Model;
  /** The page's access to other widgets' models, if it offers one. */
  readonly host: Host | undefined;
  /** Prefix of the ids of this view's elements, since a page may have several views. */
  readonly id: string;
  readonly wire: WireState;
  readonly view: ViewState;
  commit<Name extends Setting>(name: Name, value: Traits[Name]): void;
  ask(request: ToKernel): void;
  /** Select `player` alone, or clear the selection if it is `player`; with `add`, toggle `player` in the selection. */
  select(player: number, add: boolean): void;
  /** Explain why the model prefers the first chosen class to `name`; or only the former, if that is explained already. */
  versus(name: string): void;
  /** Remove a class. */
  removeClass(name: string): void;
  /** Hide `players` from the model in the playground, or show them again if all of them are hidden. */
  toggleRemoved(players: readonly number[]): void;
  /** Show more or less, here and in later widgets of this browser. */
  chooseLevel(level: Level): void;
  dispose(): void;
}

export function createStore(model: Model, host?: Host): Store {
  const connection = connect(model);
  const { wire, commit, ask } = connection;
  const releases = [connection.close];
  const view = createView(connection, releases);

  function select(player: number, add: boolean): void {
    const selected = wire.selection.value;
    const has = selected.includes(player);
    if (add) {
      commit("selection", has ? selected.filter((other) => other !== player) : [...selected, player]);
    } else {
      commit("selection", has && selected.length === 1 ? [] : [player]);
    }
  }

  function versus(name: string): void {
    const [first, second] = wire.chosen.value;
    if (first !== undefined && name !== first) {
      commit("chosen", name === second ? [first] : [first, name]);
    }
  }

  function removeClass(name: string): void {
    commit(
      "classes",
      wire.classes.value.filter((other) => other !== name),
    );
  }

  function toggleRemoved(players: readonly number[]): void {
    const hidden = wire.removed.value;
    const others = hidden.filter((player) => !players.includes(player));
    const show = players.every((player) => hidden.includes(player));
    commit("removed", show ? others : [...others, ...players].sort((a, b) => a - b));
  }

  return {
    model,
    host,
    id: `fixlip-${Math.random().toString(36).slice(2, 9)}`,
    wire,
    view,
    commit,
    ask,
    select,
    versus,
    removeClass,
    toggleRemoved,
    chooseLevel: (level) => {
      remember(level);
      commit("level", level);
    },
    dispose: () => {
      for (const release of releases) {
        release();
      }
    },
  };
}
