"""Tables of the comparison: all scores by pair and method, and means over pairs with 95 % intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow
import pyarrow.parquet

from fixlip_widgets.support.files import replacing
from fixlip_widgets.support.formatting import MINUS, counted

_NORMAL = 1.959964  # 97.5 % quantile of the normal distribution
_PAIR = ("name", "caption", "objects", "similarity", "empty_similarity", "patches", "tokens")
_WHOLE = ("image_encodes", "text_encodes", "peak_mb")
"""Scores whose means are rounded to whole numbers, without an interval."""


def flat(records: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return one row for each pair and method, with the pair's fields and all scores; curves are lists.

    The columns have the type ``object``, so that whole numbers remain whole next to missing ones.
    """
    rows = [
        {**{key: record.get(key) for key in _PAIR}, "method": name, **scores}
        for record in records
        for name, scores in record["methods"].items()
    ]
    return pd.DataFrame(rows, dtype=object)


def means(rows: pd.DataFrame, score: str, by: Sequence[str] = ("method",)) -> pd.DataFrame:
    """Return the mean of a score over the pairs of each group, and the half-width of its interval.

    Args:
        rows: See :func:`flat`.
        score: Name of the score; it may be missing.
        by: Columns that define the groups.

    Returns:
        The columns ``mean`` and ``half``, which is 1.96 s/√n. The mean is NaN if no pair has the score, the half-width
        if fewer than two have it.
    """
    groups = rows.reindex(columns=[*by, score]).astype({score: float}).groupby(list(by))[score]
    return pd.DataFrame({"mean": groups.mean(), "half": _NORMAL * groups.sem()})


def curve(rows: pd.DataFrame, method: str, which: str) -> pd.DataFrame:
    """Return ``mean`` and ``half`` (see :func:`means`) of the 51 points of the curves ``"most"`` or ``"least"``."""
    points = pd.DataFrame(rows.loc[rows["method"] == method, which].dropna().tolist(), dtype=float)
    return pd.DataFrame({"mean": points.mean(), "half": _NORMAL * points.sem()})


def comparison(rows: pd.DataFrame, labels: Mapping[str, str], probabilities: Sequence[float]) -> pd.DataFrame:
    """Return the text of the comparison: one row for each label, one column for each heading."""
    scores = {f"faithfulness, p = {p:g}": f"spearman p={p:g}" for p in probabilities}
    scores |= {"AID": "aid", "image encodings": "image_encodes", "text encodings": "text_encodes"}
    scores |= {"CPU seconds": "cpu_seconds", "peak MB": "peak_mb"}
    columns = {
        f"PGR, {counted(count, 'object')}": _text(means(rows.query("objects == @count"), "pgr"))
        for count in sorted(rows["objects"].dropna().unique())
    }
    columns |= {heading: _text(means(rows, score), score in _WHOLE) for heading, score in scores.items()}
    return pd.DataFrame(columns).reindex([*labels]).fillna("–").rename(labels)


def _text(values: pd.DataFrame, whole: bool = False) -> pd.Series:
    written = {
        name: f"{mean:,.0f}" if whole and not math.isnan(mean) else with_interval(mean, half)
        for name, mean, half in values.itertuples()
    }
    return pd.Series(written, dtype=object)


def with_interval(mean: float, half: float) -> str:
    """Format a mean as ``0.85 ± 0.01``, as ``0.85`` if its interval is unknown, or as ``–`` if it is NaN."""
    if math.isnan(mean):
        return "–"
    value = f"{round(mean, 2) + 0.0:.2f}".replace("-", MINUS)
    return value if math.isnan(half) else f"{value} ± {half:.2f}"


def markdown(table: pd.DataFrame) -> str:
    """Format the comparison as a Markdown table."""
    lines = [f"| method | {' | '.join(table.columns)} |", "|---|" + "---:|" * len(table.columns)]
    lines += [f"| {' | '.join(cells)} |" for cells in table.itertuples(name=None)]
    return "\n".join(lines)


def write_parquet(rows: pd.DataFrame, path: Path, metadata: dict[str, str]) -> None:
    """Write :func:`flat` and ``metadata`` as Parquet, replacing an existing file atomically."""
    table = pyarrow.Table.from_pandas(rows, preserve_index=False)
    with replacing(path) as stream:
        pyarrow.parquet.write_table(table.replace_schema_metadata(metadata), stream)
