/**
 * Keeps the focus in a view if its focused control is removed or disabled. Otherwise the browser would move the focus to
 * the page, and the next keys would be a notebook's commands.
 */

/** Watch `el`, the element of a view; return a function that stops this. */
export function keepFocus(el: HTMLElement): () => void {
  let last: Element | null = null;
  const came = (event: FocusEvent) => {
    last = event.target instanceof Element ? event.target : null;
  };
  const left = () => {
    // one frame later it is clear whether the user left or the control was removed
    requestAnimationFrame(() => {
      if (last && !isGone(last) && !el.contains(focused(el))) {
        last = null;
      }
    });
  };
  const observer = new MutationObserver(() => {
    if (last && isGone(last)) {
      const gone = last;
      last = null;
      if (isNowhere(focused(el), gone)) {
        hold(el.querySelector<HTMLElement>(".fixlip"));
      }
    }
  });
  el.addEventListener("focusin", came);
  el.addEventListener("focusout", left);
  observer.observe(el, { childList: true, subtree: true, attributes: true, attributeFilter: ["disabled"] });
  return () => {
    el.removeEventListener("focusin", came);
    el.removeEventListener("focusout", left);
    observer.disconnect();
  };
}

/** Focus the whole view once; a click beside its controls still belongs to the notebook. */
function hold(view: HTMLElement | null) {
  if (view) {
    view.tabIndex = -1;
    view.addEventListener("blur", () => view.removeAttribute("tabindex"), { once: true });
    view.focus({ preventScroll: true });
  }
}

function isGone(control: Element): boolean {
  return !control.isConnected || control.matches(":disabled");
}

/** Return the focused element: in the shadow root of `el`, or else in the document. */
function focused(el: Element): Element | null {
  const root = el.getRootNode() as Document | ShadowRoot;
  const outside = document.activeElement;
  return root instanceof ShadowRoot && outside === root.host ? root.activeElement : outside;
}

function isNowhere(active: Element | null, gone: Element): boolean {
  return active === null || active === document.body || active === gone;
}
