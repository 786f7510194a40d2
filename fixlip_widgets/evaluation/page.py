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
from fixlip_widgets.support.markup import element, escaped

_CSS = (
    "body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem}"
    "body{color:#1f2328;background:#fff}"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;display:block;overflow-x:auto}"
    "th,td{padding:.3rem .6rem;border-bottom:1px solid #d8dee4;text-align:right;white-space:nowrap}"
    "th:first-child,td:first-child{text-align:left}"
)


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
    plots = figures(records, labels, settings.probabilities)
    blocks = [
        plotly.io.to_html(figure, full_html=False, include_plotlyjs=number == 0, config={"displaylogo": False})
        for number, figure in enumerate(plots)
    ]
    body = "\n".join(
        [
            element("h1", "Comparison of explanations"),
            _summary(records, settings, skipped, command),
            _table(records, labels, settings),
            *blocks,
            _refused(records, labels),
            _skipped_rows(skipped),
        ]
    )
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">{element("style", _CSS)}'
    title = element("title", "Comparison of explanations")
    page = f'<!doctype html>\n<html lang="en"><head>{head}{title}</head><body>{body}</body></html>\n'
    with replacing(path) as stream:
        stream.write(page.encode())


def _summary(records: Sequence[Record], settings: Settings, skipped: Sequence[Skipped], command: str) -> str:
    facts = (
        f"{len(records):,} pairs of {settings.data}, {len(skipped):,} rows skipped. Model {settings.model} in "
        f"{settings.precision}, weights {settings.weights}; seed {settings.seed}; fixlip_widgets {__version__}. "
        "Every method explains the same game and is measured on the same masks, "
        f"{settings.n_masks:,} new ones at each p. Budgets: {settings.budget:,} evaluations (image masks × text "
        f"masks), {settings.joint_budget:,} joint masks for Shapley, {settings.steps} points on exCLIP's path. "
        "± is the half-width of the 95 % interval over pairs. "
        "Times are those of each method run alone."
    )
    return element("p", escaped(facts)) + element("pre", escaped(command))


def _table(records: Sequence[Record], labels: dict[str, str], settings: Settings) -> str:
    shown = columns(records, settings.probabilities)
    head = "".join(element("th", escaped(text)) for text in ("method", *(one.heading for one in shown)))
    rows = [
        element("td", escaped(label)) + "".join(element("td", escaped(str(one.of(name)))) for one in shown)
        for name, label in labels.items()
    ]
    return element("table", element("tr", head) + "".join(element("tr", row) for row in rows))


def _refused(records: Sequence[Record], labels: dict[str, str]) -> str:
    """List the methods that failed on this model, with the reasons."""
    reasons = {
        name: scores["refused"]
        for record in records
        for name, scores in record["methods"].items()
        if name in labels and "refused" in scores
    }
    if not reasons:
        return ""
    items = [element("li", escaped(f"{labels[name]}: {why}")) for name, why in reasons.items()]
    return element("h2", "Methods that cannot explain this model") + element("ul", "".join(items))


def _skipped_rows(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return ""
    items = [element("li", escaped(f"{row.name}: {row.why}")) for row in skipped]
    return element("h2", f"Rows skipped: {len(skipped):,}") + element("ul", "".join(items))
