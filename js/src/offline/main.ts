/**
 * Brings a saved page to life: every explanation in it gets the view that a notebook has, on a model without a kernel.
 *
 * The page holds `script[data-fixlip=view]` once (the view's module, as JSON), itself or as the page around
 * this frame, and a `[data-fixlip=live]` element with a `script[data-fixlip=saved]` for every explanation.
 */

import { OfflineModel } from "./model";
import type { Saved } from "./saved";

interface View {
  readonly code: string;
}

interface Widget {
  render(given: { model: unknown; el: HTMLElement }): undefined | (() => void);
}

const NOT_ALIVE = "This browser could not start the interactive view; here is a picture of it.";

async function begin(): Promise<void> {
  const places = [...document.querySelectorAll<HTMLElement>("[data-fixlip=live]")];
  try {
    const { code } = readJson<View>(viewIn(document) ?? viewIn(parent.document));
    const widget = await run(code);
    for (const place of places) {
      bringToLife(place, widget);
      await new Promise(requestAnimationFrame); // the first is seen, and can be used, before the last is drawn
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

async function run(code: string): Promise<Widget> {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    return ((await import(url)) as { default: Widget }).default;
  } finally {
    URL.revokeObjectURL(url);
  }
}

function bringToLife(place: HTMLElement, widget: Widget): void {
  const saved = readJson<Saved>(place.querySelector("script[data-fixlip=saved]"));
  const el = document.createElement("div");
  place.append(el);
  widget.render({ model: new OfflineModel(saved), el });
  place.dataset.ready = "true";
  performance.mark("fixlip-alive");
}

/** Shows what a page without scripts shows. The markup is the page's own: with scripts, `noscript` holds it as text. */
function showPicture(place: HTMLElement): void {
  if (place.dataset.ready) {
    return;
  }
  const still = place.querySelector("noscript")?.textContent ?? "";
  place.replaceChildren(document.createRange().createContextualFragment(still));
  place.prepend(Object.assign(document.createElement("p"), { textContent: NOT_ALIVE }));
}

/** A frame in a notebook's page is as tall as what it holds. */
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
