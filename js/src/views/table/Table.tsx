/** A sortable table of the interactions, which also serves screen readers. */

import { useRef, useState } from "preact/hooks";
import { colourOf } from "../../lib/colour";
import { withError } from "../../lib/format";
import { groupName } from "../../model/players";
import {
  certaintyOf,
  graphRows,
  mainRows,
  type Order,
  type Row,
  selectionRows,
  sorted,
} from "../../model/rows";
import type { Store } from "../../state/store";
import { adds, playersAt, pointingEvents, press } from "../../ui/player-events";

interface Column {
  readonly order: Order;
  readonly label: string;
  readonly title: string;
  readonly kind: string;
}

const COLUMNS: readonly Column[] = [
  { order: "name", label: "players", title: "Sort by name", kind: "" },
  { order: "value", label: "value ± s.e.", title: "Sort by value", kind: "fx-number" },
  {
    order: "certainty",
    label: "|value| / s.e.",
    title: "Sort by the ratio of |value| and standard error",
    kind: "fx-number",
  },
  { order: "size", label: "size", title: "Sort by absolute value", kind: "fx-wide" },
];

export function Table({ store }: { store: Store }) {
  const [order, setOrder] = useState<Order>("size");
  const [descending, setDescending] = useState(true);
  const [narrowed, setNarrowed] = useState(false);
  const selection = store.view.active.value;
  const selected = store.wire.selection.value.length > 0;
  const rows = sorted(rowsOf(store, narrowed && selected ? selection : null), order, descending);
  const sort = (by: Order) => {
    setDescending(by === order ? !descending : by !== "name");
    setOrder(by);
  };
  return (
    <div class="fx-table">
      <label class="fx-check">
        <input
          type="checkbox"
          data-action="only-selection"
          checked={narrowed}
          onChange={(event) => setNarrowed(event.currentTarget.checked)}
        />
        {selected
          ? ` only with ${groupName(store.view.board.value, selection)}`
          : " only with the selection (nothing is selected)"}
      </label>
      <div class="fx-scroll" tabindex={0} role="region" aria-labelledby={`${store.id}-rows`}>
        <table>
          <caption class="fx-hidden" id={`${store.id}-rows`}>
            {titleOf(store, rows.length)}
          </caption>
          <thead>
            <tr>
              {COLUMNS.map((column) => (
                <Head
                  key={column.order}
                  column={column}
                  sort={sort}
                  by={column.order === order ? direction(descending) : null}
                />
              ))}
            </tr>
          </thead>
          <Body store={store} rows={rows} />
        </table>
        {rows.length === 0 && <p class="fx-empty">There is no interaction of this kind and sign.</p>}
      </div>
    </div>
  );
}

function rowsOf(store: Store, selection: readonly number[] | null): Row[] {
  const of = store.view.explanation.value;
  const graph = store.view.graph.value;
  if (!of) {
    return [];
  }
  if (of.order < 2) {
    return mainRows(of, selection);
  }
  const { graph_kind, graph_sign, top_k } = store.wire;
  const wanted = { graph_kind: graph_kind.value, graph_sign: graph_sign.value, top_k: top_k.value };
  return selection ? selectionRows(of, selection, wanted) : graph ? graphRows(of, graph) : [];
}

function titleOf(store: Store, rows: number): string {
  const what = (store.view.explanation.value?.order ?? 2) < 2 ? "values" : "strongest interactions";
  const unit = store.view.explanation.value?.in_logits === false ? "" : ", in logits";
  return `${rows} ${what}${unit}, with standard errors`;
}

function direction(descending: boolean): "descending" | "ascending" {
  return descending ? "descending" : "ascending";
}

interface HeadProps {
  readonly column: Column;
  /** Sort order of this column; null if the rows are sorted by another. */
  readonly by: "ascending" | "descending" | null;
  readonly sort: (order: Order) => void;
}

function Head({ column, by, sort }: HeadProps) {
  return (
    <th scope="col" class={column.kind} aria-sort={by ?? "none"}>
      <button type="button" title={column.title} data-sort={column.order} onClick={() => sort(column.order)}>
        {column.label}
        <span aria-hidden="true">{by === null ? "" : by === "descending" ? " ↓" : " ↑"}</span>
      </button>
    </th>
  );
}

function Body({ store, rows }: { store: Store; rows: readonly Row[] }) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [tabStop, setTabStop] = useState(0);
  const strongest = Math.max(...rows.map(({ value }) => Math.abs(value)), 0) || 1;
  const walk = (event: KeyboardEvent) => {
    const buttons = [...(body.current?.querySelectorAll("button") ?? [])];
    const at = buttons.indexOf(event.target as HTMLButtonElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: buttons.length - 1 }[event.key];
    const button = to === undefined ? undefined : buttons[to];
    if (at >= 0 && to !== undefined && button) {
      setTabStop(to);
      button.focus();
      event.preventDefault();
    }
  };
  return (
    <tbody
      ref={body}
      {...pointingEvents(store)}
      onKeyDown={walk}
      onClick={(event) => press(store, playersAt(event.target), adds(store, event))}
    >
      {rows.map((row, index) => (
        <Line
          key={row.players.join("-")}
          store={store}
          row={row}
          strongest={strongest}
          tabs={index === Math.min(tabStop, rows.length - 1)}
        />
      ))}
    </tbody>
  );
}

interface LineProps {
  readonly store: Store;
  readonly row: Row;
  readonly strongest: number;
  readonly tabs: boolean;
}

function Line({ store, row, strongest, tabs }: LineProps) {
  const { players, name, value, se } = row;
  const selection = store.wire.selection.value;
  const pointed = store.view.pointed.value;
  const selected =
    selection.length === players.length && players.every((player) => selection.includes(player));
  const certainty = certaintyOf(row);
  return (
    <tr
      data-players={players.join(" ")}
      data-selected={selected}
      data-significant={row.significant}
      data-pointed={pointed.length > 0 && pointed.every((player) => players.includes(player))}
    >
      <th scope="row">
        <button type="button" tabindex={tabs ? 0 : -1} aria-pressed={selected}>
          {name}
        </button>
      </th>
      <td class="fx-number">{withError(value, se)}</td>
      <td class="fx-number">
        {certainty === null ? "–" : certainty.toFixed(1)} <small>{verdict(row.significant)}</small>
      </td>
      <td class="fx-wide">
        <span
          class="fx-size"
          style={{
            "--share": `${(100 * Math.abs(value)) / strongest}%`,
            "--colour": colourOf(store.view.palette.value, value),
          }}
        />
      </td>
    </tr>
  );
}

function verdict(significant: boolean | null): string {
  return significant === null ? "error unknown" : significant ? "significant" : "not significant";
}
