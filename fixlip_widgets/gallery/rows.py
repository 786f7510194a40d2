"""Rows of a corpus for the view: columns of numbers and texts, and the place of the weakest token in the caption."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

NUMBERS: dict[str, tuple[str, str]] = {
    "similarity": ("similarity", "The model's similarity of image and caption, in logits."),
    "r2": ("R²", "Share of the variance over masks that the explanation predicts, on masks held out."),
    "least_support": (
        "support",
        "Sum of the significant positive interactions with the image of the content token that has the least.",
    ),
    "least_support_se": ("error of support", "Standard error of the least support."),
    "residual": ("residual", "Similarity minus the explanation's prediction, in logits."),
    "empty_similarity": ("empty similarity", "Similarity with everything removed, in logits."),
    "share_cross": ("cross-modal share", "Share of the variance that interactions of image and text explain."),
    "share_image": ("image share", "Share of the variance that main effects of the image explain."),
    "share_text": ("text share", "Share of the variance that main effects of the text explain."),
    "share_image_image": ("image–image share", "Share of the variance that interactions within the image explain."),
    "share_text_text": ("text–text share", "Share of the variance that interactions within the text explain."),
    "share_unexplained": ("unexplained share", "Share of the variance that the explanation does not explain."),
    "encodings": ("encodings", "Encodings computed for this pair."),
    "image_encodes": ("image encodings", "Image encodings behind the explanation."),
    "text_encodes": ("text encodings", "Text encodings behind the explanation."),
    "seconds": ("seconds", "The worker's time for this pair."),
    "number": ("number", "Position of the pair in its data set."),
}
"""Columns of numbers that the gallery shows, with their label and meaning; the first three are on every card."""
TEXTS = ("id", "source", "image", "caption", "error", "caution", "weakest_token")
ORDERS = ("row", "caption", "id")
"""What pairs can be sorted by besides a column of numbers."""


def columns() -> list[dict[str, str]]:
    """Return the columns of numbers in the format of :class:`fixlip_widgets.gallery.wire_types.Column`."""
    return [{"name": name, "label": label, "note": note} for name, (label, note) in NUMBERS.items()]


def numbers_of(table: pd.DataFrame) -> list[NDArray[np.float64]]:
    """Return each column of :data:`NUMBERS` as an array; NaN where it is unknown."""
    return [np.ascontiguousarray(table[name].to_numpy(dtype=np.float64, na_value=np.nan)) for name in NUMBERS]


def texts_of(table: pd.DataFrame) -> dict[str, Any]:
    """Return the texts of rows in the format of :class:`fixlip_widgets.gallery.wire_types.Texts`."""
    texts = {name: table[name].fillna("").astype(str).tolist() for name in TEXTS}
    tokens = [[] if each is None else [str(token) for token in each] for each in table["tokens"]]
    indices = table["weakest"].fillna(-1).astype(int)
    spans = [
        weakest_span(caption, of, index) for caption, of, index in zip(texts["caption"], tokens, indices, strict=True)
    ]
    return {"columns": texts, "tokens": tokens, "weakest": spans}


def weakest_span(caption: str, tokens: Sequence[str], index: int) -> list[int] | None:
    """Return where a token is in its caption as (begin, end) in UTF-16 code units; None if it cannot be found.

    Tokens are looked for in order, whatever the case, since tokenizers change case and white space.
    """
    if not 0 <= index < len(tokens):
        return None
    lower, place, begin = caption.lower(), 0, -1
    if len(lower) != len(caption):  # a few letters have a lower case of two characters
        return None
    for token in tokens[: index + 1]:
        text = token.strip().lower()
        begin = lower.find(text, place) if text else -1
        if begin >= 0:
            place = begin + len(text)
    if begin < 0:
        return None
    return [_units(caption[:begin]), _units(caption[:place])]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", errors="surrogatepass")) // 2
