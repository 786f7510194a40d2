"""Which terms of an explanation differ significantly from zero.

Each effect is tested against zero (two-sided, Student's t). Holm's step-down procedure keeps the family-wise error
rate at 5 % under any dependence between the effects, provided that the standard errors are correct
(docs/explanation/estimator.md reports their measured coverage). Without it, 1,596 tests would yield about 80 false
positives.

Sources: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 1979;
Wallace, "Bounds on normal approximations to Student's and the chi-square distributions", Annals of Mathematical
Statistics 1959.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
LEVEL = 0.05
"""Family-wise error rate: the probability that at least one effect that is zero is called significant."""


@dataclass(frozen=True)
class Significant:
    """Which terms differ significantly from zero. A term without a standard error is not tested, and not significant.

    Attributes:
        main: (n,) main effects, a family of tests of their own.
        interactions: (n, n) interactions, symmetric; they form one family with the third-order terms.
        triples: (k,) third-order terms, in the order of :meth:`fixlip_widgets.explanation.triples.Triples.terms`.
    """

    main: Bools
    interactions: Bools
    triples: Bools


def degrees_of_freedom(units: float, p: float, image_players: ArrayLike) -> Floats:
    """Return (m,) degrees of freedom of the standard errors of terms with (m,) ``image_players``.

    A term's error depends on the sampling units in which all its image players are in their less frequent state (kept
    or removed): for two patches, one mask in a hundred at p = 0.9 and one in four at p = 0.5.

    Args:
        units: Effective number of sampling units: image masks, or complementary pairs of them.
        p: Probability of keeping a player.
        image_players: Number of image players in each term.
    """
    return units * min(p, 1 - p) ** np.asarray(image_players, dtype=np.float64)


def significant(
    values: Floats, errors: Floats, freedom: ArrayLike = np.inf, level: float = LEVEL, rounding: float = 0.0
) -> Bools:
    """Return which of ``values`` (m,) differ significantly from zero, by Holm's procedure.

    The k-th largest |value/error| of m is significant if it and all larger ones exceed the normal quantile of
    ``1 − level/(2 (m − k + 1))``. With finite degrees of freedom f = ``freedom`` (m,), each ratio t is first converted
    to the equally improbable normal ratio, ``√(f ln(1 + t²/f)) (8 f + 1)/(8 f + 3)`` (Wallace). A value with error 0 is
    exact, and significant if it is larger than ``rounding``; a value with unknown error is not tested.
    """
    known = np.isfinite(errors) & np.isfinite(values)
    exact = known & (errors == 0)
    scores = np.zeros(len(values))
    np.divide(np.abs(values), errors, out=scores, where=known & ~exact)
    freedom = np.broadcast_to(np.asarray(freedom, dtype=np.float64), scores.shape)
    few = np.isfinite(freedom)
    f = freedom[few]
    scores[few] = np.sqrt(f * np.log1p(scores[few] ** 2 / f)) * (8 * f + 1) / (8 * f + 3)
    scores[exact & (np.abs(values) > rounding)] = np.inf
    order = np.argsort(-scores, kind="stable")[: known.sum()]
    thresholds = torch.special.ndtri(1 - level / (2 * torch.arange(len(order), 0, -1, dtype=torch.float64))).numpy()
    rejected = np.zeros(len(values), dtype=bool)
    rejected[order] = np.logical_and.accumulate(scores[order] > thresholds)
    return rejected
