import { afterEach, describe, expect, it, vi } from "vitest";
import { type Theme, watchTheme } from "../../src/lib/theme";
import sheet from "../../src/shell/base.css?raw";

const page = document.documentElement;
let stop = () => {};

afterEach(() => {
  stop();
  for (const element of [page, document.body]) {
    for (const name of element.getAttributeNames()) {
      element.removeAttribute(name);
    }
  }
  vi.unstubAllGlobals();
});

/** Return the successive themes of a view, in a system with this colour preference. */
function watched(preferred: Theme = "light"): Theme[] {
  const system = { matches: preferred === "dark", addEventListener() {}, removeEventListener() {} };
  vi.stubGlobal("matchMedia", () => system);
  const told: Theme[] = [];
  stop = watchTheme((theme) => told.push(theme));
  return told;
}

describe("the theme of the host", () => {
  it.each([
    { where: "html", name: "data-theme", value: "dark" },
    { where: "body", name: "data-theme", value: "dark" },
    { where: "html", name: "class", value: "no-js dark" },
    { where: "body", name: "class", value: "dark" },
    { where: "html", name: "data-bs-theme", value: "dark" },
    { where: "html", name: "theme", value: "dark" },
    { where: "body", name: "data-md-color-scheme", value: "slate" },
    { where: "body", name: "data-jp-theme-light", value: "false" },
    { where: "body", name: "data-vscode-theme-kind", value: "vscode-dark" },
  ])("is dark with $name=$value on $where, at once and after a change", async ({ where, name, value }) => {
    const element = where === "html" ? page : document.body;
    const told = watched("light");
    element.setAttribute(name, value);
    await vi.waitFor(() => expect(told).toEqual(["light", "dark"]));
    stop();
    expect(watched("light")).toEqual(["dark"]);
  });

  it("is light where the page says so in a dark system", () => {
    page.setAttribute("data-theme", "light");
    expect(watched("dark")).toEqual(["light"]);
  });

  it.each(["light", "dark"] as const)("is the system's, %s, where the page follows it", (preferred) => {
    document.body.setAttribute("data-theme", "auto");
    expect(watched(preferred)).toEqual([preferred]);
  });

  it("is that of the notebook before that of a page", () => {
    page.setAttribute("data-theme", "dark");
    document.body.setAttribute("data-jp-theme-light", "true");
    expect(watched()).toEqual(["light"]);
  });
});

describe("the browser's own controls", () => {
  it("have the colours of the view's theme", () => {
    const dark = /&\[data-theme="dark"\] \{([^}]*)\}/.exec(sheet)?.[1] ?? "";
    expect(dark).toContain("color-scheme: dark;");
    expect(sheet.replace(dark, "")).toContain("color-scheme: light;");
  });
});
