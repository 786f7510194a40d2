"""The pointing game: agreement of words' interactions with the places of their objects."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.explanation import Explanation

if TYPE_CHECKING:
    import plotly.graph_objects as go

Floats = NDArray[np.float64]
Word = str | int | Sequence[int]


@dataclass(frozen=True)
class Pointing:
    """Result of the pointing game over all objects.

    Attributes:
        pgr: Share of the absolute interactions with the right sign at the right place, 0 to 1; NaN if all
            interactions are 0.
        chance: Score of a map of equal values: the regions' share of the picture. The baseline for unsigned maps.
        chance_signed: Score of values with random signs, 0.5. The baseline for signed maps.
        by_word: ``pgr`` of each object.
    """

    pgr: float
    chance: float
    chance_signed: float
    by_word: dict[str, float]

    def plot(self) -> go.Figure:
        """Return a Plotly figure with a bar for each object."""
        from fixlip_widgets.drawing.plotly.measures import pointing_figure

        return pointing_figure(self.by_word, self.pgr, self.chance)

    def __repr__(self) -> str:
        words = ", ".join(f"{word} {score:.2f}" for word, score in self.by_word.items())
        return f"<Pointing: {self.pgr:.2f}, chance {self.chance:.2f} ({words})>"

    def _repr_html_(self) -> str:
        from fixlip_widgets.drawing.measures import pointing_html

        return pointing_html(f"Pointing game: {self.pgr:.2f}, chance {self.chance:.2f}", self.by_word)


def pointing_game(explanation: Explanation, regions: Mapping[Word, ArrayLike]) -> Pointing:
    """Compute PGR: the share of the absolute interactions that have the right sign at the right place.

    PGR = (Σ positive interactions on an object's patches − Σ negative ones elsewhere) / Σ absolute ones, where each sum
    is over the tokens and patches of all objects.

    Args:
        explanation: Any explanation. Without interactions, the main effects of patches count for every word, so the
            objects cannot be distinguished.
        regions: Word → (rows, columns) or flat boolean mask over the explanation's grid: the patches that show the
            word's object. The word is a phrase of the caption, one token index or several, counted from 0.

    Raises:
        InputError: A word is not in the caption, or a region does not fit the grid.

    Source: Baniecki et al. 2025, the pointing game for one to four pasted pictures.
    """
    if not regions:
        raise InputError("There are no regions; pass {word: boolean mask of patches}, such as a scene's .regions.")
    right = total = area = 0.0
    by_word: dict[str, float] = {}
    for word, region in regions.items():
        inside = _region(explanation, word, region)
        tokens = tokens_of(explanation, word)
        scores = _scores(explanation, tokens)
        hits = scores[:, inside].clip(min=0).sum() - scores[:, ~inside].clip(max=0).sum()
        absolute = np.abs(scores).sum()
        right, total, area = right + hits, total + absolute, area + inside.mean()
        by_word[str(word)] = float(hits / absolute) if absolute > 0 else float("nan")
    pgr = right / total if total > 0 else float("nan")
    return Pointing(pgr=float(pgr), chance=float(area / len(regions)), chance_signed=0.5, by_word=by_word)


def tokens_of(explanation: Explanation, word: Word) -> list[int]:
    """Return the token indices of all occurrences of a word or phrase in the caption, counted from 0.

    Raises:
        InputError: The caption does not contain it.
    """
    if isinstance(word, str):
        spans = _spans(explanation)
        indices = [
            index
            for match in re.finditer(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", explanation.caption.casefold())
            for index, (start, stop) in enumerate(spans)
            if start < match.end() and stop > match.start()
        ]
        if not indices:
            raise InputError(
                f"{word!r} is not a word of the caption {explanation.caption!r}; pass a phrase of the caption or "
                f"token indices (0 to {explanation.n_text - 1})."
            )
        return indices
    indices = [word] if isinstance(word, int) else list(word)
    if not indices or not all(0 <= index < explanation.n_text for index in indices):
        raise InputError(f"{word!r} is not a valid token index; tokens are numbered 0 to {explanation.n_text - 1}.")
    return indices


def _spans(explanation: Explanation) -> list[tuple[int, int]]:
    """Return the (start, stop) of each token in the caption, empty for tokens that do not occur verbatim."""
    caption, at, spans = explanation.caption.casefold(), 0, list[tuple[int, int]]()
    for token in explanation.tokens:
        start = caption.find(token.casefold(), at)
        at = at if start < 0 else start + len(token)
        spans.append((at, at) if start < 0 else (start, at))
    return spans


def _region(explanation: Explanation, word: Word, region: ArrayLike) -> NDArray[np.bool_]:
    inside = np.asarray(region)
    if inside.shape not in (explanation.grid, (explanation.n_image,)) or not np.isin(inside, (0, 1)).all():
        raise InputError(
            f"The region of {word!r} has shape {inside.shape}; pass one boolean per patch of the grid "
            f"{explanation.grid[0]}×{explanation.grid[1]}."
        )
    return inside.astype(bool).ravel()


def _scores(explanation: Explanation, tokens: list[int]) -> Floats:
    """Return the (len(tokens), n_image) scores of each token and patch."""
    if explanation.has_interactions:
        return explanation.cross[tokens]
    return np.tile(explanation.main[: explanation.n_image], (len(tokens), 1))
