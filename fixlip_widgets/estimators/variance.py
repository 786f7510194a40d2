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


@dataclass
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
    return Errors(scale * float(baseline.sqrt()), scale * main.sqrt().numpy(), scale * pairs.sqrt().numpy())


def samplings(fit: CrossModalFit) -> list[Sampling]:
    """Return the variances of ``fit`` from drawing the masks of each modality that is sampled."""
    image, text = fit.image, fit.text
    both = (
        Sampling(image, text, fit.image_part, fit.image_adjustment, fit.cross, fit.pairs) if image.sampled else None,
        Sampling(text, image, fit.text_part, fit.text_adjustment, fit.cross.T, fit.pairs) if text.sampled else None,
    )
    return [sampling for sampling in both if sampling is not None]


@dataclass
class _Variances:
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
        chunk: Influences of the units within their modality.
        slope: (u, n) influence on the slopes, per unit of residual.
        left: (u, n_other) residuals of the cross-modal part, along the other's slopes.
        moved: (u, d) influence on the mean embedding.
        explained: (rows, n_other) cross-modal part at every mask.
    """

    chunk: Chunk
    slope: Tensor
    left: Tensor
    moved: Tensor
    explained: Tensor


class Sampling:
    """Variances from drawing the masks of one modality (``side``), with those of the other fixed."""

    def __init__(
        self,
        side: Modality,
        other: Modality,
        part: QuadraticFit,
        adjustment: Adjustment | None,
        cross: Tensor,
        pairs: bool,
    ) -> None:
        self.side, self.other, self.cross, self.adjustment = side, other, cross.to(side.dtype), adjustment
        self.polynomial = part if pairs else None
        self.units = Units(side, part, pairs, adjustment.freedom if adjustment else 0.0)
        self.constant, self.linear = (each.to(side.dtype) for each in affine_directions(other, pairs))

    def variances(self) -> _Variances:
        """Accumulate squared influences over chunks of the units."""
        n, n_other, width = self.side.n, self.other.n, self.side.embeddings.shape[1]
        zeros = partial(torch.zeros, dtype=torch.float64, device=self.side.masks.device)
        total = _Variances(0.0, zeros(n), zeros(n_other), zeros(n, n), zeros(n_other, n_other), zeros(n, n_other))
        moved = _MovedPairs(self.other, width)
        for rows in chunks(len(self.side.masks)):
            self._add(rows, total, moved)
        if self.units.bias is not None:
            total.baseline += self.units.bias.constant()
            total.own_main += self.units.bias.linear()
        if rests_on_few(self.side, "constant", self.polynomial):
            total.baseline = math.nan
        if rests_on_few(self.side, "linear", self.polynomial):
            total.own_main.fill_(torch.nan)
        total.own_pairs = self.units.pair_scale(total.own_pairs)
        total.other_pairs = moved.variance()
        if self.units.few:
            total.other_pairs.fill_(torch.nan).fill_diagonal_(0)
        return total

    def flow(self, rows: slice) -> Flow:
        """Compute the contributions of the units in ``rows`` of the masks."""
        side, units, chunk = self.side, self.units, self.units.chunk(rows)
        offset = side.embeddings[rows].to(chunk.centred) - side.moments.mean_embedding.to(chunk.centred)
        explained, slope = chunk.centred @ self.cross, chunk.slope
        residuals = offset @ self.other.moments.slopes.T.to(offset) - explained
        if self.adjustment is not None:
            pair_effects, slope = self.adjustment.at(rows)
            residuals = residuals - pair_effects
        residuals = units.fold(chunk.weights[:, None] * residuals, -1) * chunk.slope_inflation[:, None]
        return Flow(chunk, slope, residuals, units.fold(chunk.weights[:, None] * offset, +1), explained)

    def _add(self, rows: slice, total: _Variances, moved_pairs: _MovedPairs) -> None:
        other, units, flow = self.other, self.units, self.flow(rows)
        chunk, slope, residuals = flow.chunk, flow.slope, flow.left
        mu, nu = self.side.moments.mean_mask.to(residuals), other.moments.mean_mask.to(residuals)
        explained = units.fold(chunk.weights[:, None] * flow.explained, +1)
        moved_pairs.add(flow.moved)
        baseline = chunk.quadratic_constant() + flow.moved @ (
            self.constant - other.moments.mean_embedding.to(residuals)
        )
        baseline = baseline + explained @ nu + (slope @ mu) * (residuals @ nu)

        total.baseline += float(baseline.square().sum())
        total.own_main += (chunk.quadratic_linear() - slope * (residuals @ nu)[:, None]).square().sum(0)
        total.other_main += (flow.moved @ self.linear.T - explained - (slope @ mu)[:, None] * residuals).square().sum(0)
        total.own_pairs += chunk.squared_pairs()
        total.cross += slope.square().T @ residuals.square()


class _MovedPairs:
    """Variance of one modality's pair terms from the sampling error of the other's mean embedding.

    The mean's error is the sum of the ``flow`` vectors; a pair coefficient's is its inner product with a direction.
    With few players, all directions are computed; with many, random signs estimate the variance.
    """

    def __init__(self, modality: Modality, width: int) -> None:
        self._modality = modality
        self._exact = modality.n <= _EXACT_UP_TO
        columns = width if self._exact else _PROBES
        self._flows = torch.zeros(width, columns, dtype=torch.float64, device=modality.masks.device)
        self._random = torch.Generator().manual_seed(0)

    def add(self, flow: Tensor) -> None:
        """Add influences on the mean embedding, ``flow`` (units, d)."""
        if self._exact:
            self._flows += flow.T @ flow
            return
        signs = torch.randint(0, 2, (len(flow), _PROBES), generator=self._random).to(flow) * 2 - 1
        self._flows += flow.T @ signs

    def variance(self) -> Tensor:
        """Return (n, n) variances of the pair coefficients."""
        if not self._exact:
            return self._pairs_of(self._flows).square().mean(0).fill_diagonal_(0)
        along = self._pairs_of(torch.eye(len(self._flows)).to(self._flows))
        return (along * torch.tensordot(self._flows, along, 1)).sum(0).fill_diagonal_(0)

    def _pairs_of(self, directions: Tensor) -> Tensor:
        """Return (k, n, n) pair coefficients of the embeddings' projections on each column of ``directions`` (d, k)."""
        modality = self._modality
        out = torch.zeros(directions.shape[1], modality.n, modality.n, dtype=torch.float64, device=directions.device)
        for rows in chunks(len(modality.masks)):
            phi = scaled_basis(modality, rows)
            values = (modality.embeddings[rows].double() - modality.moments.mean_embedding) @ directions
            weighted = (modality.weights[rows, None] * values).T
            for player in range(modality.n):
                out[:, player] += weighted @ (phi[:, player, None] * phi)
        return out


def affine_directions(modality: Modality, pairs: bool = True) -> tuple[Tensor, Tensor]:
    """Return constant (d,) and linear (n, d) coefficients of the embeddings' polynomial of degree ≤ 2 (or 1).

    To first order, their inner product with a direction equals a fit to the projections on that direction.
    """
    mean = modality.design.mean
    if not pairs:
        slopes = modality.moments.slopes
        return modality.moments.mean_embedding - slopes.T @ mean, slopes
    width = modality.embeddings.shape[1]
    slopes = torch.zeros(modality.n, width, dtype=torch.float64, device=modality.masks.device)
    curved = torch.zeros_like(slopes)
    for rows in chunks(len(modality.masks)):
        phi = scaled_basis(modality, rows)
        others = (phi @ mean)[:, None] - phi * mean
        values = modality.weights[rows, None] * (modality.embeddings[rows].double() - modality.moments.mean_embedding)
        slopes += phi.T @ values
        curved += (phi * others).T @ values
    return modality.moments.mean_embedding - slopes.T @ mean + 0.5 * curved.T @ mean, slopes - curved


def scaled_basis(modality: Modality, rows: slice) -> Tensor:
    """Return (rows, n) ``φ/σ = (z − μ)/σ²`` of every mask."""
    design = modality.design
    return (modality.masks[rows].double() - design.mean) * design.inverse_spread.square()
