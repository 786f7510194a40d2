/** A gallery's model without a kernel: it answers from a saved page, in the kernel's messages. */

import { LocalModel } from "../lib/local-model";
import type { CodeMessage } from "../wire/code";
import type { Refusal } from "../wire/types";
import type { Request } from "./store";
import type {
  ExplanationMessage,
  GalleryTraits,
  RowsMessage,
  SavedGallery,
  ThumbnailsMessage,
} from "./types";

type Answer = RowsMessage | ThumbnailsMessage | ExplanationMessage | Refusal | CodeMessage;

/** Code that the page contains: the two parts of the view of an explanation, and Plotly for its heatmap. */
export type Codes = Readonly<Record<"viewer" | "details" | "plotly", string>>;

export class SavedGalleryModel extends LocalModel<GalleryTraits> {
  readonly #saved: SavedGallery;
  readonly #codes: Codes;

  constructor(saved: SavedGallery, codes: Codes) {
    super(saved.traits);
    this.#saved = saved;
    this.#codes = codes;
  }

  save_changes(): void {
    // nobody else needs to know
  }

  /** Answer a request, after the caller is done with it, as a kernel does. */
  send(request: Request | { readonly type: keyof Codes }): void {
    queueMicrotask(() => {
      if (request.type === "rows") {
        const { texts, numbers } = this.#saved;
        this.#answer({ type: "rows", start: 0, texts }, numbers.map(bytes));
      } else if (request.type === "thumbnails") {
        const found = request.rows.map((row) => this.#saved.thumbnails[row] ?? null);
        const mimes = found.map((thumbnail) => thumbnail?.mime ?? "");
        this.#answer(
          { type: "thumbnails", rows: request.rows, mimes },
          found.map((thumbnail) => bytes(thumbnail?.data ?? "")),
        );
      } else if (request.type === "explanation") {
        this.#open(request.row);
      } else {
        this.#answer({ type: request.type, code: this.#codes[request.type] });
      }
    });
  }

  #open(row: number): void {
    const saved = this.#saved.explanations[this.#saved.texts.columns.id?.[row] ?? ""];
    this.#answer(
      saved
        ? { type: "explanation", row, saved }
        : { type: "refused", name: "explanation", message: this.#saved.why },
    );
  }

  #answer(message: Answer, buffers: readonly DataView[] = []): void {
    this.emit("msg:custom", message, buffers);
  }
}

function bytes(base64: string): DataView {
  return new DataView(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).buffer);
}
