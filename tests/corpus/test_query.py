"""Queries: a small grammar on the columns of the table; nothing is executed."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from fixlip_widgets import InputError
from fixlip_widgets.corpus.query import matches

TABLE = pd.DataFrame(
    {
        "similarity": [30.0, 20.0, np.nan],
        "r2": [0.7, 0.9, np.nan],
        "caption": ["a Dog", "a cat", "a hotdog"],
        "failed": [False, False, True],
        "tokens": [["a", "dog"], ["a", "cat"], []],
    }
)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("", [0, 1, 2]),
        ("similarity > 25 and r2 < 0.8", [0]),
        ("similarity > 25 or r2 >= .9", [0, 1]),
        ("not similarity > 25", [1, 2]),
        ("similarity != 30", [1]),
        ("20 <= similarity < 30", [1]),
        ("similarity > -1e3 and not (r2 > 0.8)", [0]),
        ("r2 * 1 < 0.8", None),
        ("failed", [2]),
        ("not failed", [0, 1]),
        ('"dog" in caption', [0, 2]),
        ("'dog' not in caption", [1]),
        ('"DOG" in tokens', [0]),
        ("caption == 'a cat'", [1]),
        ("caption < 'a cat'", [0]),
        ("similarity > r2", [0, 1]),
        ("size > 3", None),
        ("similarity", None),
        ("similarity > 'x'", None),
        ("tokens == 'a'", None),
        ("caption in 'a'", None),
        ("similarity >", None),
        ("__import__('os').getcwd() == 'x'", None),
        ("similarity.max() > 3", None),
        ("similarity is 3", None),
        ("@x > 3", None),
        ("failed == True", None),
    ],
)
def test_a_query_selects_rows_or_is_refused(query: str, rows: list[int] | None) -> None:
    if rows is None:
        with pytest.raises(InputError, match="similarity, r2, caption, failed, tokens"):
            matches(TABLE, query)
    else:
        assert matches(TABLE, query).nonzero()[0].tolist() == rows
