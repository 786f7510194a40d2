"""The pointing game: do words and patches bind where the words' objects are?"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.explanation import Explanation

Floats = NDArray[np.float64]
Word = str | int | Sequence[int]


@dataclass(frozen=True)
class Pointing:
    """The pointing game's recall over all objects.

    Attributes:
        pgr: Share of the absolute interactions that have the right sign at the right place, 0 to 1; NaN where there
            are none at all.
        chance: What maps of equal values score: the regions' share of the picture. The level for maps without signs.
        chance_signed: What values of random sign score, 0.5. The level for maps with signs.
        by_word: The same of each object alone.
    """

    pgr: float
    chance: float
    chance_signed: float
    by_word: dict[str, float]


def pointing_game(explanation: Explanation, regions: Mapping[Word, ArrayLike]) -> Pointing:
    """PGR: (Σ positive interactions on an object's cells + Σ |negative| elsewhere) / Σ |all|, over all objects.

    Args:
        explanation: Any explanation. For one without interactions, a patch's main effect counts for every word, so it
            cannot tell the objects apart.
        regions: Word → (rows, columns) bool, or flat, over the explanation's grid: the patches that hold what the word
            names. The word is a phrase of the caption, or the indices of its tokens (or one index), counted from 0.

    Raises:
        InputError: A word is not in the caption, or a region does not fit the grid.

    Source: Baniecki et al. 2025, the pointing game for one to four pasted pictures.
    """
    if not regions:
        raise InputError("There are no regions; pass {word: which patches hold it}, as a scene's .regions.")
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
    return Pointing(float(pgr), float(area / len(regions)), 0.5, by_word)


def tokens_of(explanation: Explanation, word: Word) -> list[int]:
    """The tokens of a word or phrase of the caption, counted from 0; of all its places if it occurs more than once.

    Raises:
        InputError: The caption does not hold it.
    """
    if isinstance(word, str):
        spans = _spans(explanation)
        found = [
            index
            for match in re.finditer(rf"(?<!\w){re.escape(word.casefold())}(?!\w)", explanation.caption.casefold())
            for index, (start, stop) in enumerate(spans)
            if start < match.end() and stop > match.start()
        ]
        if not found:
            raise InputError(
                f"{word!r} is no word of the caption {explanation.caption!r}; pass a phrase of it as it stands there, "
                f"or indices of tokens (0 to {explanation.n_text - 1})."
            )
        return found
    indices = [word] if isinstance(word, int) else list(word)
    if not indices or not all(0 <= index < explanation.n_text for index in indices):
        raise InputError(f"{word!r} are no tokens; they are numbered 0 to {explanation.n_text - 1}.")
    return indices


def _spans(explanation: Explanation) -> list[tuple[int, int]]:
    """Where in the caption each token stands, as (start, stop); empty for what is not there as written."""
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
            f"The region of {word!r} has shape {inside.shape}; it is a boolean for each patch of the grid "
            f"{explanation.grid[0]}×{explanation.grid[1]}."
        )
    return inside.astype(bool).ravel()


def _scores(explanation: Explanation, tokens: list[int]) -> Floats:
    """(len(tokens), n_image) what each token says of each patch."""
    if explanation.has_interactions:
        return explanation.cross[tokens]
    return np.tile(explanation.main[: explanation.n_image], (len(tokens), 1))
