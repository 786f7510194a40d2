"""Report of a comparison: one HTML file with the table, the figures and the skipped rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import plotly.io

from fixlip_widgets._version import __version__
from fixlip_widgets.evaluation.figures import figures
from fixlip_widgets.evaluation.records import Settings
from fixlip_widgets.evaluation.tables import Record, columns
from fixlip_widgets.support.files import replacing
from fixlip_widgets.support.templates import render


@dataclass(frozen=True)
class Skipped:
    """A skipped row, and the reason."""

    name: str
    why: str


def write_page(
    path: Path,
    records: Sequence[Record],
    labels: dict[str, str],
    settings: Settings,
    skipped: Sequence[Skipped],
    command: str,
) -> None:
    """Write the report as one self-contained HTML file, replacing an existing file atomically."""
    plots = [
        plotly.io.to_html(figure, full_html=False, include_plotlyjs=number == 0, config={"displaylogo": False})
        for number, figure in enumerate(figures(records, labels, settings.probabilities))
    ]
    refused = {
        name: scores["refused"]
        for record in records
        for name, scores in record["methods"].items()
        if name in labels and "refused" in scores
    }
    page = render(
        "evaluation/templates/comparison.html.j2",
        n_pairs=len(records),
        labels=labels,
        columns=columns(records, settings.probabilities),
        plots=plots,
        refused=refused,
        skipped=skipped,
        settings=settings,
        command=command,
        version=__version__,
    )
    with replacing(path) as stream:
        stream.write(page.encode())
