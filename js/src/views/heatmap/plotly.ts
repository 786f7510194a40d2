/** Loads Plotly when the first heatmap is shown, once for all widgets of a page. */

export interface HeatmapTrace {
  readonly type: "heatmap";
  readonly z: readonly (readonly (number | null)[])[];
  readonly [option: string]: unknown;
}

export interface Plotly {
  react(
    element: HTMLElement,
    data: readonly HeatmapTrace[],
    layout: Record<string, unknown>,
    config: Record<string, unknown>,
  ): Promise<unknown>;
  purge(element: HTMLElement): void;
}

const SHARED = Symbol.for("fixlip_widgets.plotly.3");
const page = globalThis as { [SHARED]?: Promise<Plotly> };

/** Return the page's Plotly; every widget's module contains the code, but only the first one runs it. */
export function loadPlotly(): Promise<Plotly> {
  page[SHARED] ??= import("./plotly-bundle").then((bundle) => bundle.default as Plotly);
  return page[SHARED];
}
