/**
 * Loads what the simple level does not show, when a view first needs it. The module shares this one's code, and is
 * loaded once for all views that this one draws.
 */

import type { AnyModel } from "@anywidget/types";
import { signal } from "@preact/signals";
import { useLayoutEffect, useState } from "preact/hooks";
import type { Store } from "../state/store";
import { codeOf, type References, run } from "../wire/code";

export type Details = typeof import("./All")["default"];

/** The module; null before it is loaded. */
export const details = signal<Details | null>(null);

/** How the built module refers to this one, of which a page knows only the URL. */
const THIS_MODULE = "./widget.js";

let loading: Promise<Details> | undefined;

/** Return the module, whose code arrives when it is first needed. */
export async function loadDetails(store: Store): Promise<Details> {
  if (details.value) {
    return details.value;
  }
  loading ??= load(store).finally(() => {
    loading = undefined; // so that a view can try again
  });
  return loading;
}

async function load({ model, host }: Store): Promise<Details> {
  const code = await codeOf("details", model as unknown as AnyModel<References>, host);
  details.value = await run<Details>(code.replace(THIS_MODULE, import.meta.url));
  return details.value;
}

export interface Loading {
  readonly module: Details | null;
  /** Whether it could not be loaded. */
  readonly failed: boolean;
  readonly retry: () => void;
}

/** Return the module, and load it if it is needed; after a failure, `retry` loads it again. */
export function useDetails(store: Store, needed: boolean): Loading {
  const [failed, setFailed] = useState(false);
  const retry = () => {
    setFailed(false);
    loadDetails(store).catch(() => setFailed(true));
  };
  useLayoutEffect(() => {
    if (needed && !details.value) {
      retry();
    }
  }, [needed]);
  return { module: details.value, failed, retry };
}
