"""Types of a saved page's contents; ``js/dev/wire_types.py`` translates them to ``js/src/offline/saved-types.ts``."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

from fixlip_widgets.pages.wire_types import ConvergencePoint, Examples, Facts, Measured, Regions, Subset


class Packed(TypedDict):
    """An array as base64, little-endian."""

    packed: Literal["f4", "f2"]
    """Floats of four or of two bytes."""
    upper: bool
    """Whether the data are the elements above the diagonal of a symmetric matrix with zero diagonal, row by row."""
    shape: list[int]
    data: str


class Places(TypedDict):
    """Places of a force layout of the ``edges`` strongest interactions."""

    layout: str
    edges: int
    at: list[Annotated[tuple[int, float, float], "player, x, y"]]


class SavedPicture(TypedDict):
    """A picture with its bytes as base64."""

    mime: str
    data: str
    width: int
    height: int


class SavedMasking(TypedDict):
    """What replaces removed image players; see Masking."""

    name: str
    says: str
    blank: SavedPicture | None


class SavedCaption(TypedDict):
    """An explained caption: its players, and the model's values."""

    text: str
    tokens: list[str]
    anchored: list[Annotated[tuple[float, float], "x, y"]]
    """Places of all players in the anchored layout."""
    without: list[float] | None
    """The model's values, in logits, with each single player removed; None if not computed."""
    partners: list[list[int | None]]
    """For every caption and each token of this one: the index of the matching token there, or None."""


class SavedResult(Facts):
    """An explanation with packed arrays."""

    main: Packed
    main_se: Packed | None
    interactions: Packed
    interactions_se: Packed | None
    first_order: NotRequired[Packed | None]
    """Absent in old pages."""


class SavedClasses(TypedDict):
    """Classes, the maps of some at the page's first p, and the choices among them that the page explains."""

    names: list[str]
    logits: list[float]
    probabilities: list[float]
    softmax: bool
    templates: list[str]
    choices: list[list[str]]
    """One class, or two: why the first rather than the second."""
    map_names: list[str]
    map_values: Packed
    """(m · n,) values, map by map."""
    map_significant: str
    without: NotRequired[Packed | None]
    """(n · k,) probabilities with each single patch hidden, by patch; None if not computed. Absent in old pages."""


class SavedSubsets(TypedDict):
    """The best subset of each size from 1 on."""

    generation: NotRequired[int]
    shown: NotRequired[Literal["current"]]
    positive: list[Subset]
    negative: list[Subset]


class Snapshot(TypedDict):
    """An explanation of the page."""

    caption: int
    """Index of the caption."""
    p: float
    budget: int
    label: str
    """Short description, shown when pinned."""
    result: SavedResult
    places: list[Places]
    subsets: SavedSubsets | None
    examples: Examples | None
    convergence: list[ConvergencePoint]


class SavedDifference(TypedDict):
    """What a page cannot compute of B − A: standard errors, which depend on the masks that A and B share."""

    b: int
    """Index of the snapshot B."""
    a: int
    main_se: Packed
    interactions_se: Packed
    finding: str
    """A sentence on the whole difference."""


class SavedContents(TypedDict):
    """A saved page without its settings."""

    format: Literal[1]
    picture: SavedPicture | None
    grid: Annotated[tuple[int, int], "rows, columns"]
    model: str
    words: NotRequired[bool]
    """Absent in old pages."""
    regions: NotRequired[Regions | None]
    """Absent in old pages."""
    masking: NotRequired[SavedMasking | None]
    """Absent in old pages."""
    why: str
    """A sentence on why there is no model."""
    classes: NotRequired[SavedClasses | None]
    """None for an image–caption pair. Absent in old pages."""
    captions: list[SavedCaption]
    snapshots: list[Snapshot]
    measured: NotRequired[list[Measured]]
    """Measurements. Absent in old pages."""
    differences: NotRequired[list[SavedDifference]]
    """Differences of captions at one p and budget; of others, the errors are not known. Absent in old pages."""
