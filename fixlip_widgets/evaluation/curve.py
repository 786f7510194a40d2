"""Scores against the number of encodings, for methods measured at several numbers of masks: a table and a figure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

import numpy as np
import pandas as pd

from fixlip_widgets.evaluation.contestants import Contestant
from fixlip_widgets.evaluation.figures import COLOURS
from fixlip_widgets.evaluation.tables import means, with_interval
from fixlip_widgets.support.templates import render

_WIDTH, _HEIGHT = 300.0, 240.0
"""Size of the plotting area of a panel."""
_LEFT, _TOP, _GAP = 46.0, 34.0, 60.0
_MARKS = 4
"""Least number of horizontal lines of a panel."""


@dataclass(frozen=True)
class Point:
    """The mean score of a method at one number of masks.

    Attributes:
        encodings: Mean number of image encodings.
        mean: Mean score.
        half: Half-width of the 95 % interval of the mean; NaN for a single pair.
        pairs: Number of pairs with a score.
    """

    encodings: float
    mean: float
    half: float
    pairs: int


def scores_of(probabilities: Sequence[float]) -> dict[str, str]:
    """Return the scores that are drawn and their labels: AID, PGR, and faithfulness at 0.5 or else at the first p."""
    p = 0.5 if 0.5 in probabilities else probabilities[0]
    return {"aid": "AID", f"spearman p={p:g}": f"faithfulness, p = {p:g}", "pgr": "PGR"}


def points(rows: pd.DataFrame, methods: Sequence[Contestant], score: str) -> dict[str, list[Point]]:
    """Return the points of each family of methods, in order of the number of masks; see :func:`.tables.flat`."""
    values, costs = _means(rows, score), _means(rows, "image_encodes")
    counts = Counter(rows.reindex(columns=["method", score]).dropna()["method"].tolist())
    found: dict[str, list[Point]] = {}
    for method in methods:
        name = method.name
        if counts[name]:
            found.setdefault(method.family, []).append(Point(costs[name][0], *values[name], counts[name]))
    return found


def curve_table(rows: pd.DataFrame, methods: Sequence[Contestant], probabilities: Sequence[float]) -> str:
    """Return a Markdown table with one line for each method and number of masks."""
    scores = scores_of(probabilities)
    found = {score: points(rows, methods, score) for score in scores}
    lines = [
        f"| method | image encodings | text encodings | pairs | {' | '.join(scores.values())} |",
        "|---|" + "---:|" * (3 + len(scores)),
    ]
    texts = _means(rows, "text_encodes")
    seen: dict[str, int] = {}
    for method in methods:
        if method.name not in texts:
            continue
        at = seen[method.family] = seen.get(method.family, -1) + 1
        each = [found[score].get(method.family, []) for score in scores]
        cells = [with_interval(part[at].mean, part[at].half) if at < len(part) else "–" for part in each]
        first = next(part[at] for part in each if at < len(part))
        costs = f"{first.encodings:,.0f} | {texts[method.name][0]:,.0f} | {first.pairs}"
        lines.append(f"| {family_label(method)} | {costs} | {' | '.join(cells)} |")
    return "\n".join(lines)


def family_label(method: Contestant) -> str:
    """Return a method's label without its number of masks."""
    return method.label.removesuffix(f", {method.image_masks:,} masks") if method.image_masks else method.label


def curve_svg(rows: pd.DataFrame, methods: Sequence[Contestant], probabilities: Sequence[float]) -> str:
    """Return a figure with a panel for each score, as SVG: means and 95 % intervals against image encodings."""
    labels = {method.family: family_label(method) for method in methods}
    colours: dict[str, str] = dict(zip(labels, islice(cycle(COLOURS), len(labels)), strict=True))
    found = {title: points(rows, methods, score) for score, title in scores_of(probabilities).items()}
    panels = [
        _panel(title, lines, colours, _LEFT + number * (_WIDTH + _GAP))
        for number, (title, lines) in enumerate(found.items())
        if lines
    ]
    drawn = [family for family in labels if any(family in lines for lines in found.values())]
    return render(
        "evaluation/templates/curve.svg.j2",
        panels=panels,
        legend=[(labels[family], colours[family], index) for index, family in enumerate(drawn)],
        width=_LEFT + len(panels) * (_WIDTH + _GAP),
        top=_TOP,
        bottom=_TOP + _HEIGHT,
        columns=4,
    )


def _panel(title: str, found: dict[str, list[Point]], colours: dict[str, str], left: float) -> dict[str, object]:
    every = [point for line in found.values() for point in line]
    low, high = (1.08 * end([0.0, *(point.mean for point in every)]) for end in (min, max))
    least, most = 0.0, math.log2(max([2.0, *(point.encodings for point in every)])) + 0.5

    def x(encodings: float) -> float:
        return left + (math.log2(max(encodings, 1.0)) - least) / (most - least) * _WIDTH

    def y(value: float) -> float:
        return _TOP + (high - value) / (high - low) * _HEIGHT

    step = _step((high - low) / _MARKS)
    ticks = np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step
    lines: list[dict[str, object]] = []
    for family, line in found.items():
        bars = [(x(p.encodings), y(p.mean - p.half), y(p.mean + p.half)) for p in line if not math.isnan(p.half)]
        places = [(x(point.encodings), y(point.mean)) for point in line]
        free = all(point.encodings == 0 for point in line)  # costs nothing: a level, not a point
        lines.append(
            {"colour": colours[family], "places": places, "bars": bars, "level": places[0][1] if free else None}
        )
    return {
        "title": title,
        "left": left,
        "right": left + _WIDTH,
        "lines": lines,
        "ticks": [(f"{tick:.2g}".replace("-", "−"), y(tick)) for tick in ticks],
        "powers": [(f"{4**power:,}", x(4**power)) for power in range(int(most / 2) + 1)],
    }


def _means(rows: pd.DataFrame, score: str) -> dict[str, tuple[float, float]]:
    """Return the mean of each method and the half-width of its interval."""
    return {name: (mean, half) for name, mean, half in means(rows, score).itertuples()}


def _step(least: float) -> float:
    """Return the smallest of 1, 2 or 5 times a power of ten that is at least half of ``least``."""
    scale = 10.0 ** math.floor(math.log10(least))
    return next(scale * part for part in (0.5, 1.0, 2.0, 5.0) if scale * part >= least / 2)
