/** The gallery's module: `render` draws a gallery into an element, and `savedModel` is its model in a page without a kernel. */

import type { RenderProps } from "@anywidget/types";
import { render as mount } from "preact";
import { keepFocus } from "../lib/focus";
import { dressIn } from "../lib/sheets";
import { keepKeys } from "../lib/shortcuts";
import { Gallery } from "./Gallery";
import css from "./gallery.css?inline";
import { type Codes, SavedGalleryModel } from "./saved-model";
import { createStore } from "./store";
import type { GalleryTraits, SavedGallery } from "./types";

function render({ model, el, host }: RenderProps<GalleryTraits>): () => void {
  const store = createStore(model, host);
  el.style.flexGrow ||= "1";
  el.style.minWidth ||= "min(320px, 100%)";
  const undress = dressIn(css, el);
  const release = keepFocus(el);
  const releaseKeys = keepKeys(el);
  mount(<Gallery store={store} />, el);
  return () => {
    mount(null, el);
    store.dispose();
    release();
    releaseKeys();
    undress();
  };
}

function savedModel(saved: SavedGallery, codes: Codes): SavedGalleryModel {
  return new SavedGalleryModel(saved, codes);
}

export default { render, savedModel };
