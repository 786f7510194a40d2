"""The report of a comparison: one HTML file with its figures, its table, and what was left out and why."""

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
    """A row that was not used, and why."""

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
    """Write the report; an existing file is replaced whole or not at all. It asks the network for nothing."""
    drawn = figures(records, labels, settings.probabilities)
    plots = [
        plotly.io.to_html(figure, full_html=False, include_plotlyjs=number == 0, config={"displaylogo": False})
        for number, figure in enumerate(drawn)
    ]
    body = "\n".join(
        [
            element("h1", "Explanations of one game, compared"),
            _summary(records, settings, skipped, command),
            _table(records, labels, settings),
            *plots,
            _refused(records, labels),
            _left_out(skipped),
        ]
    )
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width">{element("style", _CSS)}'
    title = element("title", "Explanations compared")
    page = f'<!doctype html>\n<html lang="en"><head>{head}{title}</head><body>{body}</body></html>\n'
    with replacing(path) as stream:
        stream.write(page.encode())


def _summary(records: Sequence[Record], settings: Settings, skipped: Sequence[Skipped], command: str) -> str:
    facts = (
        f"{len(records):,} pairs of {settings.data}, {len(skipped):,} rows skipped. Model {settings.model} in "
        f"{settings.precision}, weights {settings.weights}; seed {settings.seed}; fixlip_widgets {__version__}. "
        "Every method explains the same game and is measured on the same masks: "
        f"{settings.n_masks:,} fresh ones at each p. Budgets: {settings.budget:,} evaluations (image masks × text "
        f"masks), {settings.joint_budget:,} joint masks for Shapley, {settings.steps} points of exCLIP's path. "
        "± is half of the 95 % interval over pairs. "
        "Seconds are as if each method ran alone."
    )
    return element("p", escaped(facts)) + element("pre", escaped(command))


def _table(records: Sequence[Record], labels: dict[str, str], settings: Settings) -> str:
    every = columns(records, settings.probabilities)
    head = "".join(element("th", escaped(text)) for text in ("method", *(one.heading for one in every)))
    rows = [
        element("td", escaped(label)) + "".join(element("td", escaped(str(one.of(name)))) for one in every)
        for name, label in labels.items()
    ]
    return element("table", element("tr", head) + "".join(element("tr", row) for row in rows))


def _refused(records: Sequence[Record], labels: dict[str, str]) -> str:
    """Methods that the model's kind does not allow."""
    found = {
        name: scores["refused"]
        for record in records
        for name, scores in record["methods"].items()
        if name in labels and "refused" in scores
    }
    if not found:
        return ""
    items = [element("li", escaped(f"{labels[name]}: {why}")) for name, why in found.items()]
    return element("h2", "Methods that could not explain") + element("ul", "".join(items))


def _left_out(skipped: Sequence[Skipped]) -> str:
    if not skipped:
        return ""
    items = [element("li", escaped(f"{row.name}: {row.why}")) for row in skipped]
    return element("h2", f"Rows skipped: {len(skipped):,}") + element("ul", "".join(items))
