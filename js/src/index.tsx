/** The module that anywidget loads: `render` draws one view of a widget into an element. */

import type { RenderProps } from "@anywidget/types";
import { render as mount } from "preact";
import { keepFocus } from "./lib/focus";
import { keepKeys } from "./lib/shortcuts";
import { App } from "./shell/App";
import { dress } from "./shell/dress";
import { createStore } from "./state/store";
import type { Traits } from "./wire/types";

function render({ model, el, host }: RenderProps<Traits>): () => void {
  const store = createStore(model, host);
  // in a row of widgets, take the available width, because the contents have no width of their own
  el.style.flexGrow ||= "1";
  el.style.minWidth ||= "min(320px, 100%)";
  const undress = dress(el);
  const release = keepFocus(el);
  const releaseKeys = keepKeys(el);
  mount(<App store={store} />, el);
  return () => {
    mount(null, el);
    store.dispose();
    release();
    releaseKeys();
    undress();
  };
}

export default { render };
