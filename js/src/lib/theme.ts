/** Light or dark, as the host is: JupyterLab and Notebook say it on the body, VS Code too, others through the system. */

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

/** Calls `tell` now and whenever the host's theme changes, until the returned function is called. */
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
