"""The weighted regression over all image × text mask pairs, as three small ones.

Under a product of weighted empirical measures, polynomials of total degree ≤ 2 are an orthogonal sum of functions of
the image alone, functions of the text alone, and centred-linear × centred-linear. So the exact solution over
m_image · m_text rows needs neither a design matrix nor the matrix of similarities; see :func:`regress`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.adjustment import Adjustment, adjusted_slopes
from fixlip_widgets.estimators.moments import Moments
from fixlip_widgets.estimators.penalties import penalty_for
from fixlip_widgets.estimators.quadratic import QuadraticDesign, QuadraticFit, chunks

Floats = NDArray[np.float64]
_FLOAT32_FROM = 3e8
"""Multiplications per matrix-free product (m · n²) above which it runs in float32; in float64 a solve takes seconds."""


@dataclass(frozen=True)
class Fit:
    """The polynomial that an estimator returns, in raw logits, image players first.

    Attributes:
        baseline: Constant term.
        main: (n,) main effects.
        interactions: (n, n) symmetric, zero diagonal.
        ridge: Strength of the penalty on image–image terms; 0 is plain least squares.
        r2: Weighted R² on the fitted values; None if not computed.
    """

    baseline: float
    main: Floats
    interactions: Floats
    ridge: float = 0.0
    r2: float | None = None


@dataclass(eq=False)
class Modality:
    """One modality's encoded masks and the moments that the regression needs of them.

    Attributes:
        masks: (m, n) bool.
        embeddings: (m, d) unit norm.
        weights: (m,) float64, summing to 1.
        paired: Whether masks 2i and 2i + 1 are complements of each other.
        sampled: Whether the masks are a sample, rather than all masks.
        exact: Whether to compute in float64; float32 is twice as fast, and its error is far below that of sampling.
        p: Keep probability that sampled masks represent; None if unknown.
        drawn: (probability, number of masks) of each stream of sampled masks; empty if unknown.
        known_moments: Moments of these masks, if they are known already.
    """

    masks: Tensor
    embeddings: Tensor
    weights: Tensor
    paired: bool = False
    sampled: bool = True
    exact: bool = True
    p: float | None = None
    drawn: tuple[tuple[float, int], ...] = ()
    known_moments: Moments | None = None

    @classmethod
    def fixed(cls, embedding: Tensor) -> Modality:
        """Return a modality without players, whose embedding is always ``embedding`` (d,)."""
        masks = torch.ones(1, 0, dtype=torch.bool, device=embedding.device)
        weights = torch.ones(1, dtype=torch.float64, device=embedding.device)
        return cls(masks, embedding[None], weights, sampled=False)

    @property
    def n(self) -> int:
        """Number of players."""
        return self.masks.shape[1]

    @property
    def effective(self) -> float:
        """Effective number of masks (Kish)."""
        return float(1 / self.weights.square().sum())

    def fold(self, values: Tensor, sign: int = +1) -> Tensor:
        """Sum (m, …) values over the masks of each unit; ``sign=-1`` subtracts those of complements."""
        return values[::2] + sign * values[1::2] if self.paired else values

    @property
    def units(self) -> float:
        """Effective number of sampling units: masks, or complement pairs."""
        return float(1 / self.fold(self.weights).square().sum())

    @property
    def dtype(self) -> torch.dtype:
        """Type in which products over the masks are computed."""
        exact = self.exact or not self.sampled
        return torch.float64 if exact and len(self.masks) * self.n**2 <= _FLOAT32_FROM else torch.float32

    @cached_property
    def design(self) -> QuadraticDesign:
        """Design of the polynomials of degree ≤ 2 in this modality's players."""
        return QuadraticDesign(self.masks, self.weights, self.paired, self.dtype)

    @cached_property
    def moments(self) -> Moments:
        """Weighted sums over the masks."""
        return self.known_moments or Moments.of(self.masks, self.embeddings, self.weights, self.dtype)

    def along(self, direction: Tensor) -> Modality:
        """Return the same masks with the embeddings' projections on ``direction`` (d,) as embeddings, (m, 1)."""
        values, moments = self.project(direction)[:, None], self.moments.along(direction.double())
        modality = replace(self, embeddings=values, known_moments=moments)
        vars(modality)["design"] = self.design
        return modality

    def project(self, direction: Tensor) -> Tensor:
        """(m,) float64 inner products of the embeddings with ``direction`` (d,)."""
        direction = direction.to(self.dtype)
        return torch.cat([self.embeddings[rows].to(direction) @ direction for rows in chunks(len(self.masks))]).double()

    def fit(self, direction: Tensor, ridge: float | None, *, pairs: bool = True) -> QuadraticFit:
        """Fit a polynomial to :meth:`project`; a ridge applies only to sampled masks."""
        penalty = penalty_for(ridge if self.sampled else 0.0, pairs=pairs)
        return self.design.fit(self.project(direction), penalty)


@dataclass(frozen=True)
class CrossModalFit:
    """The three small regressions, before assembly.

    Attributes:
        image, text: The two modalities.
        image_part, text_part: Polynomials fitted to each modality's projections on the other's mean embedding.
        cross: (n_image, n_text) coefficients of the centred products.
        centre: Inner product of the two mean embeddings.
        image_adjustment, text_adjustment: The fits that removed the noise of pairs or triples from ``cross``; None if
            there were none.
        part_covariances: Results of :func:`.variance_shares.part_covariance` so far, by p and scale.
    """

    image: Modality
    text: Modality
    image_part: QuadraticFit
    text_part: QuadraticFit
    cross: Tensor
    centre: float
    image_adjustment: Adjustment | None
    text_adjustment: Adjustment | None
    part_covariances: dict[tuple[float, float], tuple[Floats, Floats]] = field(
        default_factory=dict[tuple[float, float], tuple[Floats, Floats]], compare=False, repr=False
    )

    @property
    def pairs(self) -> bool:
        """Whether pair terms within a modality were fitted."""
        return self.image_part.degree == 2

    def assemble(self, scale: float = 1.0, bias: float = 0.0) -> Fit:
        """Expand into one polynomial of all players, multiply it by ``scale``, and add ``bias``.

        ``prediction = image part + text part − ⟨ē_I, ē_T⟩ + Σ C_ab (z_a − μ_a)(t_b − ν_b)``.
        """
        mu, nu, cross = self.image.moments.mean_mask, self.text.moments.mean_mask, self.cross
        n_image = self.image.n
        baseline = self.image_part.constant + self.text_part.constant - self.centre + float(mu @ cross @ nu)
        main = torch.cat([self.image_part.linear - cross @ nu, self.text_part.linear - cross.T @ mu])
        interactions = torch.zeros(len(main), len(main), dtype=torch.float64, device=main.device)
        interactions[:n_image, :n_image] = self.image_part.pairs
        interactions[n_image:, n_image:] = self.text_part.pairs
        interactions[:n_image, n_image:], interactions[n_image:, :n_image] = cross, cross.T
        return Fit(
            baseline=scale * baseline + bias,
            main=(scale * main).cpu().numpy(),
            interactions=(scale * interactions).cpu().numpy(),
            ridge=self.image_part.ridge,
            r2=self.r2,
        )

    @cached_property
    def r2(self) -> float:
        """Weighted R² over all pairs of masks, computed from the moments."""
        image, text = self.image.moments, self.text.moments
        total = float((image.second_moment * text.second_moment).sum()) - self.centre**2
        if total <= 0:
            return 1.0
        explained = _explained(self.image, self.image_part, text.mean_embedding)
        explained += _explained(self.text, self.text_part, image.mean_embedding)
        products = 2 * image.slopes @ text.slopes.T - self.cross  # equal to cross unless it was adjusted
        spread = torch.linalg.pinv(image.gram_inverse, hermitian=True) @ products
        spread = spread @ torch.linalg.pinv(text.gram_inverse, hermitian=True)
        return (explained + float((spread * self.cross).sum())) / total


def _explained(modality: Modality, part: QuadraticFit, direction: Tensor) -> float:
    """Return the variance of the embeddings' projections on ``direction`` that ``part`` explains."""
    moments = modality.moments
    variance = float(direction @ moments.second_moment @ direction) - float(moments.mean_embedding @ direction) ** 2
    return variance - float(modality.weights @ part.residuals.square())


def regress(image: Modality, text: Modality, ridge: float | None = 0.0, *, pairs: bool = True) -> CrossModalFit:
    """Solve the three small regressions.

    Args:
        image: Image masks and embeddings.
        text: Text masks and embeddings.
        ridge: Penalty on pair terms within a sampled modality. None chooses it by cross-validation, and removes the
            noise of pairs or triples from the cross-modal terms; 0 is plain least squares.
        pairs: False omits pair terms within a modality, which leaves main effects and cross-modal interactions.
    """
    image_part = image.fit(text.moments.mean_embedding, ridge, pairs=pairs)
    text_part = text.fit(image.moments.mean_embedding, ridge, pairs=pairs)
    plain = cross = image.moments.slopes @ text.moments.slopes.T
    image_adjustment = text_adjustment = None
    if ridge is None and pairs:
        image_adjustment = _adjustment(image, text, image_part)
        text_adjustment = _adjustment(text, image, text_part)
    if image_adjustment is not None:
        cross = cross + (image_adjustment.slopes - plain)
    if text_adjustment is not None:
        cross = cross + (text_adjustment.slopes.T - plain)
    return CrossModalFit(
        image=image,
        text=text,
        image_part=image_part,
        text_part=text_part,
        cross=cross,
        centre=float(image.moments.mean_embedding @ text.moments.mean_embedding),
        image_adjustment=image_adjustment,
        text_adjustment=text_adjustment,
    )


def _adjustment(side: Modality, other: Modality, part: QuadraticFit) -> Adjustment | None:
    """Adjust ``side``'s slopes along those of ``other``, if its masks are a sample for a known p."""
    if not side.sampled or side.p is None or other.n == 0:
        return None
    return adjusted_slopes(side.design, side.moments, side.embeddings, other.moments.slopes, part, side.p)


def fit_crossmodal(
    image_masks: ArrayLike | Tensor,
    text_masks: ArrayLike | Tensor,
    image_embeddings: ArrayLike | Tensor,
    text_embeddings: ArrayLike | Tensor,
    image_weights: ArrayLike | Tensor | None = None,
    text_weights: ArrayLike | Tensor | None = None,
    scale: float = 1.0,
    bias: float = 0.0,
    order: int = 2,
    ridge: float | None = 0.0,
) -> Fit:
    """Weighted least squares of ``scale · E Hᵀ + bias`` on all monomials of degree ≤ 2 in the players.

    Args:
        image_masks: (m_image, n_image), True = kept.
        text_masks: (m_text, n_text), True = kept.
        image_embeddings: (m_image, d), unit norm.
        text_embeddings: (m_text, d), unit norm.
        image_weights: (m_image,); uniform by default, normalised to sum 1.
        text_weights: (m_text,); uniform by default, normalised to sum 1.
        scale: Factor of the cosine in the similarity logit.
        bias: Constant added in the similarity logit.
        order: 2.
        ridge: Penalty on pair coefficients within a modality; 0 is the paper's estimator, None cross-validates it.

    Returns:
        Baseline, main effects and interactions in raw logits.

    Raises:
        InputError: Shapes do not match, or ``order`` or weights are invalid.

    Source: FIxLIP's regression (Baniecki et al. 2025); the module's docstring explains why it decouples.
    """
    if order != 2:
        raise InputError(f"order is {order}; fit_crossmodal fits order 2.")
    image = _modality(image_masks, image_embeddings, image_weights, "image")
    text = _modality(text_masks, text_embeddings, text_weights, "text")
    if image.embeddings.shape[1] != text.embeddings.shape[1]:
        raise InputError(
            f"Image embeddings have {image.embeddings.shape[1]} dimensions and text embeddings "
            f"{text.embeddings.shape[1]}; they must agree."
        )
    return regress(image, text, ridge).assemble(scale, bias)


def _modality(masks: Any, embeddings: Any, weights: Any, name: str) -> Modality:
    masks, embeddings = torch.as_tensor(masks).bool(), torch.as_tensor(embeddings)
    weights = torch.full((len(masks),), 1.0) if weights is None else torch.as_tensor(weights)
    weights = weights.to(embeddings.device, torch.float64)
    if masks.ndim != 2 or embeddings.ndim != 2 or len(masks) != len(embeddings) or weights.shape != (len(masks),):
        raise InputError(
            f"{name} masks {tuple(masks.shape)}, embeddings {tuple(embeddings.shape)} and weights "
            f"{tuple(weights.shape)} do not belong together; expected (m, n), (m, d) and (m,)."
        )
    if len(masks) == 0 or bool((weights < 0).any()) or float(weights.sum()) <= 0:
        raise InputError(f"{name} weights must be non-negative with a positive sum, of at least one mask.")
    return Modality(masks.to(embeddings.device), embeddings, weights / weights.sum())
