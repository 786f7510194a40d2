/** The gallery's module: `render` draws a gallery into an element, and `savedModel` is its model in a page without a kernel. */

import type { RenderProps } from "@anywidget/types";
import { mount } from "../lib/mount";
import { Gallery } from "./Gallery";
import css from "./gallery.css?inline";
import { type Codes, SavedGalleryModel } from "./saved-model";
import { createStore } from "./store";
import type { GalleryTraits, SavedGallery } from "./types";

function render({ model, el, host }: RenderProps<GalleryTraits>): () => void {
  const store = createStore(model, host);
  return mount(<Gallery store={store} />, el, css, store.dispose);
}

function savedModel(saved: SavedGallery, codes: Codes): SavedGalleryModel {
  return new SavedGalleryModel(saved, codes);
}

export default { render, savedModel };
