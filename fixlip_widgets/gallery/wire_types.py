"""Types of the gallery's traits and messages, and of a saved gallery.

``js/dev/wire_types.py`` writes them for TypeScript into ``js/src/gallery/types.ts``.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypedDict

from fixlip_widgets.pages.saved_types import SavedContents


class Column(TypedDict):
    """A column of numbers."""

    name: str
    label: str
    note: str
    """What the numbers are, in a sentence."""


class GallerySettings(TypedDict):
    """Traits that the view and Python change."""

    sort: str
    """A column of numbers, ``id``, ``caption``, or ``row`` for the order of the corpus."""
    descending: bool
    search: str
    """Text that the captions contain, whatever the case."""
    query: str
    """A condition such as ``similarity > 25 and r2 < 0.8``."""
    ranges: dict[str, Annotated[tuple[float, float], "low, high"]]
    """Ranges of columns, both ends included."""
    selected: list[str]
    """Ids of pairs."""
    opened: str
    """Id of the pair whose explanation is shown; empty for the gallery."""
    theme: str


class GalleryTraits(GallerySettings):
    """All traits of a gallery; those that are not settings are written only by the kernel."""

    title: str
    total: int
    """Number of rows, which grows while the corpus is being written."""
    expected: int | None
    """Number of rows of the finished corpus, if known."""
    complete: bool
    columns: list[Column]
    openable: list[str] | None
    """Ids of the pairs whose explanation can be opened; None for all."""
    notice: str
    """A sentence on the included and the omitted pairs, or empty."""
    error: str
    """Why the corpus can no longer be read, or empty."""


class Texts(TypedDict):
    """The texts of consecutive rows; their numbers are beside it."""

    columns: dict[str, list[str]]
    """The columns of text: ``id``, ``caption``, ``error`` and others."""
    tokens: list[list[str]]
    weakest: list[Annotated[tuple[int, int], "begin, end"] | None]
    """Where in the caption the content token with least support is, in UTF-16 code units; None if unknown."""


class RowsMessage(TypedDict):
    """Consecutive rows; the buffers are the columns of numbers, as float64, in the order of ``columns``."""

    type: Literal["rows"]
    start: int
    texts: Texts


class ThumbnailsMessage(TypedDict):
    """Thumbnails; the buffers are their bytes, empty for a picture that cannot be shown."""

    type: Literal["thumbnails"]
    rows: list[int]
    mimes: list[str]


class ExplanationMessage(TypedDict):
    """An explanation as the contents of a saved page."""

    type: Literal["explanation"]
    row: int
    saved: SavedContents


class RowsRequest(TypedDict):
    """Request for the rows from ``start`` on, at most one page of them."""

    type: Literal["rows"]
    start: int


class ThumbnailsRequest(TypedDict):
    """Request for thumbnails of rows."""

    type: Literal["thumbnails"]
    rows: list[int]


class ExplanationRequest(TypedDict):
    """Request for the explanation of a row."""

    type: Literal["explanation"]
    row: int


class SavedThumbnail(TypedDict):
    """A thumbnail with its bytes as base64."""

    mime: str
    data: str


class SavedGallery(TypedDict):
    """A gallery without a kernel."""

    format: Literal[1]
    traits: GalleryTraits
    texts: Texts
    numbers: list[str]
    """For each column its numbers as base64, float64 and little-endian."""
    thumbnails: list[SavedThumbnail | None]
    """One for each row, or None if it was left out or cannot be shown."""
    explanations: dict[str, SavedContents]
    """The explanations that the page contains, by id."""
    why: str
    """A sentence on why the other explanations cannot be shown."""
