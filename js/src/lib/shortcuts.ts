/**
 * Keeps the keys that a focused control uses from the notebook around it, and leaves all other shortcuts to the notebook.
 *
 * JupyterLab ignores a key if the focused element has an attribute at the time of the key. The attribute is set or
 * removed before any listener of the document, because older hosts listen there before the control does.
 */

const ATTRIBUTE = "data-lm-suppress-shortcuts";

/** Watch `el`, the element of a view; return a function that stops this. */
export function keepKeys(el: HTMLElement): () => void {
  const look = (event: KeyboardEvent) => {
    const [control] = event.composedPath();
    // outside the shadow root of a view, the target is the root's host
    if (control instanceof Element && el.contains(control) && event.target instanceof Element) {
      event.target.toggleAttribute(ATTRIBUTE, usesKey(control, event));
    }
  };
  window.addEventListener("keydown", look, { capture: true });
  return () => window.removeEventListener("keydown", look, { capture: true });
}

const TEXT = "input[type=text], textarea";
/** Controls that arrow keys change or walk through; a region with its own scroll bar is one as well. */
const WALKED =
  "input[type=range], select, [role=tab], [role=slider], [role=region], [role=grid], [role=menuitem], " +
  "[aria-haspopup=menu], [data-player], [data-players], [data-node]";
const WALKING = new Set([
  "ArrowUp",
  "ArrowDown",
  "ArrowLeft",
  "ArrowRight",
  "Home",
  "End",
  "PageUp",
  "PageDown",
]);
/** Keys that activate a control, with any modifier, and the key that clears the selection. */
const PRESSING = new Set(["Enter", " ", "Escape"]);
/** Keys that edit text together with Ctrl or Cmd. */
const EDITING = new Set(["a", "c", "v", "x", "y", "z", "Backspace", "Delete", ...WALKING]);

/** Return whether a control, or the view around it, uses a key. */
export function usesKey(control: Element, event: KeyboardEvent): boolean {
  const { key, altKey, ctrlKey, metaKey, shiftKey } = event;
  const letter = key.length === 1 ? key.toLowerCase() : key;
  if (ctrlKey || metaKey) {
    if (PRESSING.has(key) || (letter === "z" && !shiftKey)) {
      return true;
    }
    // on some keyboards, characters such as @ need Ctrl and Alt
    return control.matches(TEXT) && (EDITING.has(letter) || (ctrlKey && altKey));
  }
  // the view itself has the focus only if the control that had it is gone, perhaps while the user was typing
  if (PRESSING.has(key) || control.matches(`${TEXT}, select, .fixlip`)) {
    return true;
  }
  return WALKING.has(key) && control.closest(WALKED) !== null;
}
