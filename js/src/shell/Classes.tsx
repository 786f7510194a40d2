/** The classes as chips with their probabilities, and a field that finds or adds one. */

import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "../lib/format";
import { type ClassRow, matching, percent } from "../model/classes";
import type { Store } from "../state/store";
import { Icon } from "../ui/Field";
import { Refused } from "../ui/Notices";

/** Number of chips; a search finds the others. */
const MOST = 20;
/** The model chooses among at least so many. */
const LEAST = 2;

/** Settings whose refusal appears beside the chips. */
export const CLASS_REFUSALS = ["classes", "chosen"];

/** Present if the widget has classes. */
export function Classes({ store }: { store: Store }) {
  const [search, setSearch] = useState("");
  const [tabStop, setTabStop] = useState("");
  const list = useRef<HTMLUListElement>(null);
  const rows = store.view.classRows.value;
  if (!rows) {
    return null;
  }
  const found = matching(rows, search);
  const chosen = store.wire.chosen.value;
  const rest = search.trim() === "" ? rows.filter(({ name }) => chosen.includes(name)) : [];
  const shown = [...new Set([...found.slice(0, MOST), ...rest])];
  const stop = shown.some(({ name }) => name === tabStop) ? tabStop : shown[0]?.name;
  const focus = (index: number) => {
    const row = shown[Math.min(Math.max(index, 0), shown.length - 1)];
    setTabStop(row?.name ?? "");
    list.current?.querySelectorAll<HTMLElement>(".fx-class-name")[shown.indexOf(row as ClassRow)]?.focus();
  };
  return (
    <section class="fx-classes" aria-label="Classes">
      <ul ref={list} class="fx-class-list" aria-label="Classes, the most probable one first">
        {shown.map((row, index) => (
          <Chip
            key={row.name}
            store={store}
            row={row}
            tabs={row.name === stop}
            removable={rows.length > LEAST}
            move={(key) => {
              const to = { ArrowRight: index + 1, ArrowDown: index + 1, ArrowLeft: index - 1 }[key];
              focus(to ?? { ArrowUp: index - 1, Home: 0 }[key] ?? shown.length - 1);
            }}
          />
        ))}
      </ul>
      <Find store={store} rows={rows} search={search} change={setSearch} found={found} />
      <Refused store={store} names={CLASS_REFUSALS} />
    </section>
  );
}

const MOVES = ["ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp", "Home", "End"];

interface ChipProps {
  readonly store: Store;
  readonly row: ClassRow;
  readonly tabs: boolean;
  readonly removable: boolean;
  /** Focus the chip to which a key leads. */
  readonly move: (key: string) => void;
}

function Chip({ store, row, tabs, removable, move }: ChipProps) {
  const { name, now } = row;
  const { chosen, live } = store.wire;
  const [first, second] = chosen.value;
  const role = name === first ? "for" : name === second ? "against" : undefined;
  const { positive, negative } = store.view.palette.value;
  const recorded = store.wire.offline.value?.captions.includes(name) ?? true;
  const versus = `Why “${first}” rather than “${name}”`;
  return (
    <li
      class="fx-class"
      data-class={name}
      data-role={role}
      data-recorded={recorded}
      style={role && { "--tone": role === "for" ? positive : negative }}
    >
      <button
        type="button"
        class="fx-class-name"
        style={{ "--share": now ?? 0 }}
        tabindex={tabs ? 0 : -1}
        aria-pressed={role !== undefined}
        aria-keyshortcuts={live.value ? "Shift+Enter Delete" : "Shift+Enter"}
        title={titleOf(row, recorded)}
        onClick={(event) => (event.shiftKey ? store.versus(name) : store.commit("chosen", [name]))}
        onKeyDown={(event) => press(store, row, event, removable && live.value, move)}
      >
        <span dir="auto">{name}</span> <b>{now === null ? "…" : percent(now)}</b>
        {role === "against" && <span class="fx-hidden">, subtracted</span>}
      </button>
      {role !== "for" && recorded && (
        <button
          type="button"
          class="fx-versus"
          tabindex={-1}
          aria-pressed={role === "against"}
          aria-label={`vs “${name}”`}
          title={versus}
          onClick={() => store.versus(name)}
        >
          vs
        </button>
      )}
      {removable && live.value && (
        <button
          type="button"
          class="fx-class-remove"
          tabindex={-1}
          aria-label={`Remove “${name}”`}
          title={`Remove “${name}”`}
          onClick={() => store.removeClass(name)}
        >
          <Icon name="close" />
        </button>
      )}
    </li>
  );
}

function titleOf({ name, probability, now }: ClassRow, recorded: boolean): string {
  const absent = recorded ? "" : ": not explained in this page";
  const whole = now === null || now === probability ? "" : `; ${percent(probability)} with everything kept`;
  return `Why “${name}”${absent}${whole}`;
}

/** Answer a key on a chip: arrows move the focus, Shift+Enter subtracts the class, Delete removes it. */
function press(
  store: Store,
  { name }: ClassRow,
  event: KeyboardEvent,
  removable: boolean,
  move: ChipProps["move"],
): void {
  if (MOVES.includes(event.key)) {
    move(event.key);
  } else if (event.key === "Enter" && event.shiftKey) {
    store.versus(name);
  } else if (event.key === "Delete" && removable) {
    move("ArrowLeft");
    store.removeClass(name);
  } else {
    return;
  }
  event.preventDefault();
}

interface FindProps {
  readonly store: Store;
  readonly rows: readonly ClassRow[];
  readonly search: string;
  readonly change: (search: string) => void;
  readonly found: readonly ClassRow[];
}

/** A field that filters the chips while a name is typed, and adds a class of that name. */
function Find({ store, rows, search, change, found }: FindProps) {
  const { classes, candidates, live } = store.wire;
  const adding = useRef("");
  const name = search.trim();
  const same = rows.find((row) => row.name === name);
  const pending = classes.value.length - (candidates.value?.names.length ?? 0);
  useEffect(() => {
    if (adding.current !== "" && rows.some((row) => row.name === adding.current)) {
      adding.current = "";
      change("");
    }
  }, [rows]);
  const enter = () => {
    if (same) {
      store.commit("chosen", [same.name]);
      change("");
    } else if (name !== "" && live.value) {
      adding.current = name;
      store.commit("classes", [...classes.value, name]);
    }
  };
  const shown = Math.min(found.length, MOST);
  return (
    <form
      class="fx-class-find"
      onSubmit={(event) => {
        event.preventDefault();
        enter();
      }}
    >
      <input
        type="text"
        class="fx-text"
        aria-label={live.value ? "Find or add a class" : "Find a class"}
        placeholder={live.value ? "Find or add a class" : "Find a class"}
        dir="auto"
        autocomplete="off"
        spellcheck={false}
        value={search}
        onInput={(event) => change(event.currentTarget.value)}
        onKeyDown={(event) => {
          // JupyterLab stops Enter from submitting a form inside a cell
          if (event.key === "Enter" && !event.isComposing) {
            event.preventDefault();
            enter();
          } else if (event.key === "Escape" && search !== "") {
            event.stopPropagation();
            change("");
          }
        }}
      />
      {live.value && name !== "" && !same && (
        <button type="submit" class="fx-button" data-action="add-class">
          Add “{name}”
        </button>
      )}
      <span class="fx-hint" role="status">
        {pending > 0 ? "Encoding the new text … " : ""}
        {shown < rows.length || name !== ""
          ? `${count(shown)} of ${count(rows.length)} classes`
          : `${count(rows.length)} classes`}
      </span>
      <span class="fx-hint">{about(store)}</span>
    </form>
  );
}

/** "softmax · “a photo of a {}.”": what the probabilities are, and the texts of the classes. */
function about(store: Store): string {
  const { softmax, templates = [] } = store.wire.candidates.value ?? {};
  const texts = templates.length > 1 ? `${count(templates.length)} templates` : `“${templates[0]}”`;
  return `${softmax ? "softmax over all classes" : "sigmoid of each class"} · ${texts}`;
}

/** "Why “dog” rather than “cat”?", as the heading of a view of classes. */
export function Question({ store }: { store: Store }) {
  const [first, second] = store.wire.chosen.value;
  return (
    <h2 class="fx-caption fx-asked">
      <span dir="auto">
        Why “{first}”{second !== undefined && ` rather than “${second}”`}?
      </span>
      {second !== undefined && (
        <button
          type="button"
          class="fx-icon"
          data-action="swap"
          aria-label={`Why “${second}” rather than “${first}”`}
          title={`Why “${second}” rather than “${first}”`}
          onClick={() => store.commit("chosen", [second, first as string])}
        >
          <Icon name="swap" />
        </button>
      )}
    </h2>
  );
}
