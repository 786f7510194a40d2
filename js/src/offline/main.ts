/**
 * Starts the views of a saved page: each explanation or gallery gets the view of a notebook, with a model without a kernel.
 *
 * The page, or the page around this frame, contains `script[data-fixlip=view]` once (the modules of the view, of Plotly
 * and perhaps of galleries, as JSON). Each explanation is a `[data-fixlip=live]` element with a
 * `script[data-fixlip=saved]`; the `data-kind` of a gallery's is `gallery`.
 */

import { run } from "../wire/code";
import { OfflineModel } from "./model";
import type { Saved } from "./saved";

interface View {
  readonly code: string;
  /** Code of what the simple level does not show. */
  readonly details: string;
  /** Code of Plotly, which runs when a heatmap is first shown. */
  readonly plotly: string;
  /** Code of galleries, in pages that have one. */
  readonly gallery?: string;
}

interface Widget {
  render(given: { model: unknown; el: HTMLElement }): undefined | (() => void);
}

interface GalleryWidget extends Widget {
  savedModel(saved: unknown, codes: Readonly<Record<"viewer" | "details" | "plotly", string>>): unknown;
}

const NOT_STARTED = "This browser could not start the interactive view; here is a picture of it.";

async function begin(): Promise<void> {
  const places = [...document.querySelectorAll<HTMLElement>("[data-fixlip=live]")];
  try {
    const view = readJson<View>(viewIn(document) ?? viewIn(parent.document));
    const kinds = new Set(places.map(kindOf));
    const widget = kinds.has("explanation") ? await run<Widget>(view.code) : null;
    const gallery = kinds.has("gallery") ? await run<GalleryWidget>(view.gallery ?? "") : null;
    for (const place of places) {
      if (kindOf(place) === "gallery" && gallery) {
        const codes = { viewer: view.code, details: view.details, plotly: view.plotly };
        start(place, gallery, gallery.savedModel(savedIn(place), codes));
      } else if (widget) {
        start(place, widget, new OfflineModel(savedIn(place) as Saved, async (part) => view[part]));
      }
      await new Promise(requestAnimationFrame); // the first view is usable before the last one is drawn
    }
  } catch (error) {
    places.forEach(showPicture);
    throw error;
  }
}

function viewIn(page: Document): Element | null {
  return page.querySelector("script[data-fixlip=view]");
}

function readJson<Kind>(script: Element | null): Kind {
  return JSON.parse(script?.textContent ?? "null") as Kind;
}

function kindOf(place: HTMLElement): string {
  return place.dataset.kind ?? "explanation";
}

function savedIn(place: HTMLElement): unknown {
  return readJson(place.querySelector("script[data-fixlip=saved]"));
}

function start(place: HTMLElement, widget: Widget, model: unknown): void {
  const el = document.createElement("div");
  place.append(el);
  widget.render({ model, el });
  place.dataset.ready = "true";
  performance.mark("fixlip-alive");
}

/** Show the content of `noscript`. It is the page's own markup, which browsers with scripts keep as text. */
function showPicture(place: HTMLElement): void {
  if (place.dataset.ready) {
    return;
  }
  const still = place.querySelector("noscript")?.textContent ?? "";
  place.replaceChildren(document.createRange().createContextualFragment(still));
  place.prepend(Object.assign(document.createElement("p"), { textContent: NOT_STARTED }));
}

/** Fit the height of a notebook's frame to its content. */
function fitFrame(): void {
  const frame = window.frameElement as HTMLIFrameElement | null;
  if (frame) {
    const fit = () => {
      frame.style.height = `${document.documentElement.getBoundingClientRect().height}px`;
    };
    new ResizeObserver(fit).observe(document.documentElement);
  }
}

fitFrame();
await begin();
