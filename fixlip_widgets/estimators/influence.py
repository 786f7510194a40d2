"""Sampling units of a regression on masks, and their influences on the coefficients.

A unit is a mask or a complement pair. The error of a coefficient is asymptotically the sum of the units' influences,
and the sum of their squares estimates its variance; see :mod:`.standard_errors`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from fixlip_widgets.estimators.crossmodal_regression import Modality
from fixlip_widgets.estimators.effective_units import effective_units
from fixlip_widgets.estimators.quadratic import QuadraticFit, chunks

Term = Literal["constant", "linear", "pair"]
MOST_LEVERAGE = 0.9
"""Upper bound on the leverage of a unit, and on the average leverage of a fit that gets errors: closer to 1, residuals
contain next to no information."""
_MAX_UNIT_LEVERAGE = 0.6
"""Upper bound on the leverage of an independent mask on even terms, by simulated coverage."""
_WIDENING = {True: 0.5, False: 0.2}
"""Relative widening of a shrunk term's interval per share lost to the penalty, for complement pairs (True) and other
units (False), which have unequal leverages already. Wahba's interval takes the penalty as known; with this factor,
simulated 95 % intervals cover 93–97 %."""
_TRIPLES_SHARE = 0.75
"""Weight of the leverage of triples in the factors of slopes that are adjusted for them. With it, the intervals in
tests/estimators/test_coverage.py cover 93–97 % of all terms."""
_FEWEST_UNITS, _UNITS_PER_PAIR = 40, 0.5
"""Minimum number of units for errors of shrunk pair terms: a constant plus a number per pair term. With fewer units,
the penalty is poorly estimated."""
_FEWEST_RARER = 10
"""Minimum number of units in which a player (for pairs, two players) is in its less frequent state, kept or removed,
for a term to get an error. At p = 0.5 this takes 20 units (for pairs, 40), at p = 0.9 100 (for pairs, 1,000)."""
_FEWEST_EFFECTIVE: dict[Term, float] = {"constant": 80.0, "linear": 40.0, "pair": 40.0}
"""Minimum number of effective masks (:func:`.effective_units.effective_units`) for a coefficient to get an error. With
fewer, errors are too small: with 1,000 masks drawn at p = 0.5 and used at 0.3, 95 % intervals would cover 76 to 77 % of
constants and 91 to 92 % of main effects (``pytest -s tests/estimators/test_coverage.py -k few_effective``). The limit
for pairs applies only if the masks were drawn at another p and no ridge shrinks the pairs."""
_PLAIN_FACTOR = 3.0
"""Factor on these minimums if pairs are fitted without a ridge to masks that are not complements: their Gram matrix
is further from its expectation, which replaces it here."""
_MOST_UNKNOWNS = {True: 0.75, False: 0.5}
"""Maximum number of unknowns per unit for errors of a plain fit, for complement pairs (True), whose Gram matrix is
closer to the identity, and other units (False). With more, 95 % intervals cover less than 85 %."""


def rests_on_few(side: Modality, term: Term, part: QuadraticFit | None) -> bool:
    """Return whether the error of a term of ``part`` (or of a linear fit, if None) rests on too few effective masks."""
    if side.p is None or not side.drawn:
        return False
    fewest = _FEWEST_EFFECTIVE[term]
    if _plain_pairs(part) and not side.paired:
        fewest *= _PLAIN_FACTOR
    return effective_units(side.n, side.p, side.drawn, term, part.degree if part else 1) < fewest


def too_few(side: Modality, pairs: bool) -> bool:
    """Return whether the units are too few for errors of linear terms, or with ``pairs`` of pair terms too."""
    mean = side.moments.mean_mask
    rarer = float(torch.minimum(mean, 1 - mean).mean())
    return side.units * rarer ** (2 if pairs else 1) < _FEWEST_RARER


def _plain_pairs(part: QuadraticFit | None) -> bool:
    """Return whether ``part`` fits pairs without a ridge."""
    return part is not None and part.degree == 2 and part.ridge == 0


class Units:
    """Sampling units of one modality, and their influences on a polynomial fitted to its masks.

    Args:
        side: The modality.
        part: A polynomial of the masks, or None for linear regressions only.
        adjusted_for: Number of coefficients fitted along with the slopes.

    Attributes:
        few: Whether the units are too few to estimate any variance.
        even_inflation: HC3 factor of the residuals of a polynomial's even part, at a unit of average leverage. NaN if
            the residuals are uninformative.
        shrinkage: (n, n) factors of the pair coefficients' influences, relative to a lone coefficient.
        bias: Squared bias of shrunk pair terms; None if no pairs were fitted.
    """

    def __init__(self, side: Modality, part: QuadraticFit | None, adjusted_for: float = 0.0) -> None:
        self.side, self.part, self.design = side, part, side.design
        units, n = self.design.units, side.n
        self._pair_freedom = part.shrinkage.freedom if part else 0.0
        self._slope_freedom = n + adjusted_for
        self.few = too_few(side, pairs=False)
        slope_share = (self._slope_freedom + (0 if side.paired else 1)) / units
        self._no_slopes = too_few(side, pairs=adjusted_for > 0) or slope_share > MOST_LEVERAGE
        self.even_inflation = self._average_inflation((1 + self._pair_freedom + (0 if side.paired else n)) / units)
        self.shrinkage = torch.zeros(n, n, dtype=torch.float64, device=self.design.phi.device)
        self.bias = None
        if part is not None and part.degree == 2:
            widening = 1 + _WIDENING[side.paired] * part.shrinkage.lost
            self.shrinkage = (part.shrinkage.variance / self.even_inflation).sqrt() * widening
            self.bias = Bias.of(part, self.design.inverse_spread, side.moments.mean_mask)

    def _average_inflation(self, share: float) -> float:
        """Return ``even_inflation`` for a fit whose even terms use this share of the units' degrees of freedom."""
        side, part = self.side, self.part
        if not side.paired and (part is None or part.ridge > 0):  # a shrunk fit always leaves residuals
            share = min(share, MOST_LEVERAGE)
        if share > (_MOST_UNKNOWNS[side.paired] if _plain_pairs(part) else MOST_LEVERAGE):
            return math.nan
        drawn_elsewhere = {p for p, _ in side.drawn} != {side.p}
        if _plain_pairs(part) and drawn_elsewhere and rests_on_few(side, "pair", part):
            return math.nan
        return math.nan if too_few(side, pairs=part is None or part.degree == 2) else 1 / (1 - share)

    def chunks(self) -> Iterator[Chunk]:
        """Iterate over the units' influences in chunks of the masks."""
        return (Chunk(self, rows) for rows in chunks(len(self.side.masks)))

    def inflations(self, squared: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return (u,) residual factors for slopes, odd terms and even terms, from the units' ``squared`` basis (u, n).

        These are HC3 factors by the leverage of each unit. Rare units, such as masks that remove many players at
        p = 0.9, have the highest. Shrinkage leaves larger residuals than the leverage implies. So even terms get the
        geometric mean of the unit's factor and the average one, and slopes that are adjusted for triples a weighted
        geometric mean of the factors with and without them, which gave the best coverage in simulations.
        """
        n, n_pairs = self.side.n, max(self.design.n_pairs, 1)
        lengths = squared.sum(1)
        linear_leverage = weights * (self._slope_freedom * lengths / n + (0 if self.side.paired else 1))
        even_leverage = weights * (
            1 + self._pair_freedom * 0.5 * (lengths.square() - squared.square().sum(1)) / n_pairs
        )
        if not self.side.paired:
            even_leverage = even_leverage + weights * self._slope_freedom * lengths / n
        slopes = 1 / (1 - linear_leverage.clamp(max=MOST_LEVERAGE))
        odd = slopes
        if self.side.paired:
            odd = 1 / (1 - (weights * lengths).clamp(max=MOST_LEVERAGE))
            slopes = slopes**_TRIPLES_SHARE * odd ** (1 - _TRIPLES_SHARE)
        if self._no_slopes:
            slopes, odd = torch.full_like(slopes, torch.nan), torch.full_like(odd, torch.nan)
        most = MOST_LEVERAGE if self.side.paired else _MAX_UNIT_LEVERAGE  # complement pairs have nearly equal leverages
        even = (self.even_inflation / (1 - even_leverage.clamp(max=most))).sqrt()
        return slopes, odd if self.side.paired else even, even

    def pair_scale(self, squared: Tensor) -> Tensor:
        """Return (n, n) variances of pair coefficients from the sums of :meth:`Chunk.squared_pairs`."""
        spread = self.design.inverse_spread
        variances = squared * (self.shrinkage * spread[:, None] * spread) ** 2
        if self.unsure:
            variances = torch.full_like(variances, torch.nan)
        return (variances + (self.bias.pairs() if self.bias else 0)).fill_diagonal_(0)

    @property
    def unsure(self) -> bool:
        """Whether pair terms get no standard errors."""
        if math.isnan(self.even_inflation):
            return True
        shrunk = self.part is not None and self.part.ridge > 0
        return shrunk and self.design.units < _FEWEST_UNITS + _UNITS_PER_PAIR * self.design.n_pairs


@dataclass(frozen=True, eq=False)
class Bias:
    """Squared bias of shrunk terms beyond what the penalty expects, from strong terms that it treats as weak.

    Each value is the square of a bias estimate minus the expectation of that square without excess, at least zero.

    Attributes:
        estimate: (n, n) estimated bias of the pair coefficients.
        expected: (n, n) expected squares of these estimates without excess.
        mean: (n,) mean mask.
    """

    estimate: Tensor
    expected: Tensor
    mean: Tensor

    @classmethod
    def of(cls, part: QuadraticFit, inverse_spread: Tensor, mean: Tensor) -> Bias:
        """Return the bias of a polynomial of one modality."""
        monomials = inverse_spread[:, None] * inverse_spread
        return cls(part.pair_bias * monomials, part.pair_bias_variance * monomials.square(), mean)

    def pairs(self) -> Tensor:
        """Return (n, n) values for the pair coefficients."""
        return (self.estimate.square() - self.expected).clamp_min(0)

    def linear(self) -> Tensor:
        """Return (n,) values for the linear coefficients, from which pairs are subtracted at the mean mask."""
        return ((self.estimate @ self.mean).square() - self.expected @ self.mean.square()).clamp_min(0)

    def constant(self) -> float:
        """Return the value for the constant."""
        mean, squared = self.mean, self.mean.square()
        return max(float((0.5 * mean @ self.estimate @ mean).square() - 0.5 * squared @ self.expected @ squared), 0.0)

    def sums(self, members: Tensor, weights: Tensor) -> Tensor:
        """Return (k,) values for ``Σ_ij members_i weights_kj v_ij``, with (n,) members and (k, n) weights."""
        both = weights * members
        expected = weights.square() @ (self.expected @ members.square()) + ((both @ self.expected) * both).sum(1)
        return ((weights @ (self.estimate @ members)).square() - expected).clamp_min(0)


class Chunk:
    """Influences of some of the units; see :class:`Units`.

    Attributes:
        rows: Positions of the masks.
        centred: (rows, n) masks minus their mean.
        offset: (rows, d) embeddings minus their mean.
        slope: (u, n) influence on the slopes of a linear regression, per unit of residual.
        scaled: (u, n) ``φ/σ``, the basis divided by its spread.
        odd, even: (u,) weighted residuals of the polynomial's odd and even parts, with HC3 factors.
    """

    def __init__(self, units: Units, rows: slice) -> None:
        side, design, moments = units.side, units.design, units.side.moments
        phi = design.phi[slice(rows.start // 2, rows.stop // 2) if side.paired else rows]
        self.rows, self._fold = rows, side.fold
        self._weights = side.weights[rows].to(phi)
        self._mean, self._shrinkage = moments.mean_mask.to(phi), units.shrinkage.to(phi)
        self.centred = side.masks[rows].to(phi) - self._mean
        self.offset = side.embeddings[rows].to(phi) - moments.mean_embedding.to(phi)
        self.slope = (self.centred @ moments.gram_inverse.to(phi))[:: 2 if side.paired else 1]
        self._squared, self.scaled = phi.square(), phi * design.inverse_spread.to(phi)
        self._slope_inflation, odd, even = units.inflations(self._squared, side.fold(self._weights))
        if units.part is not None:
            weighted = self._weights * units.part.residuals[rows].to(phi)
            self.odd, self.even = side.fold(weighted, -1) * odd, side.fold(weighted) * even

    def mean(self, values: Tensor) -> Tensor:
        """Return (u, k) influences on the means of (rows, k) values."""
        return self._fold(self._weights[:, None] * values)

    def slope_residuals(self, residuals: Tensor) -> Tensor:
        """Return (u, k) weighted residuals of linear regressions, with HC3 factors, from (rows, k) residuals."""
        return self._fold(self._weights[:, None] * residuals, -1) * self._slope_inflation[:, None]

    @cached_property
    def _with_mean(self) -> Tensor:
        """(u, n) ``Σ_{b≠a} s_ab φ_b μ_b/σ_b`` of the shrinkage s."""
        return (self.scaled * self._mean) @ self._shrinkage

    def quadratic_constant(self) -> Tensor:
        """Return (u,) influence on the polynomial's constant."""
        pair_sum = 0.5 * (self._with_mean * self.scaled) @ self._mean
        return self.even * (1 + pair_sum) - self.odd * (self.scaled @ self._mean)

    def quadratic_linear(self) -> Tensor:
        """Return (u, n) influence on the polynomial's linear coefficients."""
        return (self.odd[:, None] - self.even[:, None] * self._with_mean) * self.scaled

    def pair_sums(self, members: Tensor) -> Tensor:
        """Return (u, n) influence on the sum of each player's pair coefficients with ``members`` (n,)."""
        return self.even[:, None] * self.scaled * ((self.scaled * members) @ self._shrinkage)

    def sum_of_pairs(self, weights: Tensor) -> Tensor:
        """Return (u,) influence on ``Σ_{i<j} weights_ij v_ij`` of the pair coefficients, with (n, n) weights."""
        return 0.5 * self.even * torch.linalg.vecdot(self.scaled @ (weights * self._shrinkage), self.scaled)

    def squared_pairs(self) -> Tensor:
        """Return (n, n) sums of squared influences on the pair coefficients, up to :meth:`Units.pair_scale`."""
        return self._squared.T @ (self.even.square()[:, None] * self._squared)
