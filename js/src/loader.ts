/**
 * The module that every widget sends: it loads the view's module, once for all widgets of a page. The code is in a model
 * that the widgets share, which saved notebooks contain too; in hosts where widgets cannot refer to one another, the
 * kernel sends it.
 */

import type { AnyModel, Host, RenderProps } from "@anywidget/types";

interface Widget {
  render(props: RenderProps): undefined | (() => void);
}

interface Bundle {
  readonly digest: string;
  readonly code: string;
}

interface Shared {
  /** `IPY_MODEL_` and the id of the model that holds the bundle. */
  readonly bundle: string;
  readonly bundle_digest: string;
}

const MODULES = Symbol.for("fixlip_widgets.modules");
const page = globalThis as { [MODULES]?: Map<string, Promise<Widget>> };
const PREFIX = "IPY_MODEL_";
const KERNEL_ANSWERS_WITHIN_MS = 20_000;

async function render(props: RenderProps): Promise<undefined | (() => void)> {
  const widget = await load(props.model as AnyModel<Shared>, props.host);
  return widget.render(props);
}

function load(model: AnyModel<Shared>, host: Host | undefined): Promise<Widget> {
  page[MODULES] ??= new Map();
  const modules = page[MODULES];
  const digest = model.get("bundle_digest");
  let module = modules.get(digest);
  if (!module) {
    module = codeOf(model, host).then(run);
    modules.set(digest, module);
    module.catch(() => modules.delete(digest)); // so that the next widget can try again
  }
  return module;
}

async function run(code: string): Promise<Widget> {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  try {
    return (await import(url)).default as Widget;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Return the source code of the view's module. */
export async function codeOf(model: AnyModel<Shared>, host: Host | undefined): Promise<string> {
  const reference = model.get("bundle");
  const shared = await sharedModel(reference, model, host).catch(() => null);
  return shared?.get("code") || askKernel(model);
}

async function sharedModel(
  reference: string,
  model: AnyModel<Shared>,
  host: Host | undefined,
): Promise<AnyModel<Bundle> | null> {
  if (typeof model.widget_manager?.get_model === "function") {
    return model.widget_manager.get_model<Bundle & Record<string, unknown>>(reference.replace(PREFIX, ""));
  }
  return (await host?.getModel<Bundle & Record<string, unknown>>(reference)) ?? null;
}

function askKernel(model: AnyModel<Shared>): Promise<string> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      model.off("msg:custom", receive);
    };
    const receive = (message: { type: string; code: string }) => {
      if (message.type === "bundle") {
        stop();
        resolve(message.code);
      }
    };
    const timer = setTimeout(() => {
      stop();
      reject(new Error("fixlip_widgets: the kernel did not send the front end; run the cell again."));
    }, KERNEL_ANSWERS_WITHIN_MS);
    model.on("msg:custom", receive);
    model.send({ type: "bundle" });
  });
}

export default { render };
