/** One pair of the gallery: the whole view on its explanation, with a way back and to the neighbours. */

import type { AnyModel } from "@anywidget/types";
import { useEffect, useRef, useState } from "preact/hooks";
import { count } from "../lib/format";
import { OfflineModel } from "../offline/model";
import type { Saved } from "../offline/saved";
import { codeOf, loadPart, type References } from "../wire/code";
import type { GalleryStore } from "./store";

interface Viewer {
  render(given: { model: unknown; el: HTMLElement }): undefined | (() => void);
}

export function Opened({ store }: { store: GalleryStore }) {
  const { rows } = store;
  const row = rows.find(store.traits.opened.value);
  const at = store.order.value.indexOf(row);
  const back = useRef<HTMLButtonElement>(null);
  const root = useRef<HTMLDivElement>(null);
  const leave = () => close(store, root.current);
  const step = (by: number) => {
    const next = store.order.value[at + by];
    if (at >= 0 && next !== undefined) {
      store.active.value = at + by;
      store.open(next);
    }
  };
  useEffect(() => back.current?.focus({ preventScroll: true }), []);
  return (
    <div
      ref={root}
      class="fg-opened"
      onKeyDownCapture={(event) => {
        if (event.key === "Escape" && isIdle(event.target as Element)) {
          event.stopPropagation();
          leave();
        }
      }}
    >
      <nav class="fg-way" aria-label="Pairs">
        <button ref={back} type="button" class="fx-button" data-action="back" onClick={leave}>
          ← Gallery
        </button>
        <span class="fg-where">
          {at >= 0 && `${count(at + 1)} of ${count(store.order.value.length)}`}
          <small>{store.traits.opened.value}</small>
        </span>
        <button
          type="button"
          class="fx-button"
          data-action="previous"
          disabled={at <= 0}
          onClick={() => step(-1)}
        >
          Previous
        </button>
        <button
          type="button"
          class="fx-button"
          data-action="next"
          disabled={at < 0 || at + 1 >= store.order.value.length}
          onClick={() => step(1)}
        >
          Next
        </button>
      </nav>
      <Pair store={store} row={row} />
    </div>
  );
}

/** The view on the opened pair, or a sentence on why there is none. */
function Pair({ store, row }: { store: GalleryStore; row: number }) {
  const place = useRef<HTMLDivElement>(null);
  const [problem, setProblem] = useState("");
  const message = store.explanation.value;
  useEffect(() => {
    setProblem("");
    if (message?.type !== "explanation" || !place.current) {
      return;
    }
    const el = document.createElement("div");
    place.current.replaceChildren(el);
    let close: (() => void) | undefined;
    let gone = false;
    const model = store.model as unknown as AnyModel<References>;
    loadPart<Viewer>("viewer", model, store.host).then(
      (viewer) => {
        if (!gone) {
          close = viewer.render({
            model: new OfflineModel(themed(message.saved as Saved, store), (part) =>
              codeOf(part, model, store.host),
            ),
            el,
          });
        }
      },
      (error: unknown) => setProblem(`The view could not be loaded: ${String(error)}`),
    );
    return () => {
      gone = true;
      close?.();
      el.remove();
    };
  }, [message]);
  const error = store.rows.text("error", row);
  const sentence = problem || error || (message?.type === "refused" ? message.message : "");
  return (
    <>
      {sentence ? (
        <div class="fg-instead">
          <p class="fg-instead-caption">{store.rows.text("caption", row)}</p>
          <div class="fx-notice" data-kind={error || problem ? "error" : "refusal"} role="status">
            <span>{sentence}</span>
          </div>
        </div>
      ) : (
        !message && (
          <p class="fx-empty" role="status">
            Reading the explanation …
          </p>
        )
      )}
      <div ref={place} class="fg-view" />
    </>
  );
}

function themed(saved: Saved, store: GalleryStore): Saved {
  return { ...saved, settings: { ...saved.settings, theme: store.traits.theme.value } };
}

/** Go back to the gallery, with the focus on the card of the pair. */
function close(store: GalleryStore, root: HTMLElement | null): void {
  const grid = root?.parentElement?.querySelector<HTMLElement>("[role=grid]");
  store.set("opened", "");
  requestAnimationFrame(() => grid?.focus({ preventScroll: true }));
}

/** Return whether Escape has no other meaning where the focus is: no selection, open menu, popover or text field. */
function isIdle(target: Element): boolean {
  const view = target.closest<HTMLElement>(".fg-view")?.querySelector<HTMLElement>(".fixlip");
  if (!view) {
    return true;
  }
  const busy = "[aria-expanded=true][aria-haspopup], [aria-expanded=true][popovertarget], [data-tool=hide]";
  return (
    view.dataset.selection === "" &&
    !view.querySelector(busy) &&
    !target.matches("input[type=text], textarea")
  );
}
