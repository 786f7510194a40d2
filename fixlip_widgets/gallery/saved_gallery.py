"""A gallery without a kernel: its rows, as many thumbnails as fit, and the explanations of some pairs."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fixlip_widgets.errors import InputError
from fixlip_widgets.gallery.chosen_pairs import choose_pairs
from fixlip_widgets.gallery.messages import MIME, explanation_page
from fixlip_widgets.gallery.rows import columns, numbers_of, texts_of
from fixlip_widgets.support.formatting import counted

if TYPE_CHECKING:
    from fixlip_widgets.corpus.corpus import Corpus

FORMAT = 1
_WHY = "This page explains {some}, and this pair is not among them. Open the corpus in a notebook:"
_DEFAULTS = {
    "sort": "least_support",
    "descending": False,
    "search": "",
    "query": "",
    "ranges": {},
    "theme": "auto",
}
_FOR_THUMBNAILS = 0.3
"""Share of the size that explanations leave for thumbnails."""


def contents(
    corpus: Corpus,
    pairs: int | Sequence[str],
    *,
    settings: dict[str, Any] | None = None,
    max_megabytes: float = 20.0,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the contents of a page as :class:`fixlip_widgets.gallery.wire_types.SavedGallery`.

    Every row is kept, whatever its size; explanations and thumbnails are left out where they exceed the size.

    Args:
        corpus: The corpus.
        pairs: Ids of the pairs to explain, or their number; see :func:`choose_pairs`.
        settings: Settings of the gallery that replace the defaults.
        max_megabytes: Largest size in millions of bytes.
        seed: Seed of the random pairs.

    Raises:
        InputError: The corpus is empty, the size is not positive, or the pairs are invalid.
    """
    if not len(corpus):
        raise InputError("The corpus has no pair yet; write the gallery when some are explained.")
    if not max_megabytes > 0:
        raise InputError(f"max_megabytes must be positive, not {max_megabytes}.")
    table = corpus.table
    texts = texts_of(table)
    numbers = [base64.b64encode(column.astype("<f8").tobytes()).decode("ascii") for column in numbers_of(table)]
    room = int(1e6 * max_megabytes) - len(json.dumps(texts)) - sum(map(len, numbers))
    rows, sentence = choose_pairs(corpus, pairs, seed)
    explained, room = _explanations(corpus, rows, room)
    thumbnails = _thumbnails(corpus, room)
    kept = {**_DEFAULTS, **(settings or {})}
    return {
        "format": FORMAT,
        "traits": {
            **{name: kept[name] for name in _DEFAULTS},
            "selected": [],
            "opened": "",
            "title": corpus.folder.name,
            "total": len(table),
            "expected": corpus.expected if not corpus.complete else None,
            "complete": True,  # nothing will be added to the page
            "columns": columns(),
            "openable": [*explained],
            "notice": _notice(corpus, sentence, len(rows), len(explained), thumbnails, max_megabytes),
            "error": "",
        },
        "texts": texts,
        "numbers": numbers,
        "thumbnails": thumbnails,
        "explanations": explained,
        "why": f'{_WHY.format(some=counted(len(explained), "pair"))} fx.Corpus("{corpus.folder}")["…"].',
    }


def _explanations(corpus: Corpus, rows: list[int], room: int) -> tuple[dict[str, Any], int]:
    """Return the explanations that fit beside thumbnails, by id, and the room that is left."""
    least = int(_FOR_THUMBNAILS * max(room, 0))
    ids = corpus.table["id"]
    explained: dict[str, Any] = {}
    for row in rows:
        page = explanation_page(corpus, row)
        size = len(json.dumps(page))
        if room - size < least:
            break
        room -= size
        explained[str(ids.iloc[row])] = page
    return explained, room


def _thumbnails(corpus: Corpus, room: int) -> list[dict[str, str] | None]:
    """Return one thumbnail for each row, None where there is no picture or no room."""
    thumbnails: list[dict[str, str] | None] = []
    for row in range(len(corpus)):
        picture = corpus.thumbnail(row) if room > 0 else None
        data = base64.b64encode(picture or b"").decode("ascii")
        room -= len(data) + 50
        thumbnails.append({"mime": MIME, "data": data} if data and room > 0 else None)
    return thumbnails


def _notice(
    corpus: Corpus, sentence: str, wanted: int, given: int, thumbnails: list[dict[str, str] | None], limit: float
) -> str:
    """Return a sentence on which explanations there are, and on what was left out."""
    missing = [row for row, thumbnail in enumerate(thumbnails) if thumbnail is None]
    cut = len(thumbnails) - missing[0] if missing and missing[-1] == len(thumbnails) - 1 else 0
    left_out = [f"{wanted - given:,} of the explanations"] if given < wanted else []
    # a picture that cannot be read is missing in the corpus as well
    if cut and any(corpus.thumbnail(row) for row in missing[-cut:][:50]):
        left_out.append(f"the pictures of the last {counted(cut, 'pair')}" if cut < len(thumbnails) else "all pictures")
    if not left_out:
        return sentence
    return f"{sentence} To keep it below {limit:g} MB, {' and '.join(left_out)} were left out."
