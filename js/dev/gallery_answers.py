"""Write what Python answers to queries, filters and orders of a small table, which the front end's tests compare.

python js/dev/gallery_answers.py

The output, js/tests/gallery/answers.json, is part of the repository; a test compares it with what Python answers now.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from fixlip_widgets.corpus.query import matches  # noqa: E402
from fixlip_widgets.errors import InputError  # noqa: E402
from fixlip_widgets.gallery.filters import order_of  # noqa: E402
from fixlip_widgets.gallery.rows import NUMBERS, TEXTS, texts_of  # noqa: E402

TARGET = ROOT / "js" / "tests" / "gallery" / "answers.json"
CAPTIONS = ("a dog next to a banana", "A Cat", "", "a dog", 'it is a "bird"', "a Dog and a cat")
QUERIES = (
    "",
    "   ",
    "similarity > 20",
    "similarity > 20 and r2 < 0.8",
    "similarity > 20 or r2 < 0.8 and not failed",
    "not similarity > 20",
    "not not failed",
    "(similarity > 20 or failed) and r2 <= 1",
    "0.2 < r2 <= 0.8",
    "r2 != 0.5",
    "r2 == 0.5",
    "similarity > -1.5e1",
    "residual >= -.5",
    "similarity > least_support",
    '"dog" in caption',
    '"DOG" not in caption',
    'not "dog" in caption',
    "'dog' in tokens",
    '"do" in tokens',
    'caption == "a dog"',
    'caption != "a dog"',
    'caption < "a"',
    'weakest_token == "dog" or error == ""',
    '"picture" in error',
    "failed",
    "20 < similarity",
)
REFUSED = (
    "similarity",
    "similarity >",
    "beauty > 3",
    'similarity > "20"',
    "caption > 3",
    "similarity = 3",
    "similarity > 3 r2 < 1",
    "(similarity > 3",
    '"dog" in similarity',
    "similarity in caption",
    "and",
    "__import__('os')",
    "similarity + 1 > 3",
    '"dog"',
    "3",
)


def table() -> pd.DataFrame:
    """Return six rows, one of which failed, with missing numbers, ties and texts of any case."""
    rng = np.random.default_rng(0)
    rows: dict[str, Any] = {name: np.round(rng.normal(10, 10, size=6), 3) for name in NUMBERS}
    rows["r2"] = np.array([0.5, 0.8, np.nan, 0.2, 0.9, 0.5])
    rows["similarity"] = np.array([25.0, 20.0, np.nan, 19.5, 30.25, 25.0])
    rows.update({name: [""] * 6 for name in TEXTS})
    rows["id"] = [f"row {row}" for row in (3, 10, 2, 1, 30, 4)]
    rows["caption"] = list(CAPTIONS)
    rows["error"] = ["", "", "The picture is damaged.", "", "", ""]
    rows["failed"] = [False, False, True, False, False, False]
    rows["tokens"] = [caption.split() for caption in CAPTIONS]
    rows["weakest"] = [1, 1, -1, 1, 2, 4]
    rows["weakest_token"] = ["dog", "Cat", "", "dog", '"bird"', "cat"]
    return pd.DataFrame(rows)


def refusal(rows: pd.DataFrame, query: str) -> str:
    """Return why Python refuses a query."""
    try:
        matches(rows, query)
    except InputError as error:
        return str(error)
    raise AssertionError(f"{query} is not refused.")


def text() -> str:
    """Return the contents of answers.json."""
    rows = table()
    return json.dumps(
        {
            "texts": texts_of(rows),
            "numbers": {
                name: [None if np.isnan(value) else value for value in rows[name].astype(float)] for name in NUMBERS
            },
            "queries": {query: matches(rows, query).nonzero()[0].tolist() for query in QUERIES},
            "refused": [query for query in REFUSED if refusal(rows, query)],
            "orders": {
                f"{name} {descending}": order_of(rows, name, descending=descending)
                for name in ("r2", "similarity", "caption", "id", "row")
                for descending in (False, True)
            },
        },
        ensure_ascii=False,
        indent=1,
    )


if __name__ == "__main__":
    TARGET.write_text(text() + "\n", encoding="utf-8")
