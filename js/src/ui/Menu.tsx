/** A button that opens a menu of actions, by pointer or keyboard (ARIA Authoring Practices, "menu button"). */

import type { ComponentChildren, RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { follow, place } from "./Popover";

export interface MenuItem {
  /** Value of the item's `data-item`. */
  readonly name: string;
  readonly label: string;
  /** A further line. */
  readonly note?: string;
  /** Why the item is unavailable, or empty. */
  readonly why: string;
  readonly run: () => void;
}

interface MenuProps {
  readonly id: string;
  /** Value of the button's `data-action`. */
  readonly action: string;
  readonly title: string;
  readonly items: readonly MenuItem[];
  /** Content of the button. */
  readonly children: ComponentChildren;
}

export function Menu({ id, action, title, items, children }: MenuProps) {
  /** The item that has the focus when the menu opens; null while it is closed. */
  const [first, setFirst] = useState<number | null>(null);
  const button = useRef<HTMLButtonElement>(null);
  const close = (returns: boolean) => {
    setFirst(null);
    if (returns) {
      button.current?.focus();
    }
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        class="fx-link fx-menu-button"
        data-action={action}
        title={title}
        aria-haspopup="menu"
        aria-expanded={first !== null}
        aria-controls={first === null ? undefined : id}
        onClick={() => (first === null ? setFirst(0) : close(true))}
        onKeyDown={(event) => {
          const opens = { ArrowDown: 0, ArrowUp: items.length - 1 }[event.key];
          if (opens !== undefined) {
            event.preventDefault();
            setFirst(opens);
          }
        }}
      >
        {children}
      </button>
      {first !== null && (
        <Items id={id} label={title} items={items} first={first} button={button} close={close} />
      )}
    </>
  );
}

interface ItemsProps {
  readonly id: string;
  readonly label: string;
  readonly items: readonly MenuItem[];
  readonly first: number;
  readonly button: RefObject<HTMLButtonElement>;
  /** Close the menu; the argument is whether the focus returns to the button. */
  readonly close: (returns: boolean) => void;
}

/** The open menu, in the browser's top layer. */
function Items({ id, label, items, first, button, close }: ItemsProps) {
  const menu = useRef<HTMLDivElement>(null);
  const focus = (index: number) => {
    const all = menu.current?.querySelectorAll<HTMLElement>("[role=menuitem]") ?? [];
    all[(index + all.length) % all.length]?.focus();
  };
  useLayoutEffect(() => {
    menu.current?.showPopover?.();
    place(menu.current, button.current);
    focus(first);
    const outside = (event: PointerEvent) => {
      const path = event.composedPath();
      if (![menu.current, button.current].some((part) => part && path.includes(part))) {
        close(false);
      }
    };
    window.addEventListener("pointerdown", outside, { capture: true });
    const unfollow = follow(menu.current, button.current);
    return () => {
      window.removeEventListener("pointerdown", outside, { capture: true });
      unfollow();
    };
  }, []);
  const press = (event: KeyboardEvent) => {
    const at = items.findIndex(({ name }) => name === (event.target as HTMLElement).dataset.item);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to !== undefined) {
      focus(to);
    } else if (event.key === "Escape") {
      close(true);
    } else if (event.key === "Tab") {
      close(true); // the browser moves on from the button
      return;
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      ref={menu}
      id={id}
      class="fx-popover fx-menu"
      popover="manual"
      role="menu"
      aria-label={label}
      tabindex={-1}
      onKeyDown={press}
    >
      {items.map(({ name, label: text, note, why, run }) => (
        <button
          key={name}
          type="button"
          role="menuitem"
          tabindex={-1}
          data-item={name}
          aria-disabled={why !== ""}
          onClick={() => {
            if (why === "") {
              close(true);
              run();
            }
          }}
        >
          {text}
          {(why || note) && <small>{why || note}</small>}
        </button>
      ))}
    </div>
  );
}
