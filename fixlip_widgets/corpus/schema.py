"""The columns of a corpus, and the conversion of explanations to rows and back.

Numbers of the explanation are float32, which keeps seven digits; key figures are float64. Symmetric blocks are stored
as their upper triangle.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from fixlip_widgets.corpus.function_words import weakest
from fixlip_widgets.corpus.pictures import pixels_of, webp
from fixlip_widgets.errors import FixlipError
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.explanation.shares import shares
from fixlip_widgets.explanation.token_support import token_support

Row = dict[str, Any]
Floats = NDArray[np.float64]
SHARES = ("image", "text", "image_image", "text_text", "cross")
_FLOATS = pa.list_(pa.float32())
_IDENTITY = {
    "id": pa.string(),
    "source": pa.string(),
    "number": pa.int64(),
    "image": pa.string(),
    "caption": pa.string(),
    "failed": pa.bool_(),
    "error": pa.string(),
    "caution": pa.string(),
}
_NUMBERS = {
    **dict.fromkeys(("similarity", "empty_similarity", "residual", "r2"), pa.float64()),
    **{f"share_{name}": pa.float64() for name in (*SHARES, "unexplained")},
    "tokens": pa.list_(pa.string()),
    "support": _FLOATS,
    "support_se": _FLOATS,
    "weakest": pa.int32(),
    "weakest_token": pa.string(),
    "least_support": pa.float64(),
    "least_support_se": pa.float64(),
    **dict.fromkeys(("image_encodes", "text_encodes", "encodings"), pa.int64()),
    "seconds": pa.float64(),
}
TABLE = (*_IDENTITY, *_NUMBERS)
"""Columns of :attr:`fixlip_widgets.Corpus.table`; the others are read for single rows."""
PICTURES = ("thumbnail", "picture")
_FIT = ("baseline", "baseline_se", "spearman", "r2_held_out", "r2_in_sample", "effective_image_masks", "ridge")
_BLOCKS = ("cross", "text_text", "image_image")


def schema(n_image: int | None) -> pa.Schema:
    """Return the Arrow schema; ``n_image`` is the number of image players, or None if it varies."""
    of_image = pa.list_(pa.float32(), -1 if n_image is None else n_image)
    columns = {
        **_IDENTITY,
        **_NUMBERS,
        "thumbnail": pa.binary(),
        "picture": pa.binary(),
        "blank": pa.binary(),
        "grid": pa.list_(pa.int32(), 2),
        "regions": pa.list_(pa.list_(pa.uint16())),
        **dict.fromkeys(_FIT, pa.float64()),
        "budget": pa.int64(),
        "identified": pa.list_(pa.bool_(), len(_BLOCKS)),
        "conservative_errors": pa.bool_(),
        "main": _FLOATS,
        "main_se": _FLOATS,
        "cross": pa.list_(of_image),
        "cross_se": pa.list_(of_image),
        **dict.fromkeys(("image_image", "image_image_se", "text_text", "text_text_se"), _FLOATS),
    }
    return pa.schema([pa.field(name, kind) for name, kind in columns.items()])


def table_of(rows: Sequence[Row], n_image: int | None) -> pa.Table:
    """Return ``rows`` as an Arrow table; missing columns are null."""
    described = schema(n_image)
    columns = [pa.array([row.get(field.name) for row in rows], type=field.type) for field in described]
    return pa.Table.from_arrays(columns, schema=described)


def explained(explanation: Explanation) -> Row:
    """Return the columns that describe an explanation; pictures as WebP."""
    return {**_figures(explanation), **_support(explanation), **_arrays(explanation)}


def _figures(explanation: Explanation) -> Row:
    parts = shares(explanation)
    r2 = explanation.r2_in_sample if explanation.r2 is None else explanation.r2
    return {
        "similarity": explanation.similarity,
        "empty_similarity": explanation.empty_similarity,
        "residual": explanation.residual,
        "r2": _number(r2),
        **{f"share_{name}": parts[name] for name in SHARES},
        "share_unexplained": 1 - parts.explained,
        "image_encodes": explanation.image_encodes,
        "text_encodes": explanation.text_encodes,
        **{name: _number(getattr(explanation, name, None)) for name in _FIT},
        "r2_held_out": _number(explanation.r2),
        "budget": explanation.budget,
        "identified": [explanation.identified[block] for block in _BLOCKS],
        "conservative_errors": explanation.conservative_errors,
    }


def _support(explanation: Explanation) -> Row:
    values, errors = token_support(explanation)
    least = weakest(explanation.tokens, values.tolist())
    row: Row = {"tokens": list(explanation.tokens), "support": values.tolist(), "support_se": errors.tolist()}
    row |= {"weakest": least, "weakest_token": "" if least < 0 else explanation.tokens[least]}
    if least >= 0:
        row |= {"least_support": float(values[least]), "least_support_se": _number(float(errors[least]))}
    return row


def _arrays(explanation: Explanation) -> Row:
    n_image, regions = explanation.n_image, explanation.regions
    image, text = slice(0, n_image), slice(n_image, None)
    row: Row = {
        "grid": list(explanation.grid),
        "regions": None if regions is None else regions.tolist(),
        "main": explanation.main.astype(np.float32),
        "main_se": None if explanation.main_se is None else explanation.main_se.astype(np.float32),
        "blank": None if explanation.blank is None else webp(explanation.blank, quality=100),
    }
    for ending, pairs in (("", explanation.interactions), ("_se", explanation.interactions_se)):
        if pairs is None:
            continue
        row[f"cross{ending}"] = pairs[text, image].astype(np.float32).tolist()
        row[f"image_image{ending}"] = _triangle(pairs[image, image])
        row[f"text_text{ending}"] = _triangle(pairs[text, text])
    return row


def explanation_of(row: Mapping[str, Any], settings: Mapping[str, Any], model: Mapping[str, str]) -> Explanation:
    """Return the explanation of a row, with its picture; ``settings`` and ``model`` are those of the corpus.

    Raises:
        FixlipError: The pair was not explained.
    """
    if row["failed"]:
        raise FixlipError(f"There is no explanation of {row['id']}: {row['error']}")
    tokens, grid = tuple(row["tokens"]), tuple(row["grid"])
    n_image = grid[0] * grid[1]
    regions = None if row["regions"] is None else np.array(row["regions"])
    return Explanation(
        baseline=row["baseline"],
        main=np.array(row["main"]),
        main_se=_or_none(row["main_se"]),
        interactions=_matrix(row, "", n_image, len(tokens)),
        interactions_se=None if row["cross_se"] is None else _matrix(row, "_se", n_image, len(tokens)),
        baseline_se=_or_nan(row["baseline_se"]),
        tokens=tokens,
        grid=grid,
        regions=regions,
        caption=row["caption"],
        words=settings["words"],
        masking=settings["masking"],
        masks=settings["masks"],
        p=settings["p"],
        seed=settings["seed"],
        similarity=row["similarity"],
        empty_similarity=row["empty_similarity"],
        budget=row["budget"],
        image_encodes=row["image_encodes"],
        text_encodes=row["text_encodes"],
        effective_image_masks=_or_nan(row["effective_image_masks"]),
        r2=row["r2_held_out"],
        r2_in_sample=row["r2_in_sample"],
        spearman=row["spearman"],
        ridge=row["ridge"],
        identified=dict(zip(_BLOCKS, row["identified"], strict=True)),
        conservative_errors=row["conservative_errors"],
        image=pixels_of(row["picture"]),
        blank=None if row["blank"] is None else pixels_of(row["blank"]),
        model={name: model[name] for name in ("name", "pretrained", "weights", "tokenizer")},
    )


def _matrix(row: Mapping[str, Any], ending: str, n_image: int, n_text: int) -> Floats:
    pairs = np.zeros((n_image + n_text, n_image + n_text))
    for block, start, n in (("image_image", 0, n_image), ("text_text", n_image, n_text)):
        first, second = np.triu_indices(n, 1)
        pairs[start + first, start + second] = row[block + ending]
    pairs[:n_image, n_image:] = np.array(row[f"cross{ending}"], dtype=np.float64).reshape(n_text, n_image).T
    return pairs + pairs.T


def _triangle(pairs: Floats) -> NDArray[np.float32]:
    return pairs[np.triu_indices(len(pairs), 1)].astype(np.float32)


def _number(value: float | None) -> float | None:
    """Return None for an unknown value."""
    return None if value is None or math.isnan(value) else float(value)


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _or_none(values: Any) -> Floats | None:
    return None if values is None else np.array(values)
