/** The module that every widget sends: it loads the view's module, once for all widgets of a page. */

import type { AnyModel, RenderProps } from "@anywidget/types";
import { loadPart, type References } from "./wire/code";

interface Widget {
  render(props: RenderProps): undefined | (() => void);
}

async function render(props: RenderProps): Promise<undefined | (() => void)> {
  const widget = await loadPart<Widget>("bundle", props.model as AnyModel<References>, props.host);
  return widget.render(props);
}

export default { render };
