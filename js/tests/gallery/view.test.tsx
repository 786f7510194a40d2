import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import gallery from "../../src/gallery/index";
import type { GalleryTraits, Texts } from "../../src/gallery/types";

type Handler = (message?: unknown, buffers?: DataView[]) => void;

const TRAITS: GalleryTraits = {
  sort: "row",
  descending: false,
  search: "",
  query: "",
  ranges: {},
  selected: [],
  opened: "",
  theme: "light",
  title: "explanations",
  total: 0,
  expected: null,
  complete: false,
  columns: ["similarity", "r2"].map((name) => ({ name, label: name, note: "" })),
  openable: null,
  notice: "",
  error: "",
};

/** A kernel that records requests, and answers on demand. */
class Kernel {
  readonly requests: unknown[] = [];
  readonly #handlers = new Map<string, Set<Handler>>();
  #traits: GalleryTraits;

  constructor(traits: Partial<GalleryTraits>) {
    this.#traits = { ...TRAITS, ...traits };
  }
  get<Name extends keyof GalleryTraits>(name: Name): GalleryTraits[Name] {
    return this.#traits[name];
  }
  set(name: keyof GalleryTraits, value: unknown): void {
    this.#traits = { ...this.#traits, [name]: value };
    this.emit(`change:${name}`);
  }
  on(event: string, handler: Handler): void {
    this.#handlers.set(event, (this.#handlers.get(event) ?? new Set()).add(handler));
  }
  off(event: string, handler: Handler): void {
    this.#handlers.get(event)?.delete(handler);
  }
  save_changes(): void {}
  send(request: unknown): void {
    this.requests.push(request);
  }
  emit(event: string, message?: unknown, buffers?: DataView[]): void {
    for (const handler of this.#handlers.get(event) ?? []) {
      handler(message, buffers);
    }
  }
  rows(start: number, count: number): void {
    const numbers = Float64Array.from({ length: count }, (_, row) => start + row);
    const buffers = [numbers, numbers].map((column) => new DataView(column.slice().buffer));
    this.emit("msg:custom", { type: "rows", start, texts: texts(start, count) }, buffers);
  }
}

function texts(start: number, count: number): Texts {
  const of = (text: (row: number) => string) => Array.from({ length: count }, (_, row) => text(start + row));
  return {
    columns: {
      id: of((row) => `row ${row}`),
      caption: of((row) => `a dog and ${row} cats`),
      error: of((row) => (row === 1 ? "The picture is damaged." : "")),
    },
    tokens: Array(count).fill(["dog", "cats"]),
    weakest: Array(count).fill([2, 5]),
  };
}

const render = gallery.render as unknown as (given: { model: unknown; el: HTMLElement }) => () => void;
let close = () => {};

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  close();
  document.body.replaceChildren();
  vi.useRealTimers();
});

async function shown(kernel: Kernel): Promise<HTMLElement> {
  const el = document.createElement("div");
  document.body.append(el);
  close = render({ model: kernel, el });
  await vi.advanceTimersByTimeAsync(100);
  return el.querySelector(".fg") as HTMLElement;
}

async function settled(): Promise<void> {
  await vi.advanceTimersByTimeAsync(100);
}

describe("a gallery", () => {
  it("requests rows page by page, and draws only cards in sight", async () => {
    const kernel = new Kernel({ total: 10_000, complete: true });
    const root = await shown(kernel);
    expect(kernel.requests).toEqual([{ type: "rows", start: 0 }]);
    for (let start = 0; start < 10_000; start += 2000) {
      kernel.rows(start, 2000);
    }
    await settled();
    expect(kernel.requests.filter((request) => (request as { type: string }).type === "rows")).toHaveLength(
      5,
    );
    expect(root.dataset.received).toBe("10000");
    expect(root.querySelectorAll(".fg-card").length).toBeLessThan(20);
    expect(root.querySelector("[role=grid]")?.getAttribute("aria-rowcount")).toBe("10000");
  });

  it("marks the weakest token, and shows why a pair failed", async () => {
    const kernel = new Kernel({ total: 3, complete: true });
    const root = await shown(kernel);
    kernel.rows(0, 3);
    await settled();
    expect(root.querySelector("mark")?.textContent).toBe("dog");
    const failed = root.querySelector(".fg-card[data-failed=true]") as HTMLElement;
    expect(failed.textContent).toContain("The picture is damaged.");
    expect(root.querySelector("[data-action=failed]")?.textContent).toBe("1 failed");
  });

  it("grows while the corpus is being written", async () => {
    const kernel = new Kernel({ total: 1, expected: 3 });
    const root = await shown(kernel);
    kernel.rows(0, 1);
    await settled();
    expect(root.textContent).toContain("1 of 3 pairs, more are being explained");
    kernel.rows(1, 2); // sent by a kernel that is too busy to answer
    kernel.set("total", 3);
    kernel.set("complete", true);
    await settled();
    expect(root.dataset.received).toBe("3");
    expect(kernel.requests.filter((request) => (request as { type: string }).type === "rows")).toHaveLength(
      1,
    );
    expect(root.textContent).not.toContain("more are being explained");
  });

  it("says that the kernel is silent, and asks again", async () => {
    const kernel = new Kernel({ total: 2 });
    const root = await shown(kernel);
    await vi.advanceTimersByTimeAsync(5100);
    expect(root.textContent).toContain("The kernel does not answer");
    expect(kernel.requests).toHaveLength(2);
    kernel.rows(0, 2);
    await settled();
    expect(root.textContent).not.toContain("The kernel does not answer");
  });

  it("ignores rows that it has already, or that leave a gap", async () => {
    const kernel = new Kernel({ total: 4 });
    const root = await shown(kernel);
    kernel.rows(0, 2);
    kernel.rows(0, 2);
    kernel.rows(3, 1);
    await settled();
    expect(root.dataset.received).toBe("2");
  });

  it("opens a pair by Enter, and shows why there is no explanation", async () => {
    const kernel = new Kernel({ total: 2, complete: true });
    const root = await shown(kernel);
    kernel.rows(0, 2);
    await settled();
    const grid = root.querySelector("[role=grid]") as HTMLElement;
    for (const key of ["ArrowDown", "Enter"]) {
      grid.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true }));
      await settled();
    }
    expect(kernel.get("opened")).toBe("row 1");
    expect(kernel.requests.at(-1)).toEqual({ type: "explanation", row: 1 });
    expect(root.querySelector(".fg-instead")?.textContent).toContain("The picture is damaged.");
    (root.querySelector("[data-action=back]") as HTMLElement).click();
    await settled();
    expect(kernel.get("opened")).toBe("");
  });
});
