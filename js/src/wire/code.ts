/**
 * Modules of the front end, each loaded once for all widgets of a page. The code is in models that the widgets of a
 * kernel share, and that saved notebooks contain. The kernel sends the code to hosts in which widgets cannot refer to
 * one another, and so does a saved page.
 */

import type { AnyModel, Host } from "@anywidget/types";

/**
 * The widget's own view, and what its simple level does not show; Plotly for the heatmap, and in a gallery the view of
 * an explanation, which the kernel shares when they are first needed.
 */
export type Part = "bundle" | "details" | "plotly" | "viewer";

/** For each part, `IPY_MODEL_` and the id of the model that holds its code; the id is a hash of the code. */
export type References = { readonly [Name in Part]?: string };

export interface CodeMessage {
  readonly type: Part;
  /** Empty if the code is in the shared model. */
  readonly code: string;
}

type Model = AnyModel<References>;

const MODULES = Symbol.for("fixlip_widgets.modules.2");
const page = globalThis as { [MODULES]?: Map<string, Promise<unknown>> };
const PREFIX = "IPY_MODEL_";
const KERNEL_ANSWERS_WITHIN_MS = 20_000;

/** Return the default export of a part's module. */
export function loadPart<Kind>(part: Part, model: Model, host: Host | undefined): Promise<Kind> {
  page[MODULES] ??= new Map();
  const modules = page[MODULES];
  const key = model.get(part) ?? part;
  let module = modules.get(key);
  if (!module) {
    module = codeOf(part, model, host).then(run<unknown>);
    modules.set(key, module);
    module.catch(() => modules.delete(key)); // so that the next widget can try again
  }
  return module as Promise<Kind>;
}

/** Return the default export of a module, given its source code. Its URL stays valid for modules that import it. */
export async function run<Kind>(code: string): Promise<Kind> {
  const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
  return ((await import(url)) as { default: Kind }).default;
}

/** Return the source code of a part; throw if it is nowhere. */
export async function codeOf(part: Part, model: Model, host: Host | undefined): Promise<string> {
  const code = await sharedCode(part, model, host);
  if (code) {
    return code;
  }
  // every live notebook shares the view, so that its absence shows that the host cannot share models
  const shares = part !== "bundle" && (await sharedCode("bundle", model, host)) !== "";
  const sent = await askKernel(part, shares, model);
  const found = sent || (await sharedCode(part, model, host));
  if (!found) {
    throw new Error("fixlip_widgets: a part of the front end is missing; run the cell again.");
  }
  return found;
}

/** Return the code in the shared model; an empty string if there is none. */
async function sharedCode(part: Part, model: Model, host: Host | undefined): Promise<string> {
  const reference = model.get(part) ?? "";
  try {
    const shared =
      typeof model.widget_manager?.get_model === "function"
        ? await model.widget_manager.get_model<{ code: string }>(reference.replace(PREFIX, ""))
        : await host?.getModel<{ code: string }>(reference);
    return shared?.get("code") ?? "";
  } catch {
    return "";
  }
}

function askKernel(part: Part, shares: boolean, model: Model): Promise<string> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      model.off("msg:custom", receive);
    };
    const receive = (message: CodeMessage) => {
      if (message.type === part) {
        stop();
        resolve(message.code);
      }
    };
    const timer = setTimeout(() => {
      stop();
      reject(new Error("fixlip_widgets: the kernel did not send the front end; run the cell again."));
    }, KERNEL_ANSWERS_WITHIN_MS);
    model.on("msg:custom", receive);
    try {
      model.send({ type: part, shares });
    } catch (error) {
      stop(); // hosts throw without a kernel
      reject(error);
    }
  });
}
