/** One pair: its picture, the caption with the token of least support marked, and three numbers. */

import type { ComponentChildren } from "preact";
import { plain } from "../lib/format";
import { Icon } from "../ui/Field";
import type { Span } from "./rows";
import type { GalleryStore } from "./store";

interface CardProps {
  readonly store: GalleryStore;
  readonly row: number;
  /** Position among the shown pairs. */
  readonly at: number;
  readonly column: number;
  readonly toggle: () => void;
}

export function Card({ store, row, at, column, toggle }: CardProps) {
  const { rows } = store;
  const id = rows.text("id", row);
  const caption = rows.text("caption", row);
  const error = rows.text("error", row);
  const selected = store.traits.selected.value.includes(id);
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus, and names its active cell
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid handles the keys of all cards
    <div
      id={`${store.id}-${row}`}
      class="fg-card"
      role="gridcell"
      aria-colindex={column + 1}
      aria-selected={selected}
      data-row={row}
      data-id={id}
      data-failed={error !== ""}
      data-openable={store.canOpen(row)}
      data-doubtful={rows.text("caution", row) !== ""}
      data-active={store.active.value === at}
      title={error || [caption, rows.text("caution", row)].filter(Boolean).join("\n")}
      onClick={(event) => {
        store.active.value = at;
        if (event.ctrlKey || event.metaKey) {
          toggle();
        } else {
          store.open(row);
        }
      }}
    >
      <Thumbnail store={store} row={row} failed={error !== ""} />
      <p class="fg-caption">
        <Marked text={caption} span={rows.weakest[row] ?? null} />
      </p>
      {error ? <p class="fg-error">{error}</p> : <Figures store={store} row={row} />}
      <button
        type="button"
        class="fg-select"
        tabindex={-1}
        data-action="select"
        aria-label={selected ? "Deselect" : "Select"}
        aria-pressed={selected}
        onClick={(event) => {
          event.stopPropagation();
          store.active.value = at;
          toggle();
        }}
      >
        <Icon name="check" />
      </button>
    </div>
  );
}

function Thumbnail({ store, row, failed }: { store: GalleryStore; row: number; failed: boolean }) {
  const url = store.thumbnails.of(row).value;
  return (
    <div class="fg-thumbnail" data-known={url !== null}>
      {url && <img key={row} src={url} alt="" decoding="async" draggable={false} />}
      {url === "" && (
        <span>
          {failed && <Icon name="close" />}
          no picture
        </span>
      )}
    </div>
  );
}

/** A caption with one part marked. */
export function Marked({ text, span }: { text: string; span: Span | null }): ComponentChildren {
  if (!span) {
    return text;
  }
  const [begin, end] = span;
  return (
    <>
      {text.slice(0, begin)}
      <mark title="the token with least support">{text.slice(begin, end)}</mark>
      {text.slice(end)}
    </>
  );
}

/** The first three columns, and the sorted one in place of the third if it is another. */
function Figures({ store, row }: { store: GalleryStore; row: number }) {
  const { columns, sort } = store.traits;
  const sorted = columns.value.find(({ name }) => name === sort.value);
  const first = columns.value.slice(0, 3);
  const shown = sorted && !first.includes(sorted) ? [...first.slice(0, 2), sorted] : first;
  return (
    <dl class="fg-figures">
      {shown.map(({ name, label }) => (
        <div key={name} data-sorted={name === sort.value}>
          <dt>{label}</dt>
          <dd>{numberText(store.rows.number(name, row))}</dd>
        </div>
      ))}
    </dl>
  );
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) {
    return "–";
  }
  return Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en-US") : plain(value);
}
