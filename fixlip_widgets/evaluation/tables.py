"""Tables of the comparison: means over pairs with 95 % intervals, and the flat table for Parquet."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.errors import FixlipError
from fixlip_widgets.support.files import replacing
from fixlip_widgets.support.formatting import MINUS

Record = dict[str, Any]
Floats = NDArray[np.float64]
_NORMAL = 1.959964  # 97.5 % quantile of the normal distribution
_CURVES = ("most", "least")


@dataclass(frozen=True)
class Mean:
    """A mean over pairs.

    Attributes:
        value: The mean; NaN if no pair has the score.
        half: Half-width of the 95 % interval, ``1.96 s/√n``; NaN for fewer than two pairs.
        n: Number of pairs that have the score.
    """

    value: float
    half: float
    n: int

    def __str__(self) -> str:
        if self.n == 0:
            return "–"
        value = f"{round(self.value, 2) + 0.0:.2f}".replace("-", MINUS)
        return value if math.isnan(self.half) else f"{value} ± {self.half:.2f}"


def mean(values: Sequence[float | None]) -> Mean:
    """Return the mean of the finite values over pairs, with its normal 95 % interval."""
    finite = np.array([value for value in values if value is not None and math.isfinite(value)], dtype=np.float64)
    if not len(finite):
        return Mean(math.nan, math.nan, 0)
    half = _NORMAL * float(finite.std(ddof=1)) / math.sqrt(len(finite)) if len(finite) > 1 else math.nan
    return Mean(float(finite.mean()), half, len(finite))


def scores(records: Sequence[Record], method: str, score: str, objects: int | None = None) -> list[float | None]:
    """Return one method's score for every pair that it explained, or for those with ``objects`` objects."""
    return [
        record["methods"][method].get(score)
        for record in records
        if method in record["methods"] and (objects is None or record["objects"] == objects)
    ]


def curve(records: Sequence[Record], method: str, which: str) -> tuple[Floats, Floats]:
    """Return the mean (51,) of the curves ``"most"`` or ``"least"``, and the half-width (51,) of its 95 % intervals."""
    curves = [values for values in scores(records, method, which) if values is not None]
    if not curves:
        return np.empty(0), np.empty(0)
    stacked = np.array(curves, dtype=np.float64)
    spread = stacked.std(axis=0, ddof=1) if len(stacked) > 1 else np.full(stacked.shape[1], np.nan)
    return stacked.mean(axis=0), _NORMAL * spread / math.sqrt(len(stacked))


def object_counts(records: Sequence[Record]) -> list[int]:
    """Return the known numbers of objects among the pairs, in ascending order."""
    return sorted({record["objects"] for record in records if record["objects"] is not None})


@dataclass(frozen=True)
class Column:
    """One column of the table: its heading, and a function from a method's name to its mean."""

    heading: str
    of: Callable[[str], Mean]


def columns(records: Sequence[Record], probabilities: Sequence[float]) -> list[Column]:
    """Return the columns of the comparison from left to right: pointing, faithfulness, area, cost."""

    def column(heading: str, score: str, objects: int | None = None) -> Column:
        return Column(heading, lambda method: mean(scores(records, method, score, objects)))

    return [
        *(column(f"PGR, {count} object{'s' * (count > 1)}", "pgr", count) for count in object_counts(records)),
        *(column(f"faithfulness, p = {p:g}", f"spearman p={p:g}") for p in probabilities),
        column("AID", "aid"),
        column("image encodings", "image_encodes"),
        column("text encodings", "text_encodes"),
        column("CPU seconds", "cpu_seconds"),
        column("peak MB", "peak_mb"),
    ]


def markdown(records: Sequence[Record], labels: dict[str, str], probabilities: Sequence[float]) -> str:
    """Format the comparison as a Markdown table with one row per method."""
    shown = columns(records, probabilities)
    lines = [f"| method | {' | '.join(one.heading for one in shown)} |", "|---|" + "---:|" * len(shown)]
    lines += [f"| {label} | {' | '.join(_cell(one, name) for one in shown)} |" for name, label in labels.items()]
    return "\n".join(lines)


def _cell(column: Column, method: str) -> str:
    average = column.of(method)
    if "encodings" in column.heading or column.heading == "peak MB":
        return f"{average.value:,.0f}" if average.n else "–"
    return str(average)


# -- the flat table --------------------------------------------------------------------------------------------------


def flat(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return one row for each pair and method, with the pair's fields and all scores; curves are lists."""
    pair_fields = ("name", "caption", "objects", "similarity", "empty_similarity", "patches", "tokens")
    return [
        {**{key: record[key] for key in pair_fields}, "method": name, **results}
        for record in records
        for name, results in record["methods"].items()
    ]


def write_parquet(records: Sequence[Record], path: Path, metadata: dict[str, str]) -> None:
    """Write :func:`flat` and ``metadata`` as Parquet, replacing an existing file atomically.

    Raises:
        FixlipError: pyarrow is not installed.
    """
    pyarrow, parquet = _pyarrow()
    rows = flat(records)
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = pyarrow.table({name: pyarrow.array([row.get(name) for row in rows]) for name in names})
    with replacing(path) as stream:
        parquet.write_table(table.replace_schema_metadata(metadata), stream)


def check_parquet() -> None:
    """Fail before the work, not after it, if pyarrow is missing.

    Raises:
        FixlipError: pyarrow is not installed.
    """
    _pyarrow()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise FixlipError(
            "Results are written as Parquet, which needs pyarrow: pip install 'fixlip-widgets[evaluate]'."
        ) from error
    return pyarrow, pyarrow.parquet
