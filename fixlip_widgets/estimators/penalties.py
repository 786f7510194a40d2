"""Penalties on the pair coefficients of a quadratic polynomial; its other coefficients are never penalised."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NoPairs:
    """Fit no pair terms at all: a linear polynomial."""


@dataclass(frozen=True)
class Ridge:
    """Penalise all pairs alike by ``strength · Σ v²``; 0 is least squares, of smallest norm if masks are too few."""

    strength: float = 0.0


@dataclass(frozen=True)
class CrossValidated:
    """A ridge whose strength minimises generalised cross-validation (Golub, Heath & Wahba 1979).

    Attributes:
        by_player: Estimate each player's strength first, and penalise pairs of weak players more (:mod:`.heredity`).
    """

    by_player: bool = True


Penalty = NoPairs | Ridge | CrossValidated


def penalty_for(ridge: float | None, *, pairs: bool = True) -> Penalty:
    """Return the penalty that the public argument ``ridge`` stands for: None is cross-validated, a number is fixed."""
    if not pairs:
        return NoPairs()
    return CrossValidated() if ridge is None else Ridge(ridge)
