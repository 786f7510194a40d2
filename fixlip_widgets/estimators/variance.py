"""Standard errors: how much the result would move had other masks been drawn.

Rows of the big regression share masks, so the sampling units are the masks of each modality (complement pairs count
as one unit). Every coefficient is asymptotically a sum over units of an influence, ``coefficient error ≈ Σ_u ψ_u``, and
its variance is estimated by ``Σ_u ψ_u²``: the sandwich estimator of White (1980), robust against heteroscedasticity
and against the surrogate being wrong. Residuals are divided by 1 − leverage (HC3, MacKinnon & White 1985), leverage
being spread evenly over units, and the Gram matrix of pairs is replaced by its expectation, the identity.

Where a ridge shrinks the image–image terms, their variance is Wahba's (1983) Bayesian one for smoothing with a
cross-validated penalty, which contains the squared bias on average over coefficients.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.crossmodal import CrossModalFit, Modality
from fixlip_widgets.estimators.quadratic import QuadraticFit, chunks

Floats = NDArray[np.float64]
_EXACT_UP_TO = 16
"""Players up to which the other modality's pair terms get their exact share of the variance; above, random probes."""
_PROBES = 16
_MOST_LEVERAGE = 0.9
_PENALTY_IS_ESTIMATED = 0.35
"""Widens the interval of a shrunk term by this times the share that it lost: Wahba's takes the penalty as known. So
simulated 95 % intervals cover 93–97 %."""
_FEWEST_UNITS = 0.5
"""Units per pair term below which these get no errors: what the penalty expects is then hardly more than a guess."""


@dataclass
class Errors:
    """Standard errors of a :class:`~fixlip_widgets.estimators.crossmodal.Fit`, same shapes, in logits."""

    baseline: float
    main: Floats
    interactions: Floats


def standard_errors(fit: CrossModalFit, scale: float = 1.0) -> Errors:
    """Standard errors of ``fit.assemble(scale, …)``; a modality whose masks are all there are adds none.

    Terms that were not fitted have none: NaN.
    """
    n_image, n = fit.image.n, fit.image.n + fit.text.n
    baseline = torch.zeros((), dtype=torch.float64)
    main, pairs = torch.zeros(n, dtype=torch.float64), torch.zeros(n, n, dtype=torch.float64)
    image, text = slice(0, n_image), slice(n_image, n)
    directions = (
        (fit.image, fit.text, fit.image_part, fit.cross, image, text),
        (fit.text, fit.image, fit.text_part, fit.cross.T, text, image),
    )
    for side, other, part, cross, own, others in directions:
        if not side.sampled:
            continue
        variance = _Sampling(side, other, part, cross, fit.pairs).variances()
        baseline += variance.baseline
        main[own] += variance.own_main.cpu()
        main[others] += variance.other_main.cpu()
        pairs[own, own] += variance.own_pairs.cpu()
        pairs[others, others] += variance.other_pairs.cpu()
        pairs[own, others] += variance.cross.cpu()
        pairs[others, own] += variance.cross.T.cpu()
    if not fit.pairs:
        for block in (image, text):
            pairs[block, block] = torch.nan
        pairs.fill_diagonal_(0)
    return Errors(scale * float(baseline.sqrt()), scale * main.sqrt().numpy(), scale * pairs.sqrt().numpy())


@dataclass
class _Variances:
    baseline: float
    own_main: Tensor
    other_main: Tensor
    own_pairs: Tensor
    other_pairs: Tensor
    cross: Tensor


class Units:
    """The sampling units of one modality, and the influence that each has on a polynomial fitted to its masks.

    Attributes:
        slope_inflation: HC3 factor of residuals of a linear regression on the masks.
    """

    def __init__(self, side: Modality, part: QuadraticFit | None, pairs: bool = True) -> None:
        """``part``: a polynomial of the masks; None where only linear regressions are asked about."""
        self.side, self.part, self.design = side, part, side.design
        units, n = self.design.units, side.n
        curved = (1 + (part.pair_freedom if part else 0)) / units
        straight = (n if side.paired else n + 1) / units
        if side.paired:
            self.even_inflation, self.odd_inflation = _inflation(curved), _inflation(straight)
        else:
            self.even_inflation = self.odd_inflation = _inflation(min(curved + n / units, _MOST_LEVERAGE))
        self.slope_inflation = _inflation(straight)
        self.shrinkage = self._shrinkage(part) if part and pairs else torch.zeros(n, n, dtype=torch.float64)
        self.bias = _Bias(part, self.design.inverse_spread, side.moments.mean_mask) if part and pairs else None

    def _shrinkage(self, part: QuadraticFit) -> Tensor:
        """(n, n) factor of each pair coefficient's influence, against that of a lone coefficient."""
        factor = (part.pair_variance / self.even_inflation).sqrt()
        return factor * (1 + _PENALTY_IS_ESTIMATED * part.pair_loss)

    def fold(self, values: Tensor, sign: int) -> Tensor:
        """Sum over each unit's masks; with ``sign=-1`` a complement counts negatively, as its centred mask does."""
        return values[::2] + sign * values[1::2] if self.side.paired else values

    def pair_scale(self, squared: Tensor) -> Tensor:
        """(n, n) variances of pair coefficients from the sums of :meth:`Chunk.squared_pairs`."""
        spread = self.design.inverse_spread
        variances = squared * (self.shrinkage * spread[:, None] * spread) ** 2
        if self.design.units < _FEWEST_UNITS * self.design.n_pairs:
            variances = torch.full_like(variances, torch.nan)
        return (variances + (self.bias.pairs() if self.bias else 0)).fill_diagonal_(0)

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


class Chunk:
    """Some of the units; see :class:`Units`.

    Attributes:
        weights: (rows,) of the masks.
        centred: (rows, n) masks minus their mean.
        slope: (u, n) influence on a linear regression's slopes, per unit of residual.
    """

    def __init__(self, units: Units, rows: slice) -> None:
        side, design = units.side, units.design
        self._units = units
        self.weights = side.weights[rows]
        self.centred = side.masks[rows].double() - side.moments.mean_mask
        self.slope = (self.centred @ side.moments.gram_inverse)[:: 2 if side.paired else 1]
        self._mean = side.moments.mean_mask
        phi = design.phi[slice(rows.start // 2, rows.stop // 2) if side.paired else rows].double()
        self._squared, self._scaled = phi.square(), phi * design.inverse_spread
        if units.part is not None:
            weighted = self.weights * units.part.residuals[rows]
            self._odd = units.fold(weighted, -1) * units.odd_inflation
            self._even = units.fold(weighted, +1) * units.even_inflation

    def quadratic_constant(self) -> Tensor:
        """(u,) influence on the polynomial's constant."""
        scaled, at_mean = self._scaled, self._scaled * self._mean
        pair_sum = 0.5 * torch.linalg.vecdot(at_mean @ self._units.shrinkage, at_mean)
        return self._even * (1 + pair_sum) - self._odd * (scaled @ self._mean)

    def quadratic_linear(self) -> Tensor:
        """(u, n) influence on the polynomial's linear coefficients."""
        scaled = self._scaled
        others = (scaled * self._mean) @ self._units.shrinkage  # Σ_{b≠a} s_ab φ_b μ_b/σ_b
        return self._odd[:, None] * scaled - self._even[:, None] * scaled * others

    def squared_pairs(self) -> Tensor:
        """(n, n) sum of squared influences on the pair coefficients, up to :meth:`Units.pair_scale`."""
        return self._squared.T @ (self._even.square()[:, None] * self._squared)


def _inflation(leverage: float) -> float:
    """HC3's factor of residuals; NaN where the fit has nearly as many unknowns as units: its residuals say nothing."""
    return 1 / (1 - leverage) if leverage <= _MOST_LEVERAGE else float("nan")


class _Sampling:
    """Variances that come from drawing the masks of one modality (``side``), the other one's being fixed."""

    def __init__(self, side: Modality, other: Modality, part: QuadraticFit, cross: Tensor, pairs: bool) -> None:
        self.side, self.other, self.cross = side, other, cross
        self.units = Units(side, part, pairs)
        self.constant, self.linear = _affine_directions(other, pairs)

    def variances(self) -> _Variances:
        """Accumulate squared influences over the units, a chunk at a time."""
        n, n_other, width = self.side.n, self.other.n, self.side.embeddings.shape[1]
        zeros = partial(torch.zeros, dtype=torch.float64, device=self.side.masks.device)
        total = _Variances(0.0, zeros(n), zeros(n_other), zeros(n, n), zeros(n_other, n_other), zeros(n, n_other))
        moved = _MovedPairs(self.other, width)
        for rows in chunks(len(self.side.masks)):
            self._add(rows, total, moved)
        if self.units.bias is not None:
            total.baseline += self.units.bias.constant()
            total.own_main += self.units.bias.linear()
        total.own_pairs = self.units.pair_scale(total.own_pairs)
        total.other_pairs = moved.variance()
        return total

    def _add(self, rows: slice, total: _Variances, moved_pairs: _MovedPairs) -> None:
        side, other, cross, units = self.side, self.other, self.cross, self.units
        chunk = units.chunk(rows)
        mu, nu, slope = side.moments.mean_mask, other.moments.mean_mask, chunk.slope
        offset = side.embeddings[rows].double() - side.moments.mean_embedding
        explained = chunk.centred @ cross

        left = chunk.weights[:, None] * (offset @ other.moments.slopes.T - explained)
        left = units.fold(left, -1) * units.slope_inflation  # (units, n_other) residuals of the cross-modal part
        moved = units.fold(chunk.weights[:, None] * (offset @ self.linear.T - explained), +1)
        flow = units.fold(chunk.weights[:, None] * offset, +1)
        moved_pairs.add(flow)
        baseline = chunk.quadratic_constant() + flow @ (self.constant - other.moments.mean_embedding)
        baseline = baseline + units.fold(chunk.weights * (explained @ nu), +1) + (slope @ mu) * (left @ nu)

        total.baseline += float(baseline.square().sum())
        total.own_main += (chunk.quadratic_linear() - slope * (left @ nu)[:, None]).square().sum(0)
        total.other_main += (moved - (slope @ mu)[:, None] * left).square().sum(0)
        total.own_pairs += chunk.squared_pairs()
        total.cross += slope.square().T @ left.square()


class _MovedPairs:
    """Variance of one modality's pair terms because the other one's mean embedding is an estimate.

    That mean moves by the sum of ``flow`` vectors, each pair coefficient by their inner product with its direction.
    With few players all directions are computed; with many, random signs stand in for the sum over units.
    """

    def __init__(self, modality: Modality, width: int) -> None:
        self._modality = modality
        self._exact = modality.n <= _EXACT_UP_TO
        columns = width if self._exact else _PROBES
        self._flows = torch.zeros(width, columns, dtype=torch.float64, device=modality.masks.device)
        self._random = torch.Generator().manual_seed(0)

    def add(self, flow: Tensor) -> None:
        """``flow``: (units, d)."""
        signs = torch.randint(0, 2, (len(flow), _PROBES), generator=self._random).to(flow) * 2 - 1
        self._flows += flow.T @ (flow if self._exact else signs)

    def variance(self) -> Tensor:
        """(n, n) variances of the pair coefficients."""
        if not self._exact:
            return self._pairs_of(self._flows).square().mean(0).fill_diagonal_(0)
        values, vectors = torch.linalg.eigh(self._flows)
        strong = values > 1e-12 * values[-1]
        moved = self._pairs_of(vectors[:, strong] * values[strong].sqrt())
        return moved.square().sum(0).fill_diagonal_(0)

    def _pairs_of(self, directions: Tensor) -> Tensor:
        """(k, n, n) pair coefficients of the embeddings' inner products with each column of ``directions`` (d, k)."""
        modality = self._modality
        out = torch.zeros(directions.shape[1], modality.n, modality.n, dtype=torch.float64, device=directions.device)
        for rows in chunks(len(modality.masks)):
            phi = _basis(modality, rows)
            values = (modality.embeddings[rows].double() - modality.moments.mean_embedding) @ directions
            for index, column in enumerate((modality.weights[rows, None] * values).T):
                out[index] += phi.T @ (column[:, None] * phi)
        return out


def _affine_directions(modality: Modality, pairs: bool) -> tuple[Tensor, Tensor]:
    """Constant (d,) and linear (n, d) coefficients of the embeddings as a polynomial of the masks, of degree ≤ 2 or 1.

    Their inner product with a direction is, to first order, what fitting the projections on it would give.
    """
    mean = modality.design.mean
    if not pairs:
        slopes = modality.moments.slopes
        return modality.moments.mean_embedding - slopes.T @ mean, slopes
    width = modality.embeddings.shape[1]
    slopes = torch.zeros(modality.n, width, dtype=torch.float64, device=modality.masks.device)
    curved = torch.zeros_like(slopes)
    for rows in chunks(len(modality.masks)):
        phi = _basis(modality, rows)
        others = (phi @ mean)[:, None] - phi * mean
        values = modality.weights[rows, None] * (modality.embeddings[rows].double() - modality.moments.mean_embedding)
        slopes += phi.T @ values
        curved += (phi * others).T @ values
    return modality.moments.mean_embedding - slopes.T @ mean + 0.5 * curved.T @ mean, slopes - curved


def _basis(modality: Modality, rows: slice) -> Tensor:
    """(rows, n) ``φ/σ = (z − μ)/σ²`` of every mask."""
    design = modality.design
    return (modality.masks[rows].double() - design.mean) * design.inverse_spread.square()
