/** State of one gallery: the traits as signals, the rows received so far, the rows shown, and thumbnails. */

import type { AnyModel, Host } from "@anywidget/types";
import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { type Theme, watchTheme } from "../lib/theme";
import type { Refusal } from "../wire/types";
import { matching, ordered } from "./filter";
import { type Condition, conditionOf } from "./query";
import { Rows } from "./rows";
import { createThumbnails, type Thumbnails } from "./thumbnails";
import type {
  ExplanationMessage,
  ExplanationRequest,
  GallerySettings,
  GalleryTraits,
  RowsMessage,
  RowsRequest,
  ThumbnailsMessage,
  ThumbnailsRequest,
} from "./types";

export type Model = AnyModel<GalleryTraits>;
export type Request = RowsRequest | ThumbnailsRequest | ExplanationRequest;
type Message = RowsMessage | ThumbnailsMessage | ExplanationMessage | Refusal;
type TraitSignals = { readonly [Name in keyof GalleryTraits]: Signal<GalleryTraits[Name]> };

const TRAITS: readonly (keyof GalleryTraits)[] = [
  "sort",
  "descending",
  "search",
  "query",
  "ranges",
  "selected",
  "opened",
  "theme",
  "title",
  "total",
  "expected",
  "complete",
  "columns",
  "openable",
  "notice",
  "error",
];
/** Time after which a request for rows is repeated, because messages are lost while a kernel restarts. */
const ANSWER_WITHIN_MS = 5000;

/** What came of the query in the box. */
export interface Query {
  readonly condition: Condition | null;
  /** Why the query cannot be read, or empty. */
  readonly problem: string;
}

export interface GalleryStore {
  readonly model: Model;
  readonly host: Host | undefined;
  readonly id: string;
  readonly traits: TraitSignals;
  readonly dark: ReadonlySignal<boolean>;
  readonly rows: Rows;
  /** Number of rows received; it changes after each page. */
  readonly received: ReadonlySignal<number>;
  readonly failures: ReadonlySignal<number>;
  readonly query: ReadonlySignal<Query>;
  /** Whether only pairs are shown whose explanation can be opened. */
  readonly onlyOpenable: Signal<boolean>;
  /** Return whether the explanation of a row can be opened. */
  canOpen(row: number): boolean;
  /** Rows that are shown, in order. */
  readonly order: ReadonlySignal<Uint32Array>;
  /** Position in `order` of the cell with the keyboard's focus. */
  readonly active: Signal<number>;
  readonly thumbnails: Thumbnails;
  /** The explanation of the opened row, or why there is none; null while it is awaited. */
  readonly explanation: ReadonlySignal<ExplanationMessage | Refusal | null>;
  /** Whether the kernel does not answer. */
  readonly silent: ReadonlySignal<boolean>;
  set<Name extends keyof GallerySettings>(name: Name, value: GallerySettings[Name]): void;
  open(row: number): void;
  dispose(): void;
}

export function createStore(model: Model, host?: Host): GalleryStore {
  const releases: (() => void)[] = [];
  const traits = Object.fromEntries(TRAITS.map((name) => [name, signal(model.get(name))])) as TraitSignals;
  const hostTheme = signal<Theme>("light");
  releases.push(watchTheme((theme) => (hostTheme.value = theme)));
  const rows = new Rows(traits.columns.value.map(({ name }) => name));
  const received = signal(0);
  const explanation = signal<ExplanationMessage | Refusal | null>(null);
  const silent = signal(false);
  const thumbnails = createThumbnails((wanted) => send({ type: "thumbnails", rows: wanted }));
  let waiting: ReturnType<typeof setTimeout> | undefined;
  releases.push(thumbnails.dispose, () => clearTimeout(waiting));

  function send(request: Request): void {
    try {
      model.send(request);
    } catch {
      silent.value = true; // hosts throw without a kernel
    }
  }

  /** Ask for the next page of rows, if there are more. */
  function proceed(): void {
    clearTimeout(waiting);
    if (received.value < traits.total.value) {
      send({ type: "rows", start: received.value });
      waiting = setTimeout(() => {
        silent.value = true;
        proceed();
      }, ANSWER_WITHIN_MS);
    }
  }

  function receive(message: Message, buffers: readonly DataView[] = []): void {
    silent.value = false;
    if (message.type === "rows" && message.start === received.value) {
      rows.append(message.texts, buffers.map(doubles));
      received.value = rows.size;
      proceed();
    } else if (message.type === "thumbnails") {
      thumbnails.receive(message, buffers);
    } else if (message.type === "explanation" && rows.text("id", message.row) === traits.opened.value) {
      explanation.value = message;
    } else if (message.type === "refused" && message.name === "explanation") {
      explanation.value = message;
    }
  }

  function look(): void {
    explanation.value = null;
    const row = rows.find(traits.opened.value);
    if (row >= 0) {
      send({ type: "explanation", row });
    }
  }

  for (const name of TRAITS) {
    listen(`change:${name}`, () => {
      (traits[name] as Signal<unknown>).value = model.get(name);
    });
  }
  listen("change:total", proceed);
  listen("change:opened", look);
  listen("msg:custom", receive);

  // biome-ignore lint/suspicious/noExplicitAny: handlers of messages and of changes share no type
  function listen(event: string, handler: (...given: any[]) => void): void {
    model.on(event as "msg:custom", handler);
    releases.push(() => model.off(event as "msg:custom", handler));
  }

  function set<Name extends keyof GallerySettings>(name: Name, value: GallerySettings[Name]): void {
    model.set(name, value as GalleryTraits[Name]);
    try {
      model.save_changes();
    } catch {
      silent.value = true;
    }
  }

  const names = computed(() => traits.columns.value.map(({ name }) => name));
  const query = computed<Query>(() => {
    const { condition, problem } = conditionOf(traits.query.value, names.value);
    return { condition, problem };
  });
  const onlyOpenable = signal(false);
  const openable = computed(() => (traits.openable.value ? new Set(traits.openable.value) : null));
  const canOpen = (row: number) => openable.value?.has(rows.text("id", row)) ?? true;
  const found = computed(() => {
    void received.value; // the rows themselves are no signal
    const passing = matching(rows, {
      search: traits.search.value,
      condition: query.value.condition,
      ranges: traits.ranges.value,
    });
    return onlyOpenable.value ? passing.filter(canOpen) : passing;
  });
  proceed();
  return {
    model,
    host,
    id: `fixlip-gallery-${Math.random().toString(36).slice(2, 9)}`,
    traits,
    dark: computed(() => (traits.theme.value === "auto" ? hostTheme.value : traits.theme.value) === "dark"),
    rows,
    received,
    failures: computed(() => {
      void received.value;
      return rows.texts("error")?.filter(Boolean).length ?? 0;
    }),
    query,
    onlyOpenable,
    canOpen,
    order: computed(() => ordered(rows, found.value, traits.sort.value, traits.descending.value)),
    active: signal(0),
    thumbnails,
    explanation,
    silent,
    set,
    open: (row) => set("opened", rows.text("id", row)),
    dispose: () => {
      for (const release of releases) {
        release();
      }
    },
  };
}

/** Return the float64 numbers of a buffer, which may begin anywhere in a larger one. */
function doubles({ buffer, byteOffset, byteLength }: DataView): Float64Array {
  return new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
}
