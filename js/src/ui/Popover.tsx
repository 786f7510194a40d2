/** A button that shows an explanation above everything else: by click, tap or keyboard. Escape closes it. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { clamp } from "../lib/geometry";

/** Least distance from the edges of the window, and the distance from the button, in pixels. */
const MARGIN = 8;
const GAP = 6;

export interface PopoverProps {
  /** Content of the button; a term is underlined with dots, a question mark has a circle. */
  readonly children: ComponentChildren;
  readonly kind?: "term" | "mark";
  /** Name of the button, if its content is not one. */
  readonly label?: string;
  readonly text: ComponentChildren;
}

/**
 * The browser draws the text in its top layer, so that neither a cell's output nor the view clips it, and closes it
 * on Escape and on a press elsewhere. The focus stays on the button.
 */
export function Popover({ children, kind = "term", label, text }: PopoverProps) {
  const [id] = useState(() => `fixlip-about-${Math.random().toString(36).slice(2, 9)}`);
  const [open, setOpen] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLSpanElement>(null);
  useEffect(() => (open ? follow(box.current, button.current) : undefined), [open]);
  const close = () => box.current?.hidePopover?.();
  return (
    <>
      <button
        ref={button}
        type="button"
        class="fx-about"
        data-kind={kind}
        aria-label={label}
        aria-expanded={open}
        aria-describedby={id}
        popovertarget={id}
        onBlur={(event) => event.relatedTarget && close()}
        onKeyDown={(event) => {
          if (event.key === "Escape" && open) {
            event.stopPropagation();
            close();
          }
        }}
      >
        {children}
      </button>
      <span
        ref={box}
        id={id}
        class="fx-popover"
        popover="auto"
        role="note"
        onBeforeToggle={(event: ToggleEvent) => {
          if (event.newState === "open") {
            // the box has a size before the next picture
            requestAnimationFrame(() => place(box.current, button.current));
          }
        }}
        onToggle={(event: ToggleEvent) => setOpen(event.newState === "open")}
      >
        {text}
      </span>
    </>
  );
}

/** Keep the box beside its button while the page moves; return a function that stops this. */
export function follow(box: HTMLElement | null, button: HTMLElement | null): () => void {
  const move = () => place(box, button);
  window.addEventListener("scroll", move, { capture: true, passive: true });
  window.addEventListener("resize", move);
  return () => {
    window.removeEventListener("scroll", move, { capture: true });
    window.removeEventListener("resize", move);
  };
}

/** Place the box below the button, or above it where there is no room, within the window. */
export function place(box: HTMLElement | null, button: HTMLElement | null): void {
  if (!box || !button) {
    return;
  }
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const { clientWidth, clientHeight } = document.documentElement;
  const below = at.bottom + GAP;
  const fits = below + height + MARGIN <= clientHeight || at.top - GAP - height < MARGIN;
  const top = fits ? below : at.top - GAP - height;
  box.style.left = `${clamp(at.left, MARGIN, Math.max(MARGIN, clientWidth - width - MARGIN))}px`;
  box.style.top = `${clamp(top, MARGIN, Math.max(MARGIN, clientHeight - height - MARGIN))}px`;
}
