"""How far an explanation can be trusted, in one word with its reasons."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from fixlip_widgets.explanation.surrogate import Surrogate

Word = Literal["high", "moderate", "low", "unknown"]
_WORDS: tuple[Word, ...] = ("low", "moderate", "high")
_LOW, _MODERATE, _HIGH = range(3)

LARGE_RESIDUAL = 0.1
"""Largest residual of a highly trusted explanation, relative to the similarity minus that of the empty pair."""
_WRONG_RESIDUAL = 0.5
_GOOD_FIT, _POOR_FIT = 0.9, 0.5


class Trust(NamedTuple):
    """One word, and a sentence with the numbers from which it follows."""

    word: Word
    why: str


def trust_in(explanation: Surrogate) -> Trust:
    """Return how well an explanation agrees with the model, as the least of three grades.

    - Held-out R²: ``high`` from 0.9, ``low`` below 0.5. Below 0.5, most of the model's variation over masks that the
      fit has not seen remains unexplained; from 0.9 on, at most a tenth of it.
    - Residual of the complete pair, relative to the similarity minus that of the empty pair: ``high`` up to 0.1,
      ``low`` above 0.5. A surrogate fits masks drawn with p and may still miss the complete pair, about which one asks.
      Above 0.5, it misses more than half of what the players add to the similarity.
    - Significant terms: ``low`` if none is, because then no value can be distinguished from the noise of the masks.

    An unknown residual, or standard errors that are all unknown, allow at most ``moderate``. Without a held-out R², or
    for values that are not logits, the answer is ``unknown``. The thresholds are conventions, not results of a test.
    """
    r2 = explanation.r2
    if r2 is None or not math.isfinite(r2) or not explanation.in_logits:
        return Trust("unknown", "The fit was not measured on held-out masks.")
    grades = [_fit(r2), _residual(explanation), _significance(explanation)]
    return Trust(_WORDS[min(grade for grade, _ in grades)], f"Here, {'; '.join(reason for _, reason in grades)}.")


def relative_residual(explanation: Surrogate) -> float:
    """Return abs(residual) divided by abs(similarity − empty similarity); NaN if unknown."""
    whole = abs(explanation.similarity - explanation.empty_similarity)
    return abs(explanation.residual) / whole if whole > 0 else math.nan


def _fit(r2: float) -> tuple[int, str]:
    grade = _HIGH if r2 >= _GOOD_FIT else _MODERATE if r2 >= _POOR_FIT else _LOW
    return grade, f"held-out R² is {r2:.2f}"


def _residual(explanation: Surrogate) -> tuple[int, str]:
    share = relative_residual(explanation)
    if not math.isfinite(share):
        return _MODERATE, "the residual is unknown"
    grade = _HIGH if share <= LARGE_RESIDUAL else _MODERATE if share <= _WRONG_RESIDUAL else _LOW
    return grade, f"the residual is {100 * share:.0f} % of what the parts add to the {explanation.score_name}"


def _significance(explanation: Surrogate) -> tuple[int, str]:
    flags, pairs = explanation.significant, explanation.has_interactions
    errors = explanation.interactions_se if pairs else explanation.main_se
    chosen = np.triu_indices(explanation.n_players, 1) if pairs else np.arange(explanation.n_players)
    what = "interactions" if pairs else "values"
    tested = 0 if errors is None else int(np.isfinite(errors[chosen]).sum())
    if tested == 0:
        return _MODERATE, "the standard errors are unknown"
    number = int((flags.interactions if pairs else flags.main)[chosen].sum())
    return (_HIGH if number else _LOW), f"{number:,} of {tested:,} {what} are significant"
