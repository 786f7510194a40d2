"""An explanation as NetworkX graph, Plotly figure, SVG, PNG and static HTML."""
