"""Standard errors: the variability of the result over draws of the masks.

Rows of the full regression share masks, so the sampling units are the masks of each modality (a complement pair is one
unit). The error of a coefficient is asymptotically the sum of the units' influences, ``coefficient error ≈ Σ_u ψ_u``.
Its variance is estimated by ``Σ_u ψ_u²``, the sandwich estimator of White (1980), which is robust against
heteroscedasticity and misspecification of the surrogate. Residuals are divided by 1 − leverage (HC3, MacKinnon & White
1985). For the leverage and for pairs, the Gram matrix is replaced by its expectation, the identity.

If a ridge shrinks the image–image terms, their variance is that of Wahba (1983) for smoothing with a cross-validated
penalty. This Bayesian variance includes the squared bias, averaged over coefficients.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.adjustment import Adjustment
from fixlip_widgets.estimators.crossmodal import CrossModalFit, Modality
from fixlip_widgets.estimators.influence import Chunk, Units, rests_on_few
from fixlip_widgets.estimators.quadratic import QuadraticFit, chunks

Floats = NDArray[np.float64]
_EXACT_UP_TO = 16
"""Maximum number of players for exact variances of the other modality's pair terms; above, random probes are used."""
_PROBES = 16
"""Number of random probes, which give these variances a relative standard error of √(2/16), a third."""


@dataclass(frozen=True)
class Errors:
    """Standard errors of a :class:`~fixlip_widgets.estimators.crossmodal.Fit`, same shapes, in logits."""

    baseline: float
    main: Floats
    interactions: Floats


def standard_errors(fit: CrossModalFit, scale: float = 1.0) -> Errors:
    """Compute standard errors of ``fit.assemble(scale, …)``.

    Enumerated modalities contribute none. The errors of terms that were not fitted are NaN.
    """
    n_image, n = fit.image.n, fit.image.n + fit.text.n
    baseline = torch.zeros((), dtype=torch.float64)
    main, pairs = torch.zeros(n, dtype=torch.float64), torch.zeros(n, n, dtype=torch.float64)
    image, text = slice(0, n_image), slice(n_image, n)
    for sampling in samplings(fit):
        own, others = (image, text) if sampling.side is fit.image else (text, image)
        variance = sampling.variances()
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
    return Errors(
        baseline=scale * float(baseline.sqrt()),
        main=scale * main.sqrt().numpy(),
        interactions=scale * pairs.sqrt().numpy(),
    )


def samplings(fit: CrossModalFit) -> list[Sampling]:
    """Return the variances of ``fit`` from drawing the masks of each modality that is sampled."""
    image, text = fit.image, fit.text
    return [
        Sampling(side, other, part, adjustment, cross)
        for side, other, part, adjustment, cross in (
            (image, text, fit.image_part, fit.image_adjustment, fit.cross),
            (text, image, fit.text_part, fit.text_adjustment, fit.cross.T),
        )
        if side.sampled
    ]


@dataclass
class _Variances:
    """Variances of all terms from drawing one modality's masks; "own" terms are those of its players."""

    baseline: float
    own_main: Tensor
    other_main: Tensor
    own_pairs: Tensor
    other_pairs: Tensor
    cross: Tensor


@dataclass(frozen=True, eq=False)
class Flow:
    """Contributions of some of the units to the terms that involve the other modality.

    Attributes:
        slope: (u, n) influence on the slopes, per unit of residual.
        residuals: (u, n_other) residuals of the cross-modal part, along the other's slopes.
        moved: (u, d) influence on the mean embedding.
        explained: (u, n_other) influence on the mean of the cross-modal part.
    """

    slope: Tensor
    residuals: Tensor
    moved: Tensor
    explained: Tensor


class Sampling:
    """Variances from drawing the masks of one modality, with those of the other fixed.

    Args:
        side: The modality whose masks are drawn.
        other: The other modality.
        part: Polynomial of ``side``'s masks.
        adjustment: Adjustment of ``side``'s slopes.
        cross: (n, n_other) cross-modal coefficients.
    """

    def __init__(
        self, side: Modality, other: Modality, part: QuadraticFit, adjustment: Adjustment | None, cross: Tensor
    ) -> None:
        self.side, self.other, self.cross, self.adjustment = side, other, cross.to(side.dtype), adjustment
        self.units = Units(side, part, adjustment.freedom if adjustment else 0.0)
        self.constant, self.linear = (each.to(side.dtype) for each in affine_directions(other, part.degree))

    def variances(self) -> _Variances:
        """Accumulate squared influences over chunks of the units."""
        n, n_other, width = self.side.n, self.other.n, self.side.embeddings.shape[1]
        zeros = partial(torch.zeros, dtype=torch.float64, device=self.side.masks.device)
        total = _Variances(
            baseline=0.0,
            own_main=zeros(n),
            other_main=zeros(n_other),
            own_pairs=zeros(n, n),
            other_pairs=zeros(n_other, n_other),
            cross=zeros(n, n_other),
        )
        moved = _MovedPairs(self.other, width)
        for chunk in self.units.chunks():
            self._add(chunk, total, moved)
        if self.units.bias is not None:
            total.baseline += self.units.bias.constant()
            total.own_main += self.units.bias.linear()
        if rests_on_few(self.side, "constant", self.units.part):
            total.baseline = math.nan
        if rests_on_few(self.side, "linear", self.units.part):
            total.own_main.fill_(torch.nan)
        total.own_pairs = self.units.pair_scale(total.own_pairs)
        total.other_pairs = moved.variance()
        if self.units.few:
            total.other_pairs.fill_(torch.nan).fill_diagonal_(0)
        return total

    def flow(self, chunk: Chunk) -> Flow:
        """Compute the contributions of some of the units."""
        explained, slope = chunk.centred @ self.cross, chunk.slope
        residuals = chunk.offset @ self.other.moments.slopes.T.to(chunk.offset) - explained
        if self.adjustment is not None:
            pair_effects, slope = self.adjustment.at(chunk.rows)
            residuals = residuals - pair_effects
        return Flow(
            slope=slope,
            residuals=chunk.slope_residuals(residuals),
            moved=chunk.mean(chunk.offset),
            explained=chunk.mean(explained),
        )

    def _add(self, chunk: Chunk, total: _Variances, moved_pairs: _MovedPairs) -> None:
        """Add the squared influences of some of the units, except that pair terms still need a factor."""
        flow = self.flow(chunk)
        slope, residuals, moved, explained = flow.slope, flow.residuals, flow.moved, flow.explained
        mu, nu = self.side.moments.mean_mask.to(residuals), self.other.moments.mean_mask.to(residuals)
        centre = self.other.moments.mean_embedding.to(residuals)
        at_mean, along_mean = slope @ mu, residuals @ nu

        baseline = chunk.quadratic_constant() + moved @ (self.constant - centre) + explained @ nu + at_mean * along_mean
        own_main = chunk.quadratic_linear() - slope * along_mean[:, None]
        other_main = moved @ self.linear.T - explained - at_mean[:, None] * residuals
        total.baseline += float(baseline.square().sum())
        total.own_main += own_main.square().sum(0)
        total.other_main += other_main.square().sum(0)
        total.own_pairs += chunk.squared_pairs()
        total.cross += slope.square().T @ residuals.square()
        moved_pairs.add(moved)


class _MovedPairs:
    """Variance of one modality's pair terms from the sampling error of the other's mean embedding.

    The mean's error is the sum of the units' influences on it; a pair coefficient's error is the inner product of that
    sum with a direction. With few players, all directions are computed; with many, random signs estimate the variance.
    """

    def __init__(self, modality: Modality, width: int) -> None:
        self._modality = modality
        self._exact = modality.n <= _EXACT_UP_TO
        columns = width if self._exact else _PROBES
        self._sums = torch.zeros(width, columns, dtype=torch.float64, device=modality.masks.device)
        self._random = torch.Generator().manual_seed(0)

    def add(self, moved: Tensor) -> None:
        """Add (u, d) influences on the mean embedding."""
        if self._exact:
            self._sums += moved.T @ moved
            return
        signs = torch.randint(0, 2, (len(moved), _PROBES), generator=self._random).to(moved) * 2 - 1
        self._sums += moved.T @ signs

    def variance(self) -> Tensor:
        """Return (n, n) variances of the pair coefficients."""
        if not self._exact:
            return self._pairs_of(self._sums).square().mean(0).fill_diagonal_(0)
        along = self._pairs_of(torch.eye(len(self._sums)).to(self._sums))
        return (along * torch.tensordot(self._sums, along, 1)).sum(0).fill_diagonal_(0)

    def _pairs_of(self, directions: Tensor) -> Tensor:
        """Return (k, n, n) pair coefficients of the embeddings' projections on each column of ``directions`` (d, k)."""
        modality = self._modality
        out = torch.zeros(directions.shape[1], modality.n, modality.n, dtype=torch.float64, device=directions.device)
        for phi, values in scaled_basis(modality):
            along = (values @ directions).T
            for player in range(modality.n):
                out[:, player] += along @ (phi[:, player, None] * phi)
        return out


def affine_directions(modality: Modality, degree: int = 2) -> tuple[Tensor, Tensor]:
    """Return constant (d,) and linear (n, d) coefficients of the embeddings' polynomial of ``degree`` 1 or 2.

    To first order, their inner product with a direction equals a fit to the projections on that direction.
    """
    mean, centre = modality.design.mean, modality.moments.mean_embedding
    if degree == 1:
        slopes = modality.moments.slopes
        return centre - slopes.T @ mean, slopes
    slopes = torch.zeros(modality.n, len(centre), dtype=torch.float64, device=modality.masks.device)
    curved = torch.zeros_like(slopes)
    for phi, values in scaled_basis(modality):
        others = (phi @ mean)[:, None] - phi * mean
        slopes += phi.T @ values
        curved += (phi * others).T @ values
    return centre - slopes.T @ mean + 0.5 * curved.T @ mean, slopes - curved


def scaled_basis(modality: Modality) -> Iterator[tuple[Tensor, Tensor]]:
    """Iterate over chunks of masks: (rows, n) ``φ/σ = (z − μ)/σ²`` and (rows, d) weighted, centred embeddings."""
    design, centre = modality.design, modality.moments.mean_embedding
    for rows in chunks(len(modality.masks)):
        phi = (modality.masks[rows].double() - design.mean) * design.inverse_spread.square()
        yield phi, modality.weights[rows, None] * (modality.embeddings[rows].double() - centre)
