/**
 * Keeps the keyboard in a view whose focused control goes away or is disabled: the browser would give the focus to the
 * page, and the next keys, meant for the view, would be a notebook's commands.
 */

/** Watches `el`, the element that a view stands in; returns how to stop. */
export function keepFocus(el: HTMLElement): () => void {
  let last: Element | null = null;
  const came = (event: FocusEvent) => {
    last = event.target instanceof Element ? event.target : null;
  };
  const left = () => {
    // a moment later it shows whether somebody left, or what had the focus is gone
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

/** Gives the whole view the focus, for once: a click beside its controls is still the notebook's. */
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

/** What has the focus: in the shadow root that `el` stands in, or else in the document. */
function focused(el: Element): Element | null {
  const root = el.getRootNode() as Document | ShadowRoot;
  const outside = document.activeElement;
  return root instanceof ShadowRoot && outside === root.host ? root.activeElement : outside;
}

function isNowhere(active: Element | null, gone: Element): boolean {
  return active === null || active === document.body || active === gone;
}
