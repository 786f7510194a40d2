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
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.crossmodal_regression import CrossModalFit, Modality
from fixlip_widgets.estimators.influence import Chunk, Units, rests_on_few
from fixlip_widgets.estimators.quadratic import chunks

Floats = NDArray[np.float64]
EXACT_UP_TO = 16
"""Maximum number of players for exact variances of the other modality's pair terms; above, random probes are used."""
PROBES = 16
"""Number of random probes, which give these variances a relative standard error of √(2/16), a third."""


@dataclass(frozen=True)
class Errors:
    """Standard errors of a :class:`~fixlip_widgets.estimators.crossmodal_regression.Fit`, same shapes, in logits."""

    baseline: float
    main: Floats
    interactions: Floats


def standard_errors(fit: CrossModalFit, scale: float = 1.0) -> Errors:
    """Compute standard errors of ``fit.assemble(scale, …)``.

    Enumerated modalities contribute none. The errors of terms that were not fitted are NaN.
    """
    n = fit.image.n + fit.text.n
    baseline, main, pairs = 0.0, torch.zeros(n, dtype=torch.float64), torch.zeros(n, n, dtype=torch.float64)
    for sampling in samplings(fit):
        of_baseline, of_main, of_pairs = sampling.variances()
        baseline += of_baseline
        main += of_main.cpu()
        pairs += of_pairs.cpu()
    if not fit.pairs:
        for block in (slice(0, fit.image.n), slice(fit.image.n, n)):
            pairs[block, block] = torch.nan
        pairs.fill_diagonal_(0)
    return Errors(
        baseline=scale * math.sqrt(baseline),
        main=scale * main.sqrt().numpy(),
        interactions=scale * pairs.sqrt().numpy(),
    )


def samplings(fit: CrossModalFit) -> list[Sampling]:
    """Return the variances of ``fit`` from drawing the masks of each modality that is sampled."""
    modalities: tuple[Literal["image", "text"], ...] = ("image", "text")
    return [Sampling(fit, modality) for modality in modalities if getattr(fit, modality).sampled]


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
        fit: The regressions.
        modality: The modality whose masks are drawn.

    Attributes:
        side, other: That modality, and the other.
        own, others: Their players among those of both modalities.
        units: Sampling units of ``side``.
        adjustment: Adjustment of ``side``'s slopes.
        cross: (n, n_other) cross-modal coefficients.
        constant, linear: (d,) and (n_other, d) coefficients of the other embeddings' polynomial.
    """

    def __init__(self, fit: CrossModalFit, modality: Literal["image", "text"]) -> None:
        image, text = slice(0, fit.image.n), slice(fit.image.n, fit.image.n + fit.text.n)
        if modality == "image":
            self.side, self.other, self.own, self.others = fit.image, fit.text, image, text
            part, self.adjustment, cross = fit.image_part, fit.image_adjustment, fit.cross
        else:
            self.side, self.other, self.own, self.others = fit.text, fit.image, text, image
            part, self.adjustment, cross = fit.text_part, fit.text_adjustment, fit.cross.T
        dtype = self.side.dtype
        self.cross = cross.to(dtype)
        self.units = Units(self.side, part, self.adjustment.freedom if self.adjustment else 0.0)
        self.constant, self.linear = (each.to(dtype) for each in affine_directions(self.other, part.degree))

    def variances(self) -> tuple[float, Tensor, Tensor]:
        """Return the variances of the baseline, of (n,) main effects and of (n, n) interactions of all players."""
        side, other, units, own, others = self.side, self.other, self.units, self.own, self.others
        n, device = side.n + other.n, side.masks.device
        baseline, main = 0.0, torch.zeros(n, dtype=torch.float64, device=device)
        pairs = torch.zeros(n, n, dtype=torch.float64, device=device)
        moved_pairs = _MovedPairs(other, side.embeddings.shape[1])
        for chunk in units.chunks():
            flow = self.flow(chunk)
            of_baseline, of_own, of_others = self.affine_influences(chunk, flow)
            baseline += float(of_baseline.square().sum())
            main[own] += of_own.square().sum(0)
            main[others] += of_others.square().sum(0)
            pairs[own, own] += chunk.squared_pairs()
            pairs[own, others] += flow.slope.square().T @ flow.residuals.square()
            moved_pairs.add(flow.moved)
        pairs[own, own] = units.pair_scale(pairs[own, own])
        pairs[others, own] = pairs[own, others].T
        pairs[others, others] = moved_pairs.variance()
        if units.few:
            pairs[others, others] = torch.nan
            pairs.fill_diagonal_(0)
        if units.bias is not None:
            baseline += units.bias.constant()
            main[own] += units.bias.linear()
        if rests_on_few(side, "constant", units.part):
            baseline = math.nan
        if rests_on_few(side, "linear", units.part):
            main[own] = torch.nan
        return baseline, main, pairs

    def affine_influences(self, chunk: Chunk, flow: Flow) -> tuple[Tensor, Tensor, Tensor]:
        """Return influences on the baseline (u,), and on own (u, n) and others' (u, n_other) main effects."""
        mu, nu = self.side.moments.mean_mask.to(flow.slope), self.other.moments.mean_mask.to(flow.slope)
        constant = self.constant - self.other.moments.mean_embedding.to(flow.slope)
        at_mean, along_mean = flow.slope @ mu, flow.residuals @ nu
        of_baseline = chunk.quadratic_constant() + flow.moved @ constant
        of_baseline = of_baseline + flow.explained @ nu + at_mean * along_mean
        of_own = chunk.quadratic_linear() - flow.slope * along_mean[:, None]
        of_others = flow.moved @ self.linear.T - flow.explained - at_mean[:, None] * flow.residuals
        return of_baseline, of_own, of_others

    def flow(self, chunk: Chunk) -> Flow:
        """Compute the contributions of some of the units."""
        explained, slope = chunk.centred @ self.cross, chunk.slope
        residuals = chunk.offset @ self.other.moments.slopes.T.to(chunk.offset) - explained
        if self.adjustment is not None:
            effects, slope = self.adjustment.at(chunk.rows)
            residuals = residuals - effects
        return Flow(
            slope=slope,
            residuals=chunk.slope_residuals(residuals),
            moved=chunk.mean(chunk.offset),
            explained=chunk.mean(explained),
        )


class _MovedPairs:
    """Variance of one modality's pair terms from the sampling error of the other's mean embedding.

    The mean's error is the sum of the units' influences on it; a pair coefficient's error is the inner product of that
    sum with a direction. With few players, all directions are computed; with many, random signs estimate the variance.
    """

    def __init__(self, modality: Modality, width: int) -> None:
        self._modality = modality
        self._exact = modality.n <= EXACT_UP_TO
        columns = width if self._exact else PROBES
        self._sums = torch.zeros(width, columns, dtype=torch.float64, device=modality.masks.device)
        self._random = torch.Generator().manual_seed(0)

    def add(self, moved: Tensor) -> None:
        """Add (u, d) influences on the mean embedding."""
        if self._exact:
            self._sums += moved.T @ moved
            return
        signs = torch.randint(0, 2, (len(moved), PROBES), generator=self._random).to(moved) * 2 - 1
        self._sums += moved.T @ signs

    def variance(self) -> Tensor:
        """Return (n, n) variances of the pair coefficients."""
        if not self._exact:
            return pair_coefficients(self._modality, self._sums).square().mean(0).fill_diagonal_(0)
        along = pair_coefficients(self._modality, torch.eye(len(self._sums)).to(self._sums))
        return (along * torch.tensordot(self._sums, along, 1)).sum(0).fill_diagonal_(0)


def pair_coefficients(modality: Modality, directions: Tensor) -> Tensor:
    """Return (k, n, n) pair coefficients of the embeddings' projections on each column of ``directions`` (d, k)."""
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
