/** The grid of cards. Only the rows in sight are in the document, so that 10,000 pairs scroll as ten do. */

import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { clamp } from "../lib/geometry";
import { useSize } from "../lib/size";
import { Card } from "./Card";
import type { GalleryStore } from "./store";

/** Smallest width of a card (also in narrow galleries), the gap between cards, the distance of two rows, in pixels. */
const LEAST_WIDTH = 148;
const NARROW = { below: 420, leastWidth: 120 };
const GAP = 12;
const ROW = 256;
/** Rows of cards that are drawn above and below those in sight. */
const SPARE = 2;

export function Grid({ store, hidden }: { store: GalleryStore; hidden: boolean }) {
  const scroller = useRef<HTMLDivElement>(null);
  const inner = useRef<HTMLDivElement>(null);
  const { width } = useSize(inner);
  const { height } = useSize(scroller);
  const columns = useRef(1);
  if (width > 0) {
    const least = width < NARROW.below ? NARROW.leastWidth : LEAST_WIDTH;
    columns.current = Math.max(1, Math.floor((width + GAP) / (least + GAP)));
  }
  const across = columns.current;
  const order = store.order.value;
  const [top, setTop] = useState(0);
  const rows = Math.ceil(order.length / across);
  const many = Math.ceil(Math.max(height, ROW) / ROW) + 1 + 2 * SPARE;
  const first = clamp(top - SPARE, 0, Math.max(0, rows - many));
  const last = Math.min(rows, first + many);
  const drawn = useRows(store, order, across);

  useEffect(() => {
    if (width > 0 && !hidden) {
      store.thumbnails.see([...order.slice(first * across, last * across)]);
    }
  });
  useStay(scroller, hidden, across);
  useLayoutEffect(() => {
    store.active.value = clamp(store.active.value, 0, Math.max(0, order.length - 1));
  }, [order]);

  const active = store.active.value;
  const reachable = Math.floor(active / across) >= first && Math.floor(active / across) < last;
  return (
    <div
      ref={scroller}
      class="fg-scroller"
      role="grid"
      tabIndex={0}
      aria-label="Pairs"
      aria-multiselectable="true"
      aria-rowcount={rows}
      aria-colcount={across}
      aria-activedescendant={reachable && order.length > 0 ? `${store.id}-${order[active]}` : undefined}
      style={{ "--across": across, "--row": `${ROW}px` }}
      onScroll={(event) => setTop(Math.floor(event.currentTarget.scrollTop / ROW))}
      onKeyDown={(event) => {
        const to = destination(event, active, across, order.length, Math.max(1, Math.floor(height / ROW)));
        const row = order[active];
        if (to !== null) {
          event.preventDefault();
          store.active.value = to;
          reveal(scroller.current, Math.floor(to / across));
        } else if (event.key === "Enter" && row !== undefined) {
          event.preventDefault();
          store.open(row);
        } else if (event.key === " " && row !== undefined) {
          event.preventDefault();
          toggle(store, row);
        } else if (event.key === "Escape" && store.traits.selected.value.length > 0) {
          store.set("selected", []);
        }
      }}
    >
      <div
        ref={inner}
        class="fg-inner"
        role="presentation"
        style={{ height: `${Math.max(1, rows) * ROW - GAP}px` }}
      >
        {Array.from({ length: Math.max(0, last - first) }, (_, at) => drawn(first + at, many))}
      </div>
      {order.length === 0 && <Nothing store={store} />}
    </div>
  );
}

/** Return a function that draws a row of cards; a row that did not change is not drawn again. */
function useRows(
  store: GalleryStore,
  order: Uint32Array,
  across: number,
): (row: number, slots: number) => VNode {
  const cache = useRef<{ order: Uint32Array; across: number; rows: Map<number, VNode> } | null>(null);
  if (cache.current?.order !== order || cache.current.across !== across) {
    cache.current = { order, across, rows: new Map() };
  }
  const { rows } = cache.current;
  return (row, slots) => {
    let drawn = rows.get(row);
    if (!drawn) {
      if (rows.size > 4 * slots) {
        rows.clear();
      }
      // the elements of a row that went out of sight are used again
      drawn = <CardRow key={row % slots} store={store} order={order} row={row} across={across} />;
      rows.set(row, drawn);
    }
    return drawn;
  };
}

interface CardRowProps {
  readonly store: GalleryStore;
  readonly order: Uint32Array;
  readonly row: number;
  readonly across: number;
}

function CardRow({ store, order, row, across }: CardRowProps) {
  const start = row * across;
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the grid has the focus, and names its active cell
    <div
      class="fg-row"
      role="row"
      aria-rowindex={row + 1}
      style={{ transform: `translateY(${row * ROW}px)` }}
    >
      {[...order.slice(start, start + across)].map((of, at) => (
        <Card key={at} store={store} row={of} at={start + at} column={at} toggle={() => toggle(store, of)} />
      ))}
    </div>
  );
}

/** Keep the place of the grid while it is hidden, and the first card in sight when the number of columns changes. */
function useStay(scroller: { current: HTMLDivElement | null }, hidden: boolean, across: number): void {
  const kept = useRef({ top: 0, across });
  useLayoutEffect(() => {
    const element = scroller.current;
    const note = () => {
      if (element?.offsetParent) {
        kept.current.top = element.scrollTop;
      }
    };
    element?.addEventListener("scroll", note, { passive: true });
    return () => element?.removeEventListener("scroll", note);
  }, []);
  useLayoutEffect(() => {
    const { top, across: before } = kept.current;
    if (!hidden && scroller.current) {
      scroller.current.scrollTop = before === across ? top : Math.floor((top * before) / across);
      kept.current.across = across;
    }
  }, [hidden, across]);
}

/** Return the position to which a key moves, or null. */
export function destination(
  { key, ctrlKey, metaKey }: KeyboardEvent,
  at: number,
  across: number,
  length: number,
  page: number,
): number | null {
  const start = at - (at % across);
  const all = ctrlKey || metaKey;
  const to = {
    ArrowRight: at + 1,
    ArrowLeft: at - 1,
    ArrowDown: at + across,
    ArrowUp: at - across,
    PageDown: at + page * across,
    PageUp: at - page * across,
    Home: all ? 0 : start,
    End: all ? length - 1 : start + across - 1,
  }[key];
  if (to === undefined || length === 0) {
    return null;
  }
  // a step down from above the last, shorter row goes to its end, and one up from the first row goes nowhere
  const down =
    key === "ArrowDown" && to >= length && Math.floor(at / across) < Math.floor((length - 1) / across);
  if ((key === "ArrowDown" && to >= length && !down) || (key === "ArrowUp" && to < 0)) {
    return at;
  }
  return clamp(to, 0, length - 1);
}

/** Scroll until a row of cards is in sight. */
function reveal(scroller: HTMLElement | null, row: number): void {
  if (scroller) {
    const [above, below] = [row * ROW - GAP, (row + 1) * ROW - scroller.clientHeight];
    scroller.scrollTop = clamp(scroller.scrollTop, below, Math.max(above, below));
  }
}

function toggle(store: GalleryStore, row: number): void {
  const id = store.rows.text("id", row);
  const { value } = store.traits.selected;
  store.set("selected", value.includes(id) ? value.filter((other) => other !== id) : [...value, id]);
}

function Nothing({ store }: { store: GalleryStore }) {
  const waiting = store.received.value < store.traits.total.value;
  return (
    <p class="fx-empty" role="status">
      {waiting
        ? "Reading the pairs …"
        : store.received.value > 0
          ? "No pair passes the filters."
          : "No pair yet."}
    </p>
  );
}
