/** The module that anywidget loads: `render` draws one view of a widget into an element. */

import type { RenderProps } from "@anywidget/types";
import { render as mount } from "preact";
import { App } from "./components/App";
import { dress } from "./dress";
import type { Traits } from "./protocol";
import { createStore } from "./store";

function render({ model, el }: RenderProps<Traits>): () => void {
  const store = createStore(model);
  const undress = dress(el);
  mount(<App store={store} />, el);
  return () => {
    mount(null, el);
    store.dispose();
    undress();
  };
}

export default { render };
