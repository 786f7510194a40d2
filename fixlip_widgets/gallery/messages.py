"""The kernel's answers to a gallery's view: pages of rows, thumbnails and explanations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fixlip_widgets.errors import InputError
from fixlip_widgets.gallery.rows import numbers_of, texts_of
from fixlip_widgets.pages.recording import Recording
from fixlip_widgets.pages.saved_page import saved

if TYPE_CHECKING:
    from fixlip_widgets.corpus.corpus import Corpus

PAGE = 2000
"""Rows of a message."""
MOST_THUMBNAILS = 400
MIME = "image/webp"
WHY = "This explanation comes from a corpus, without its model: explain the pair by itself to compute something new."
Answer = tuple[dict[str, Any], list[bytes]]


class Answers:
    """Answers from a corpus, in the messages of :mod:`fixlip_widgets.gallery.wire_types`."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus

    def answer(self, request: Any, total: int) -> Answer:
        """Answer a request of the view.

        Args:
            request: The message.
            total: Number of rows that the view may ask for.

        Raises:
            InputError: The request is unknown or names rows that do not exist, or a pair has no explanation.
        """
        match request:
            case {"type": "rows", "start": int(start)}:
                return self.rows(start, total)
            case {"type": "thumbnails", "rows": list(rows)}:
                return self.thumbnails([_check_row(row, total) for row in rows[:MOST_THUMBNAILS]])
            case {"type": "explanation", "row": int(row)}:
                return self.explanation(_check_row(row, total)), []
            case _:
                raise InputError(f"The gallery has no answer to {str(request)[:80]!r}.")

    def rows(self, start: int, stop: int) -> Answer:
        """Return one page of rows from ``start`` on, with the columns of numbers as buffers."""
        table = self._corpus.table.iloc[max(start, 0) : min(start + PAGE, stop)]
        message = {"type": "rows", "start": start, "texts": texts_of(table)}
        return message, [column.astype("<f8").tobytes() for column in numbers_of(table)]

    def thumbnails(self, rows: list[int]) -> Answer:
        """Return thumbnails as buffers, empty for pictures that cannot be shown."""
        pictures = [self._corpus.thumbnail(row) or b"" for row in rows]
        return {"type": "thumbnails", "rows": rows, "mimes": [MIME] * len(rows)}, pictures

    def explanation(self, row: int) -> dict[str, Any]:
        """Return an explanation as the contents of a live page."""
        return {"type": "explanation", "row": row, "saved": explanation_page(self._corpus, row)}


def explanation_page(corpus: Corpus, row: int) -> dict[str, Any]:
    """Return the contents of a live page with the explanation of a row.

    Raises:
        InputError: The pair could not be explained.
    """
    return {**saved(Recording.of(corpus[row])), "why": WHY}


def _check_row(row: Any, total: int) -> int:
    if not (isinstance(row, int) and 0 <= row < total):
        raise InputError(f"The gallery has no row {row!r}; it has {total:,}.")
    return row
