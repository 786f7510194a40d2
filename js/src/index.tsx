/** The module that anywidget loads: `render` draws one view of a widget into an element. */

import type { RenderProps } from "@anywidget/types";
import { mount } from "./lib/mount";
import { App } from "./shell/App";
import css from "./shell/style.css?inline";
import { createStore } from "./state/store";
import type { Traits } from "./wire/types";

function render({ model, el, host }: RenderProps<Traits>): () => void {
  const store = createStore(model, host);
  return mount(<App store={store} />, el, css, store.dispose);
}

export default { render };
