"""The sampling units of a regression on masks, and the influence that each has on the coefficients.

A unit is a mask, or a complement pair. Every coefficient is asymptotically a sum over units of an influence, whose
squares add up to its variance; see :mod:`.variance`.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

from fixlip_widgets.estimators.crossmodal import Modality
from fixlip_widgets.estimators.effective_units import effective_units
from fixlip_widgets.estimators.quadratic import QuadraticFit

Term = Literal["constant", "linear", "pair"]
MOST_LEVERAGE = 0.9
_MOST_OF_A_UNIT = 0.6
"""Leverage on curved terms that a single unit is taken to have at most."""
_PENALTY_IS_ESTIMATED = {True: 0.5, False: 0.2}
"""Widens the interval of a shrunk term by this times the share that it lost, for complement pairs and for other units,
whose leverages differ already: Wahba's takes the penalty as known. So simulated 95 % intervals cover 93–97 %."""
_FEWEST_UNITS = 40
"""Units, beside half a unit for each pair term, below which these get no errors: the penalty is hardly more than a
guess."""
_FEWEST_RARER = 10
"""Units in which a player, or two players, have their rarer state (kept, or removed), below which nothing gets an
error: the spread of so few says nothing of others. At p = 0.5 that is 20 and 40 units, at p = 0.9 100 and 1,000."""
_FEWEST_EFFECTIVE: dict[Term, float] = {"constant": 80.0, "linear": 40.0, "pair": 40.0}
"""Effective masks (:func:`.effective_units.effective_units`) below which a coefficient gets no error: on a real game,
95 % intervals of fewer cover 65 to 90 % of constants and 75 to 92 % of main effects. For pairs it counts only where
masks were drawn at another p and no ridge shrinks them."""
_PLAIN_NEEDS = 3.0
"""Times as many as that are needed where pairs are fitted without a ridge to masks that are not complements: the Gram
matrix is then further from the expected one that stands in for it here."""
_MOST_UNKNOWNS = {True: 0.75, False: 0.5}
"""Unknowns per unit above which a plain fit's residuals say too little: its 95 % intervals cover less than 85 %. Of
complement pairs, whose Gram matrix is closer to the identity, and of other units."""


def rests_on_few(side: Modality, term: Term, part: QuadraticFit | None) -> bool:
    """Whether the error of a term of ``part``, or of a linear fit where that is None, would be a guess."""
    if side.p is None or not side.drawn:
        return False
    fewest = _FEWEST_EFFECTIVE[term]
    if part is not None and part.ridge == 0 and not side.paired:
        fewest *= _PLAIN_NEEDS
    return effective_units(side.n, side.p, side.drawn, term, 1 if part is None else 2) < fewest


class Units:
    """The sampling units of one modality, and the influence that each has on a polynomial fitted to its masks.

    Attributes:
        few: There are too few to know how much anything moves with them.
        even_inflation: HC3's factor of residuals at a unit of average leverage, of the even part of a polynomial. NaN
            where residuals say nothing.
    """

    def __init__(
        self, side: Modality, part: QuadraticFit | None, pairs: bool = True, adjusted_for: float = 0.0
    ) -> None:
        """``part``: a polynomial of the masks; None where only linear regressions are asked about.

        ``adjusted_for``: coefficients that these were fitted along with.
        """
        self.side, self.part, self.design = side, part, side.design
        units, n = self.design.units, side.n
        curved = (1 + (part.pair_freedom if part else 0)) / units
        straight = ((n if side.paired else n + 1) + adjusted_for) / units
        self._curved, self._straight = part.pair_freedom if part else 0.0, n + adjusted_for
        self.few = too_few(side, pairs=False)
        self._no_slopes = too_few(side, pairs=adjusted_for > 0) or straight > MOST_LEVERAGE
        if not side.paired:
            curved = self._leverage(curved + n / units)
        plain_pairs = pairs and part is not None and part.ridge == 0
        most = _MOST_UNKNOWNS[side.paired] if plain_pairs else MOST_LEVERAGE
        guessed = too_few(side, pairs) or curved > most
        guessed |= plain_pairs and {p for p, _ in side.drawn} != {side.p} and rests_on_few(side, "pair", part)
        self.even_inflation = math.nan if guessed else 1 / (1 - curved)
        nothing = torch.zeros(n, n, dtype=torch.float64, device=self.design.phi.device)
        self.shrinkage = self._shrinkage(part) if part and pairs else nothing
        self.bias = _Bias(part, self.design.inverse_spread, side.moments.mean_mask) if part and pairs else None

    def inflations(self, squared: Tensor, weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(u,) factors of the residuals of units with (u, n) ``squared`` basis: of slopes, odd and even ones.

        HC3's, by the leverage of each unit: rare ones, such as masks that remove many players at p = 0.9, have most.
        Curved terms, whose shrinkage leaves them more than that leverage says, get the geometric mean of the unit's
        factor and the average one; 95 % intervals cover best so in simulations.
        """
        n, n_pairs = self.side.n, max(self.design.n_pairs, 1)
        lengths = squared.sum(1)
        straight = weights * (self._straight * lengths / n + (0 if self.side.paired else 1))
        curved = weights * (1 + self._curved * 0.5 * (lengths.square() - squared.square().sum(1)) / n_pairs)
        if not self.side.paired:
            curved = curved + weights * self._straight * lengths / n
        slopes = 1 / (1 - straight.clamp(max=MOST_LEVERAGE))
        if self._no_slopes:
            slopes = torch.full_like(slopes, torch.nan)
        most = MOST_LEVERAGE if self.side.paired else _MOST_OF_A_UNIT  # pairs have nearly the same
        even = (self.even_inflation / (1 - curved.clamp(max=most))).sqrt()
        return slopes, slopes if self.side.paired else even, even

    def _leverage(self, share: float) -> float:
        """Of units that are no pairs: what is shrunk leaves residuals however many unknowns there are."""
        return min(share, MOST_LEVERAGE) if self.part is None or self.part.ridge > 0 else share

    def _shrinkage(self, part: QuadraticFit) -> Tensor:
        """(n, n) factor of each pair coefficient's influence, against that of a lone coefficient."""
        factor = (part.pair_variance / self.even_inflation).sqrt()
        return factor * (1 + _PENALTY_IS_ESTIMATED[self.side.paired] * part.pair_loss)

    def fold(self, values: Tensor, sign: int) -> Tensor:
        """Sum over each unit's masks; with ``sign=-1`` a complement counts negatively, as its centred mask does."""
        return values[::2] + sign * values[1::2] if self.side.paired else values

    def pair_scale(self, squared: Tensor) -> Tensor:
        """(n, n) variances of pair coefficients from the sums of :meth:`Chunk.squared_pairs`."""
        spread = self.design.inverse_spread
        variances = squared * (self.shrinkage * spread[:, None] * spread) ** 2
        if self.unsure:
            variances = torch.full_like(variances, torch.nan)
        return (variances + (self.bias.pairs() if self.bias else 0)).fill_diagonal_(0)

    @property
    def unsure(self) -> bool:
        """Whether pair terms get no errors."""
        if math.isnan(self.even_inflation):
            return True
        shrunk = self.part is not None and self.part.ridge > 0
        return shrunk and self.design.units < _FEWEST_UNITS + 0.5 * self.design.n_pairs

    def chunk(self, rows: slice) -> Chunk:
        """Influences of the units in ``rows`` of the masks."""
        return Chunk(self, rows)


class _Bias:
    """Squared bias of shrunk terms beyond what the penalty expects: strong terms that it takes for weak ones.

    Each is an estimate's square minus what that square is on average where there is no such excess, or zero.
    """

    def __init__(self, part: QuadraticFit, inverse_spread: Tensor, mean: Tensor) -> None:
        monomials = inverse_spread[:, None] * inverse_spread
        self._bias, self._expected = part.pair_bias * monomials, part.pair_bias_variance * monomials.square()
        self._mean = mean

    def pairs(self) -> Tensor:
        """(n, n) of pair coefficients."""
        return (self._bias.square() - self._expected).clamp_min(0)

    def linear(self) -> Tensor:
        """(n,) of the linear coefficients, from which pairs are subtracted at the mean mask."""
        return ((self._bias @ self._mean).square() - self._expected @ self._mean.square()).clamp_min(0)

    def constant(self) -> float:
        """Of the constant."""
        mean, squared = self._mean, self._mean.square()
        return max(float((0.5 * mean @ self._bias @ mean).square() - 0.5 * squared @ self._expected @ squared), 0.0)

    def sums(self, members: Tensor, weights: Tensor) -> Tensor:
        """(k,) of ``Σ_ij members_i weights_kj v_ij``, for (n,) members and (k, n) weights."""
        both = weights * members
        expected = weights.square() @ (self._expected @ members.square()) + ((both @ self._expected) * both).sum(1)
        return ((weights @ (self._bias @ members)).square() - expected).clamp_min(0)


class Chunk:
    """Some of the units; see :class:`Units`.

    Attributes:
        weights: (rows,) of the masks.
        centred: (rows, n) masks minus their mean.
        slope: (u, n) influence on a linear regression's slopes, per unit of residual.
    """

    def __init__(self, units: Units, rows: slice) -> None:
        side, design = units.side, units.design
        phi = design.phi[slice(rows.start // 2, rows.stop // 2) if side.paired else rows]
        self.weights = side.weights[rows].to(phi)
        self._mean, self._shrinkage = side.moments.mean_mask.to(phi), units.shrinkage.to(phi)
        self.centred = side.masks[rows].to(phi) - self._mean
        self.slope = (self.centred @ side.moments.gram_inverse.to(phi))[:: 2 if side.paired else 1]
        self._squared, self._scaled = phi.square(), phi * design.inverse_spread.to(phi)
        self.slope_inflation, odd, even = units.inflations(self._squared, units.fold(self.weights, +1))
        if units.part is not None:
            weighted = self.weights * units.part.residuals[rows].to(phi)
            self._odd, self._even = units.fold(weighted, -1) * odd, units.fold(weighted, +1) * even

    def quadratic_constant(self) -> Tensor:
        """(u,) influence on the polynomial's constant."""
        scaled, at_mean = self._scaled, self._scaled * self._mean
        pair_sum = 0.5 * torch.linalg.vecdot(at_mean @ self._shrinkage, at_mean)
        return self._even * (1 + pair_sum) - self._odd * (scaled @ self._mean)

    def quadratic_linear(self) -> Tensor:
        """(u, n) influence on the polynomial's linear coefficients."""
        scaled = self._scaled
        others = (scaled * self._mean) @ self._shrinkage  # Σ_{b≠a} s_ab φ_b μ_b/σ_b
        return self._odd[:, None] * scaled - self._even[:, None] * scaled * others

    def pair_sums(self, members: Tensor) -> Tensor:
        """(u, n) influence on every player's pair coefficients with ``members`` (n,), summed."""
        return self._even[:, None] * self._scaled * ((self._scaled * members) @ self._shrinkage)

    def squared_pairs(self) -> Tensor:
        """(n, n) sum of squared influences on the pair coefficients, up to :meth:`Units.pair_scale`."""
        return self._squared.T @ (self._even.square()[:, None] * self._squared)


def too_few(side: Modality, pairs: bool) -> bool:
    """Whether there are so few units that errors of linear terms, or of ``pairs`` too, would be guesses."""
    mean = side.moments.mean_mask
    units, rarer = side.units, float(torch.minimum(mean, 1 - mean).mean())
    return units * rarer ** (2 if pairs else 1) < _FEWEST_RARER
