"""The pairs that a gallery shows: the same rules in Python as in ``js/src/gallery/filter.ts``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from fixlip_widgets.errors import InputError
from fixlip_widgets.gallery.rows import NUMBERS, ORDERS

if TYPE_CHECKING:
    import pandas as pd

    from fixlip_widgets.corpus.corpus import Corpus

Ranges = dict[str, tuple[float, float]]


def check_sort(value: Any) -> str:
    """Return the name of a column to sort by.

    Raises:
        InputError: There is no such column.
    """
    names = (*NUMBERS, *ORDERS)
    if value not in names:
        raise InputError(f"Pairs cannot be sorted by {value!r}; choose one of {', '.join(names)}.")
    return value


def check_ranges(value: Any) -> Ranges:
    """Return ranges of columns as pairs of numbers.

    Raises:
        InputError: It is not a mapping of columns of numbers to pairs of numbers in ascending order.
    """
    if not isinstance(value, Mapping):
        raise InputError(f'Ranges are a dictionary such as {{"similarity": (20, 30)}}, not {value!r}.')
    ranges: Ranges = {}
    for name, ends in value.items():
        if name not in NUMBERS:
            raise InputError(f"There is no column of numbers {name!r}; choose one of {', '.join(NUMBERS)}.")
        ranges[name] = _ends(name, ends)
    return ranges


def _ends(name: str, ends: Any) -> tuple[float, float]:
    try:
        low, high = (float(end) for end in ends)
    except (TypeError, ValueError):
        low = high = math.nan
    if not low <= high:
        raise InputError(f"The range of {name} must be two numbers in ascending order, not {ends!r}.")
    return low, high


def filtered(corpus: Corpus, search: str, query: str, ranges: Ranges) -> Corpus:
    """Return the pairs whose caption contains ``search`` and that fulfil the query and the ranges.

    Raises:
        InputError: The query cannot be read.
    """
    found = corpus.where(query) if query.strip() else corpus
    table = found.table
    keep = np.ones(len(table), dtype=bool)
    text = search.strip().lower()
    if text:
        keep &= np.array([text in str(caption).lower() for caption in table["caption"].fillna("")], dtype=bool)
    for name, (low, high) in ranges.items():
        values = table[name].to_numpy(dtype=np.float64, na_value=np.nan)
        keep &= (values >= low) & (values <= high)
    return found if keep.all() else found.take(np.flatnonzero(keep).tolist())


def order_of(table: pd.DataFrame, sort: str, *, descending: bool) -> list[int]:
    """Return all positions in the order of a column: rows without a value are last, and ties keep their order."""
    if sort == "row":
        return list(range(len(table)))[:: -1 if descending else 1]
    if sort in NUMBERS:
        values = table[sort].to_numpy(dtype=np.float64, na_value=np.nan)
        return np.argsort(-values if descending else values, kind="stable").tolist()
    texts = table[sort].fillna("").astype(str).tolist()
    return sorted(range(len(texts)), key=lambda row: texts[row], reverse=descending)
