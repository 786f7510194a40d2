/** The host's theme: an attribute of the body in Jupyter and VS Code, else the system's preference. */

export type Theme = "light" | "dark";

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
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Call `tell` now and after every change of the theme, until the returned function is called. */
export function watchTheme(tell: (theme: Theme) => void): () => void {
  const look = () => tell(themeOfHost());
  const system = matchMedia("(prefers-color-scheme: dark)");
  const observer = new MutationObserver(look);
  observer.observe(document.body, {
    attributes: true,
    attributeFilter: ["data-jp-theme-light", "data-vscode-theme-kind"],
  });
  system.addEventListener("change", look);
  look();
  return () => {
    observer.disconnect();
    system.removeEventListener("change", look);
  };
}
