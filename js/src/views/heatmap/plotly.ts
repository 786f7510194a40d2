/** Loads Plotly when the first heatmap is shown, once for all widgets of a page. */

import type { AnyModel, Host } from "@anywidget/types";
import { loadPart, type References } from "../../wire/code";

export interface Plotly {
  react(
    element: HTMLElement,
    data: readonly Record<string, unknown>[],
    layout: Record<string, unknown>,
    config: Record<string, unknown>,
  ): Promise<unknown>;
  /** Names of the mode bar's icons to their drawings. */
  readonly Icons: Readonly<Record<string, unknown>>;
  downloadImage(element: HTMLElement, options: Record<string, unknown>): Promise<unknown>;
  relayout(element: HTMLElement, changes: Record<string, unknown>): Promise<unknown>;
  purge(element: HTMLElement): void;
}

/** The cell of an event, as indices of its row and column. */
export interface PlotlyEvent {
  readonly points: readonly { readonly pointIndex: readonly [row: number, column: number] }[];
  readonly event: MouseEvent;
}

/** Plotly's element: it reports events of the plot. */
export interface PlotlyElement extends HTMLDivElement {
  on?(name: "plotly_hover" | "plotly_unhover" | "plotly_click", handler: (event: PlotlyEvent) => void): void;
}

/** Return the page's Plotly, whose code arrives when the first heatmap is shown. */
export function loadPlotly(model: AnyModel, host: Host | undefined): Promise<Plotly> {
  return loadPart<Plotly>("plotly", model as AnyModel<References>, host);
}
