/** Plotly, set up once per page however many widgets there are, when the first heatmap is shown. */

export interface HeatmapTrace {
  readonly type: "heatmap";
  readonly z: readonly (readonly number[])[];
  readonly [option: string]: unknown;
}

export interface ClickedPoint {
  readonly pointIndex: readonly [row: number, column: number];
}

export interface PlotElement extends HTMLElement {
  on(event: "plotly_click" | "plotly_hover" | "plotly_unhover", tell: (event: PlotEvent) => void): void;
  removeAllListeners(event: string): void;
}

export interface PlotEvent {
  readonly points: readonly ClickedPoint[];
  readonly event: MouseEvent;
}

export interface Plotly {
  react(
    element: HTMLElement,
    data: readonly HeatmapTrace[],
    layout: Record<string, unknown>,
    config: Record<string, unknown>,
  ): Promise<PlotElement>;
  relayout(element: HTMLElement, changes: Record<string, unknown>): Promise<PlotElement>;
  purge(element: HTMLElement): void;
  readonly Plots: { resize(element: HTMLElement): Promise<void> };
}

const SHARED = Symbol.for("fixlip_widgets.plotly.3");
const page = globalThis as { [SHARED]?: Promise<Plotly> };

/** Each widget's module holds Plotly's code, but only the first on the page runs it. */
export function loadPlotly(): Promise<Plotly> {
  page[SHARED] ??= import("./plotly-bundle").then((bundle) => bundle.default as Plotly);
  return page[SHARED];
}
