/** Plotly with heatmaps only, which is a quarter of the whole library; a bundle of its own. */

// @ts-expect-error plotly.js has no types for its parts
import core from "plotly.js/lib/core";
// @ts-expect-error plotly.js has no types for its parts
import heatmap from "plotly.js/lib/heatmap";

core.register([heatmap]);

export default core;
