/** The host's theme: an attribute or a class of the page in notebooks and documentation, else the system's preference. */

export type Theme = "light" | "dark";

/** Attributes that hold the theme: of Sphinx and others, Bootstrap, Colab, and MkDocs (`slate` or `default`). */
const ATTRIBUTES = ["data-theme", "data-bs-theme", "theme", "data-md-color-scheme"];

function themeOfHost(): Theme {
  const { body } = document;
  const jupyter = body.dataset.jpThemeLight;
  if (jupyter !== undefined) {
    return jupyter === "true" ? "light" : "dark";
  }
  const code = body.dataset.vscodeThemeKind;
  if (code !== undefined) {
    return code.includes("light") ? "light" : "dark";
  }
  const preferred = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  return themeOf(body) ?? themeOf(document.documentElement) ?? preferred;
}

/** Return the theme that an attribute or a class of the element names; null if none does, or if it is automatic. */
function themeOf(element: Element): Theme | null {
  const values = ATTRIBUTES.map((name) => element.getAttribute(name));
  const named = [...values, ...element.classList];
  if (named.includes("dark") || values.includes("slate")) {
    return "dark";
  }
  return named.includes("light") || values.includes("default") ? "light" : null;
}

/** Call `tell` now and after every change of the theme, until the returned function is called. */
export function watchTheme(tell: (theme: Theme) => void): () => void {
  const look = () => tell(themeOfHost());
  const system = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(look);
  const attributeFilter = ["data-jp-theme-light", "data-vscode-theme-kind", "class", ...ATTRIBUTES];
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, { attributes: true, attributeFilter });
  }
  system.addEventListener("change", look);
  look();
  return () => {
    observer.disconnect();
    system.removeEventListener("change", look);
  };
}
