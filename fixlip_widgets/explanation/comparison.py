"""The difference B − A of two explanations of one image."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.contrast import Match, contrast_errors
from fixlip_widgets.estimators.crossmodal_regression import CrossModalFit
from fixlip_widgets.explanation.kept_fits import KeptFit, kept_fit
from fixlip_widgets.explanation.methods import CATALOGUE
from fixlip_widgets.explanation.surrogate import Surrogate
from fixlip_widgets.support.formatting import isolated, shortened
from fixlip_widgets.support.threads import threads_for

Floats = NDArray[np.float64]
Kind = TypeVar("Kind", bound=Surrogate)


@dataclass(frozen=True)
class Difference(Generic[Kind]):
    """B − A.

    Attributes:
        explanation: B with its values replaced by the differences, in logits.
        unmatched: Players of B that A does not have; A's values count as 0 there.
    """

    explanation: Kind
    unmatched: tuple[int, ...]


def method_label(explanation: Surrogate) -> str:
    """Return the label of the method."""
    method = CATALOGUE.get(explanation.method)
    return method.label if method else explanation.method


def label(explanation: Surrogate) -> str:
    """Return a short label: caption, method and p."""
    method = CATALOGUE.get(explanation.method)
    words = [f"“{isolated(shortened(explanation.caption, 40))}”", method_label(explanation)]
    if explanation.order > 2:
        words.append(f"order {explanation.order}")
    if method is None or method.uses_p:
        words.append(f"p {explanation.p:g}")
    return " · ".join(words)


def check_comparable(b: Surrogate, a: Surrogate) -> None:
    """Raise InputError unless both explanations have the same image players.

    Raises:
        InputError: The grids, the regions or the images differ.
    """
    if a.grid != b.grid:
        grids = f"{a.grid[0]}×{a.grid[1]} patches and the other {b.grid[0]}×{b.grid[1]}"
        raise InputError(f"One explanation has {grids}; only explanations with the same grid can be compared.")
    if not same_regions(a, b):
        raise InputError(
            "The explanations have different regions; only explanations with the same regions can be compared."
        )
    if b.n_image == 0:  # the images are the candidates that are compared
        return
    if a.image is not None and b.image is not None and not np.array_equal(a.image, b.image):
        raise InputError("The explanations have different images; only explanations of the same image can be compared.")


def one_unit(b: Surrogate, a: Surrogate) -> bool:
    """Return whether the values have a common unit: both are in logits or nats, or both are from one method."""
    return a.unit == b.unit and ((a.in_logits and b.in_logits) or a.method == b.method)


def same_regions(b: Surrogate, a: Surrogate) -> bool:
    """Return whether image players are the same regions, or patches in both."""
    if a.regions is None or b.regions is None:
        return a.regions is b.regions
    return np.array_equal(a.regions, b.regions)


def subtract(
    b: Kind, a: Surrogate, fits: tuple[KeptFit[CrossModalFit], KeptFit[CrossModalFit]] | None = None
) -> Difference[Kind]:
    """Return B − A, player by player.

    Patches are matched by position, tokens by the longest common runs of the two captions (``difflib``). Standard
    errors are those of the difference (:mod:`fixlip_widgets.estimators.contrast`) if both are FIxLIP explanations of
    order 2 whose regressions are still in memory: estimates from the same masks have correlated errors. For other
    explanations, they are ``√(se_A² + se_B²)``, as for independent estimates. They are unknown if either is; for two
    exact values they are :attr:`~fixlip_widgets.Explanation.rounding`. If only one explanation has interactions,
    first-order attributions are subtracted and standard errors are unknown. Third-order terms are omitted.

    Args:
        b: B.
        a: A.
        fits: The regressions of B and A; by default those in memory.

    Raises:
        InputError: The grids, the regions or the images differ, or the values have no common unit.
    """
    check_comparable(b, a)
    if not one_unit(b, a):
        if a.in_logits and b.in_logits:
            raise InputError(f"The values of one explanation are in {b.unit} and those of the other in {a.unit}.")
        names = " and ".join(method_label(each) for each in (b, a) if not each.in_logits)
        raise InputError(f"The values of {names} are not in logits and cannot be subtracted from other values.")
    into_b, from_a = correspondence(b, a)
    if a.has_interactions != b.has_interactions:
        a, b = _first_order(a), _first_order(b)
    pairs_b, pairs_a = np.ix_(into_b, into_b), np.ix_(from_a, from_a)
    rounding = max(b.rounding, a.rounding)
    main, interactions = b.main.copy(), b.interactions.copy()
    main[into_b] -= a.main[from_a]
    interactions[pairs_b] -= a.interactions[pairs_a]
    fit_b, fit_a = fits or (kept_fit(b), kept_fit(a))
    if fit_b is not None and fit_a is not None:
        errors = _paired_errors(fit_b, fit_a, into_b, from_a, rounding)
    else:
        errors = {
            "baseline_se": float(np.hypot(b.baseline_se, a.baseline_se)) or rounding,
            "main_se": _errors(b.main_se, a.main_se, into_b, from_a, rounding),
            "interactions_se": _errors(b.interactions_se, a.interactions_se, pairs_b, pairs_a, rounding),
        }
    explanation = b.replace(
        baseline=b.baseline - a.baseline,
        main=main,
        interactions=interactions,
        **errors,
        conservative_errors=b.conservative_errors or a.conservative_errors,
        similarity=b.similarity - a.similarity,
        empty_similarity=b.empty_similarity - a.empty_similarity,
        order=min(b.order, 2),
        triples=None,
        r2=None,
        spearman=None,
        r2_in_sample=None,
        identified={name: known and a.identified.get(name, False) for name, known in b.identified.items()},
    )
    unmatched = np.setdiff1d(np.arange(b.n_players), into_b)
    return Difference(explanation, tuple(int(player) for player in unmatched))


def _first_order(explanation: Kind) -> Kind:
    if not explanation.has_interactions:
        return explanation
    return explanation.replace(
        main=explanation.first_order(),
        interactions=np.zeros_like(explanation.interactions),
        main_se=None,
        interactions_se=None,
        triples=None,
        order=1,
    )


def correspondence(b: Surrogate, a: Surrogate) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return (k,) players of B that A also has, and (k,) their indices in A."""
    n_image = b.n_image
    into_b, from_a = [*range(n_image)], [*range(n_image)]
    for run in difflib.SequenceMatcher(None, a.tokens, b.tokens, autojunk=False).get_matching_blocks():
        into_b += range(n_image + run.b, n_image + run.b + run.size)
        from_a += range(n_image + run.a, n_image + run.a + run.size)
    return np.array(into_b, dtype=np.intp), np.array(from_a, dtype=np.intp)


def partners(b: Surrogate, a: Surrogate) -> list[int | None]:
    """Return for each text player of B, numbered from 0, the matching one of A, or None."""
    own, theirs = correspondence(b, a)
    matches = dict(zip(own.tolist(), theirs.tolist(), strict=True))
    return [matches[player] - a.n_image if player in matches else None for player in range(b.n_image, b.n_players)]


def _paired_errors(
    b: KeptFit[CrossModalFit],
    a: KeptFit[CrossModalFit],
    into_b: NDArray[np.intp],
    from_a: NDArray[np.intp],
    rounding: float,
) -> dict[str, Any]:
    """Return the errors of the difference of two regressions; ``rounding`` where both are exact."""
    sides = (b.regression.image, b.regression.text)
    with threads_for(max(len(side.masks) * side.n**2 for side in sides)):
        errors = contrast_errors(b.regression, a.regression, Match(into_b, from_a), b.scale, a.scale)
    matched = np.isin(np.arange(len(errors.main)), into_b)
    interactions = np.where((errors.interactions == 0) & np.outer(matched, matched), rounding, errors.interactions)
    np.fill_diagonal(interactions, 0.0)
    return {
        "baseline_se": errors.baseline or rounding,
        "main_se": np.where((errors.main == 0) & matched, rounding, errors.main),
        "interactions_se": interactions,
    }


def _errors(b: Floats | None, a: Floats | None, into_b: object, from_a: object, rounding: float) -> Floats | None:
    """Return ``√(se_A² + se_B²)``, or ``rounding`` where that is 0; B's own errors for players that A does not have."""
    if b is None or a is None:
        return None
    errors = b.copy()
    both = np.hypot(b[into_b], a[from_a])  # pyright: ignore[reportArgumentType, reportCallIssue]
    errors[into_b] = np.where(both == 0, rounding, both)  # pyright: ignore[reportArgumentType, reportCallIssue]
    if errors.ndim == 2:
        np.fill_diagonal(errors, 0.0)
    return errors
