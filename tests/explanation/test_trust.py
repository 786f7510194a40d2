"""The word of trust is the least of three grades, and unknown without a measured fit."""

from __future__ import annotations

import numpy as np
import pytest

from tests.examples import random_explanation

N = 9


def word(*, r2: float | None = 0.95, residual: float = 0.0, pair: float = 5.0, error: float = 0.1, **fields) -> str:
    """Return the trust in an explanation of a similarity 10 logits above the empty pair's, with one interaction."""
    interactions = np.zeros((N, N))
    interactions[0, 8] = interactions[8, 0] = pair
    whole = {"similarity": 10.0 + residual, "empty_similarity": residual}
    explanation = random_explanation(
        2,
        3,
        baseline=10.0 - pair,
        main=np.zeros(N),
        interactions=interactions,
        interactions_se=np.full((N, N), error),
        r2=r2,
        **whole,
        **fields,
    )
    assert not explanation.in_logits or explanation.residual == pytest.approx(residual)
    return explanation.trust.word


def test_a_good_fit_with_a_small_residual_and_significant_interactions_is_trusted():
    assert word() == "high"


@pytest.mark.parametrize(
    ("r2", "expected"), [(0.9, "high"), (0.89, "moderate"), (0.5, "moderate"), (0.49, "low"), (-3.0, "low")]
)
def test_trust_falls_with_the_held_out_fit(r2, expected):
    assert word(r2=r2) == expected


@pytest.mark.parametrize(
    ("residual", "expected"), [(0.9, "high"), (-0.9, "high"), (1.1, "moderate"), (-4.9, "moderate"), (5.1, "low")]
)
def test_trust_falls_with_the_residual_of_the_complete_pair_of_either_sign(residual, expected):
    assert word(residual=residual) == expected


def test_an_explanation_without_any_significant_interaction_has_low_trust():
    assert word(pair=0.1) == "low"


def test_trust_is_at_most_moderate_without_standard_errors():
    assert word(error=np.nan) == "moderate"


def test_trust_is_unknown_without_a_measured_fit_or_without_logits():
    assert word(r2=None) == "unknown"
    assert word(r2=float("nan")) == "unknown"
    assert word(method="random") == "unknown"
