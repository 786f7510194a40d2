/** Search, conditions, sorting, the histogram of the sorted column, and how many pairs pass. */

import { useEffect, useRef, useState } from "preact/hooks";
import { count, plain } from "../lib/format";
import { Icon, Select } from "../ui/Field";
import { Popover } from "../ui/Popover";
import { HistogramView } from "./Histogram";
import type { GalleryStore } from "./store";

const REST_MS = 200;
const ORDERS = [
  { value: "row", label: "order of the corpus" },
  { value: "caption", label: "caption" },
  { value: "id", label: "id" },
];

export function Toolbar({ store }: { store: GalleryStore }) {
  const { sort, descending, columns, search, query } = store.traits;
  const options = [...columns.value.map(({ name, label }) => ({ value: name, label })), ...ORDERS];
  const note = columns.value.find(({ name }) => name === sort.value)?.note ?? "";
  const problem = store.query.value.problem;
  const numeric = columns.value.some(({ name }) => name === sort.value);
  return (
    <div class="fg-toolbar" role="group" aria-label="Filters">
      <TextField
        label="Search the captions"
        name="search"
        value={search.value}
        placeholder="dog"
        commit={(text) => store.set("search", text)}
      />
      <TextField
        label="Condition"
        name="query"
        value={query.value}
        placeholder={exampleOf(store)}
        problem={problem}
        about={<About store={store} />}
        commit={(text) => store.set("query", text)}
      />
      <div class="fg-sort">
        <Select
          label="Sort by"
          name="sort"
          value={sort.value}
          options={options}
          change={(name) => store.set("sort", name)}
        />
        <button
          type="button"
          class="fx-button fg-reverse"
          data-action="reverse"
          aria-pressed={descending.value}
          aria-label="Largest first"
          title={descending.value ? "Largest first" : "Smallest first"}
          onClick={() => store.set("descending", !descending.value)}
        >
          <Icon name={descending.value ? "descending" : "ascending"} />
        </button>
      </div>
      {numeric && <HistogramView store={store} note={note} />}
      <Counts store={store} />
    </div>
  );
}

/** How many pairs are shown and selected, with buttons to take filters and selection back. */
function Counts({ store }: { store: GalleryStore }) {
  const { search, query, ranges, selected, columns } = store.traits;
  const shown = store.order.value.length;
  const received = store.received.value;
  const filtered = search.value !== "" || query.value !== "" || Object.keys(ranges.value).length > 0;
  const labels = new Map(columns.value.map(({ name, label }) => [name, label]));
  return (
    <div class="fg-counts">
      <span role="status">
        {shown === received ? `${count(shown)} shown` : `${count(shown)} of ${count(received)} shown`}
        {selected.value.length > 0 && `, ${count(selected.value.length)} selected`}
      </span>
      {Object.entries(ranges.value).map(([name, [low, high]]) => (
        <button
          key={name}
          type="button"
          class="fx-toggle"
          data-action="clear-range"
          title="Remove this range"
          onClick={() => store.set("ranges", without(ranges.value, name))}
        >
          {labels.get(name) ?? name} {plain(low)} to {plain(high)} ×
        </button>
      ))}
      {filtered && (
        <button
          type="button"
          class="fx-link"
          data-action="clear-filters"
          onClick={() => {
            store.set("search", "");
            store.set("query", "");
            store.set("ranges", {});
          }}
        >
          Show all
        </button>
      )}
      {selected.value.length > 0 && (
        <button
          type="button"
          class="fx-link"
          data-action="clear-selection"
          onClick={() => store.set("selected", [])}
        >
          Clear selection
        </button>
      )}
    </div>
  );
}

/** Return a record without one of its entries. */
export function without<Value>(record: Readonly<Record<string, Value>>, name: string): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).filter(([other]) => other !== name));
}

function exampleOf(store: GalleryStore): string {
  const [first, second] = store.traits.columns.value.map(({ name }) => name);
  return second ? `${first} > 25 and ${second} < 0.8` : "failed";
}

/** What can be written in the box. */
function About({ store }: { store: GalleryStore }) {
  return (
    <Popover
      kind="mark"
      label="What a condition can be"
      text={
        <>
          Compare columns by &lt; &lt;= &gt; &gt;= == !=, look for text by "dog" in caption, find pairs that
          could not be explained by failed, and combine conditions by and, or, not and parentheses.
          {store.traits.columns.value.map(({ name, note }) => (
            <span key={name} class="fg-column">
              <b>{name}</b> {note}
            </span>
          ))}
        </>
      }
    >
      {null}
    </Popover>
  );
}

interface TextFieldProps {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly placeholder: string;
  readonly problem?: string;
  readonly about?: preact.ComponentChildren;
  readonly commit: (text: string) => void;
}

/** A text field that commits after a short rest or Enter; Escape empties it. */
function TextField({ label, name, value, placeholder, problem = "", about, commit }: TextFieldProps) {
  const [draft, setDraft] = useState<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>();
  const id = `${name}-${useState(() => Math.random().toString(36).slice(2, 9))[0]}`;
  useEffect(() => () => clearTimeout(timer.current), []);
  const take = (text: string) => {
    clearTimeout(timer.current);
    setDraft(null);
    commit(text);
  };
  return (
    <div class="fx-field fg-field" data-invalid={problem !== ""}>
      <span class="fg-label">
        <label for={id}>{label}</label>
        {about}
      </span>
      <input
        id={id}
        type="text"
        class="fx-text"
        data-filter={name}
        value={draft ?? value}
        placeholder={placeholder}
        spellcheck={false}
        autocomplete="off"
        aria-invalid={problem !== ""}
        aria-describedby={problem ? `${id}-problem` : undefined}
        onInput={(event) => {
          const text = event.currentTarget.value;
          setDraft(text);
          clearTimeout(timer.current);
          timer.current = setTimeout(() => take(text), REST_MS);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            take(event.currentTarget.value);
          } else if (event.key === "Escape" && event.currentTarget.value !== "") {
            event.stopPropagation();
            take("");
          }
        }}
      />
      {problem && (
        <small id={`${id}-problem`} role="alert">
          {problem}
        </small>
      )}
    </div>
  );
}
