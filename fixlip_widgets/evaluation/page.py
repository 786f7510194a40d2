"""Report of a comparison: one HTML file with the table, the figures and the skipped rows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import plotly.io

from fixlip_widgets._version import __version__
from fixlip_widgets.evaluation.figures import figures
from fixlip_widgets.evaluation.records import Settings
from fixlip_widgets.evaluation.tables import comparison
from fixlip_widgets.support.files import replacing
from fixlip_widgets.support.templates import render


def write_page(
    path: Path,
    rows: pd.DataFrame,
    labels: Mapping[str, str],
    settings: Settings,
    skipped: Mapping[str, str],
    command: str,
) -> None:
    """Write the report as one self-contained HTML file, replacing an existing file atomically.

    Args:
        path: The file.
        rows: Scores by pair and method; see :func:`fixlip_widgets.evaluation.tables.flat`.
        labels: Method name → label, in table order.
        settings: Settings of the run.
        skipped: Skipped row → reason.
        command: The command that reproduces the results.
    """
    plots = [
        plotly.io.to_html(figure, full_html=False, include_plotlyjs=number == 0, config={"displaylogo": False})
        for number, figure in enumerate(figures(rows, labels, settings.probabilities))
    ]
    refused = rows.reindex(columns=["method", "refused"]).dropna().set_index("method")["refused"].rename(labels)
    page = render(
        "evaluation/templates/comparison.html.j2",
        n_pairs=rows["name"].nunique(),
        table=comparison(rows, labels, settings.probabilities),
        plots=plots,
        refused=refused.to_dict(),
        skipped=skipped,
        settings=settings,
        command=command,
        version=__version__,
    )
    with replacing(path) as stream:
        stream.write(page.encode())
