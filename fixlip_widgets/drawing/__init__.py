"""Explanations as NetworkX graphs, Plotly figures, SVG, PNG and static HTML."""
