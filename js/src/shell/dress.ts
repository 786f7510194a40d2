/** Adds the style sheet of an explanation's view where the view is. */

import { dressIn } from "../lib/sheets";
import css from "./style.css?inline";

/** Keep `el` styled wherever it moves; return a function that stops this. */
export function dress(el: HTMLElement): () => void {
  return dressIn(css, el);
}
