/**
 * Starts the views of a saved page: each explanation gets the view of a notebook, with a model without a kernel.
 *
 * The page, or the page around this frame, contains `script[data-fixlip=view]` once (the modules of the view and of
 * Plotly, as JSON). Each explanation is a `[data-fixlip=live]` element with a `script[data-fixlip=saved]`.
 */

import { run } from "../wire/code";
import { OfflineModel } from "./model";
import type { Saved } from "./saved";

interface View {
  readonly code: string;
  /** Code of Plotly, which runs when a heatmap is first shown. */
  readonly plotly: string;
}

interface Widget {
  render(given: { model: unknown; el: HTMLElement }): undefined | (() => void);
}

const NOT_STARTED = "This browser could not start the interactive view; here is a picture of it.";

async function begin(): Promise<void> {
  const places = [...document.querySelectorAll<HTMLElement>("[data-fixlip=live]")];
  try {
    const { code, plotly } = readJson<View>(viewIn(document) ?? viewIn(parent.document));
    const widget = await run<Widget>(code);
    for (const place of places) {
      start(place, widget, plotly);
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

function start(place: HTMLElement, widget: Widget, plotly: string): void {
  const saved = readJson<Saved>(place.querySelector("script[data-fixlip=saved]"));
  const el = document.createElement("div");
  place.append(el);
  widget.render({ model: new OfflineModel(saved, plotly), el });
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
