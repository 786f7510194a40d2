/** Thumbnails of rows: requested when they come into sight, kept for as many rows as were seen last. */

import { type Signal, signal } from "@preact/signals";
import type { ThumbnailsMessage } from "./types";

/** A URL; `null` before the answer, empty if there is no picture. */
export type Thumbnail = string | null;

/** Number of thumbnails that are kept. */
const KEPT = 800;
/** Time in which wishes are collected into one request, so that fast scrolling does not request every row. */
const REST_MS = 60;

export interface Thumbnails {
  /** Return the thumbnail of a row as a signal; the first call requests it. */
  of(row: number): Signal<Thumbnail>;
  /** Note which rows are in sight; wishes for others are dropped. */
  see(rows: readonly number[]): void;
  receive(message: ThumbnailsMessage, buffers: readonly DataView[]): void;
  dispose(): void;
}

export function createThumbnails(request: (rows: readonly number[]) => void): Thumbnails {
  const known = new Map<number, Signal<Thumbnail>>();
  const asked = new Set<number>();
  let visible: readonly number[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  function of(row: number): Signal<Thumbnail> {
    let thumbnail = known.get(row);
    if (!thumbnail) {
      thumbnail = signal<Thumbnail>(null);
      known.set(row, thumbnail);
    }
    return thumbnail;
  }

  function ask(): void {
    const wanted = visible.filter((row) => of(row).peek() === null && !asked.has(row));
    if (wanted.length > 0) {
      for (const row of wanted) {
        asked.add(row);
      }
      request(wanted);
    }
    forget();
  }

  /** Release the thumbnails that were not in sight for the longest time. */
  function forget(): void {
    for (const row of visible) {
      const thumbnail = known.get(row);
      if (thumbnail) {
        known.delete(row); // a map keeps the order of insertion
        known.set(row, thumbnail);
      }
    }
    for (const [row, thumbnail] of known) {
      if (known.size <= KEPT) {
        return;
      }
      known.delete(row);
      asked.delete(row);
      release(thumbnail.peek());
    }
  }

  return {
    of,
    see: (rows) => {
      visible = rows;
      clearTimeout(timer);
      timer = setTimeout(ask, REST_MS);
    },
    receive: ({ rows, mimes }, buffers) => {
      for (const [at, row] of rows.entries()) {
        const bytes = buffers[at];
        const thumbnail = of(row);
        release(thumbnail.peek());
        thumbnail.value = bytes && bytes.byteLength > 0 ? urlOf(bytes, mimes[at] ?? "") : "";
      }
    },
    dispose: () => {
      clearTimeout(timer);
      for (const thumbnail of known.values()) {
        release(thumbnail.peek());
      }
    },
  };
}

function urlOf(bytes: DataView, type: string): string {
  return URL.createObjectURL(new Blob([bytes as DataView<ArrayBuffer>], { type }));
}

function release(thumbnail: Thumbnail): void {
  if (thumbnail) {
    URL.revokeObjectURL(thumbnail);
  }
}
