/**
 * A gallery of explained pairs: search, conditions and a histogram above a grid of cards; one pair can be opened.
 *
 * Attributes and classes that tests and style sheets use:
 *
 * - `.fg` — the root. `data-received` (rows that the view has), `data-shown` (rows that pass the filters), `data-total`,
 *   `data-complete`, `data-opened` (id), `data-theme` (light, dark).
 * - `.fg-card` — a pair: `data-row`, `data-id`, `data-failed`, `data-active` (has the keyboard's focus), `aria-selected`;
 *   `mark` in it is the token with least support.
 * - `input[data-filter=search|query]`, `select[data-setting=sort]`, `.fg-bars` (the histogram), `[role=slider]` (the ends of
 *   its range).
 * - `[data-action=reverse|failed|openable|clear-range|clear-filters|clear-selection|back|previous|next|select]`.
 */

import { useEffect } from "preact/hooks";
import { count } from "../lib/format";
import { Grid } from "./Grid";
import { Opened } from "./Opened";
import type { GalleryStore } from "./store";
import { Toolbar } from "./Toolbar";

export function Gallery({ store }: { store: GalleryStore }) {
  const { title, theme, total, complete, opened, notice, error } = store.traits;
  const open = opened.value !== "";
  useEffect(() => {
    store.active.value = 0;
  }, [
    store.traits.sort.value,
    store.traits.descending.value,
    store.traits.search.value,
    store.traits.query.value,
  ]);
  return (
    <section
      class="fixlip fg"
      aria-label={`Explained pairs of ${title.value}`}
      data-theme={store.dark.value ? "dark" : "light"}
      data-host={theme.value === "auto"}
      data-received={store.received.value}
      data-shown={store.order.value.length}
      data-total={total.value}
      data-complete={complete.value}
      data-opened={opened.value}
    >
      <div hidden={open}>
        <header class="fg-header">
          <h2>{title.value}</h2>
          <Progress store={store} />
        </header>
        {notice.value && <p class="fg-notice">{notice.value}</p>}
        {[error.value, silenceOf(store)].filter(Boolean).map((text) => (
          <div
            key={text}
            class="fx-notice"
            data-kind={text === error.value ? "error" : "silent"}
            role="status"
          >
            <span>{text}</span>
          </div>
        ))}
        <Toolbar store={store} />
        <Grid store={store} hidden={open} />
      </div>
      {open && <Opened store={store} />}
    </section>
  );
}

/** How many pairs there are, whether more will come, and how many failed. */
function Progress({ store }: { store: GalleryStore }) {
  const { total, expected, complete, openable, query } = store.traits;
  const failures = store.failures.value;
  const of = expected.value !== null && expected.value > total.value ? ` of ${count(expected.value)}` : "";
  const shows = query.value.trim() === "failed";
  return (
    <p class="fg-progress">
      <span data-growing={!complete.value}>
        {count(total.value)}
        {of} {total.value === 1 && !of ? "pair" : "pairs"}
        {!complete.value && ", more are being explained"}
      </span>
      {failures > 0 && (
        <button
          type="button"
          class="fx-toggle"
          data-action="failed"
          aria-pressed={shows}
          onClick={() => store.set("query", shows ? "" : "failed")}
        >
          {count(failures)} failed
        </button>
      )}
      {openable.value && openable.value.length < total.value && (
        <button
          type="button"
          class="fx-toggle"
          data-action="openable"
          aria-pressed={store.onlyOpenable.value}
          onClick={() => {
            store.onlyOpenable.value = !store.onlyOpenable.value;
          }}
        >
          {count(openable.value.length)} explained here
        </button>
      )}
    </p>
  );
}

function silenceOf(store: GalleryStore): string {
  return store.silent.value
    ? "The kernel does not answer: it may be busy, or it may have stopped. What was received so far can be browsed."
    : "";
}
