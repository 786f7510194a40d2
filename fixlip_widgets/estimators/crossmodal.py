"""The weighted regression over all image × text mask pairs, as three small ones.

Under a product of weighted empirical measures, polynomials of total degree ≤ 2 are an orthogonal sum of functions of
the image alone, functions of the text alone, and centred-linear × centred-linear. So the exact solution over
m_image · m_text rows needs neither a design matrix nor the matrix of similarities; see :func:`fit_crossmodal`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.quadratic import QuadraticDesign, QuadraticFit, chunks

Floats = NDArray[np.float64]
_FLOAT32_FROM = 3e8
"""Multiplications per matrix-free product (m · n²) from which it runs in float32: float64 would take seconds."""


@dataclass(frozen=True)
class Fit:
    """What an estimator returns; everything in raw logits, players image first.

    Attributes:
        baseline: Constant term.
        main: (n,) main effects.
        interactions: (n, n) symmetric, zero diagonal.
        ridge: Strength of the penalty on image–image terms that was used; 0 is plain least squares.
        r2: Weighted R² on the fitted pairs; None where it was not asked for.
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
        paired: Masks 2i and 2i + 1 are complements of each other.
        sampled: The masks are a sample; False when they are all there are.
        exact: Fit polynomials in float64; float32 is twice as fast and its error far below that of sampling.
    """

    masks: Tensor
    embeddings: Tensor
    weights: Tensor
    paired: bool = False
    sampled: bool = True
    exact: bool = True

    @property
    def n(self) -> int:
        """Number of players."""
        return self.masks.shape[1]

    @cached_property
    def design(self) -> QuadraticDesign:
        """Of the polynomial of degree ≤ 2 in this modality's players."""
        exact = self.exact or not self.sampled
        dtype = torch.float64 if exact and len(self.masks) * self.n**2 <= _FLOAT32_FROM else torch.float32
        return QuadraticDesign(self.masks, self.weights, self.paired, dtype)

    @cached_property
    def mean_mask(self) -> Tensor:
        """(n,) weighted mean of the masks."""
        return self._weighted_sums(lambda rows: self.masks[rows].double())

    @cached_property
    def mean_embedding(self) -> Tensor:
        """(d,) weighted mean of the embeddings."""
        return self._weighted_sums(lambda rows: self.embeddings[rows].double())

    def _weighted_sums(self, of: Any) -> Tensor:
        return sum((self.weights[rows] @ of(rows) for rows in chunks(len(self.masks))), start=torch.zeros(()))  # pyright: ignore[reportReturnType]

    @cached_property
    def gram_inverse(self) -> Tensor:
        """(n, n) pseudo-inverse of the centred masks' weighted Gram matrix."""
        gram = torch.zeros(self.n, self.n, dtype=torch.float64, device=self.masks.device)
        for rows in chunks(len(self.masks)):
            centred = self.masks[rows].double() - self.mean_mask
            gram += centred.T @ (self.weights[rows, None] * centred)
        return torch.linalg.pinv(gram, hermitian=True)

    @cached_property
    def slopes(self) -> Tensor:
        """(n, d) weighted linear regression of the embeddings on the masks."""
        sums = torch.zeros(self.n, self.embeddings.shape[1], dtype=torch.float64, device=self.masks.device)
        for rows in chunks(len(self.masks)):
            centred = self.masks[rows].double() - self.mean_mask
            sums += (self.weights[rows, None] * centred).T @ self.embeddings[rows].double()
        return self.gram_inverse @ sums

    def project(self, direction: Tensor) -> Tensor:
        """(m,) inner products of the embeddings with ``direction`` (d,), in float64."""
        return torch.cat([self.embeddings[rows].double() @ direction for rows in chunks(len(self.masks))])


@dataclass(frozen=True)
class CrossModalFit:
    """The three small regressions, before they are put together.

    Attributes:
        image, text: The two modalities.
        image_part, text_part: Polynomials of cosine averages: of the image masks with the mean text embedding, and of
            the text masks with the mean image embedding.
        cross: (n_image, n_text) coefficients of the centred products.
        centre: Inner product of the two mean embeddings.
    """

    image: Modality
    text: Modality
    image_part: QuadraticFit
    text_part: QuadraticFit
    cross: Tensor
    centre: float

    def assemble(self, scale: float = 1.0, bias: float = 0.0) -> Fit:
        """Expand into one polynomial of all players, times ``scale``, plus ``bias``.

        ``prediction = image part + text part − ⟨ē_I, ē_T⟩ + Σ C_ab (z_a − μ_a)(t_b − ν_b)``.
        """
        mu, nu, cross = self.image.mean_mask, self.text.mean_mask, self.cross
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
        """Weighted R² over all pairs of masks, from the small moments alone."""
        image, text = self.image, self.text
        total = _second_moment(image, text) - self.centre**2
        unexplained = total - self._explained()
        return 1.0 - unexplained / total if total > 0 else 1.0

    def _explained(self) -> float:
        raise_image = _variance(self.image, self.text.mean_embedding) - self._left(self.image, self.image_part)
        raise_text = _variance(self.text, self.image.mean_embedding) - self._left(self.text, self.text_part)
        products = torch.linalg.pinv(self.image.gram_inverse, hermitian=True) @ self.cross
        products = products @ torch.linalg.pinv(self.text.gram_inverse, hermitian=True)
        return raise_image + raise_text + float((products * self.cross).sum())

    @staticmethod
    def _left(modality: Modality, part: QuadraticFit) -> float:
        return float(modality.weights @ part.residuals.square())


def _second_moment(image: Modality, text: Modality) -> float:
    """Weighted mean of squared cosines over all pairs: ⟨EᵀWE, HᵀUH⟩."""
    moments: list[Tensor] = []
    for side in (image, text):
        width = side.embeddings.shape[1]
        moment = torch.zeros(width, width, dtype=torch.float64, device=side.embeddings.device)
        for rows in chunks(len(side.masks)):
            values = side.embeddings[rows].double()
            moment += values.T @ (side.weights[rows, None] * values)
        moments.append(moment)
    return float((moments[0] * moments[1]).sum())


def _variance(modality: Modality, direction: Tensor) -> float:
    values = modality.project(direction)
    return float(modality.weights @ values.square() - (modality.weights @ values).square())


def regress(image: Modality, text: Modality, ridge: float | None = 0.0) -> CrossModalFit:
    """Solve the three small regressions; ``ridge`` acts on image–image terms alone (None: cross-validated)."""
    image_part = image.design.fit(image.project(text.mean_embedding), 0.0 if not image.sampled else ridge)
    text_part = text.design.fit(text.project(image.mean_embedding), 0.0 if not text.sampled else ridge)
    cross = image.slopes @ text.slopes.T
    centre = float(image.mean_embedding @ text.mean_embedding)
    return CrossModalFit(image, text, image_part, text_part, cross, centre)


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
        image_masks, text_masks: (m_image, n_image) and (m_text, n_text), True = kept.
        image_embeddings, text_embeddings: (m_image, d) and (m_text, d), unit norm.
        image_weights, text_weights: (m_image,) and (m_text,); uniform by default, normalised to sum 1.
        scale, bias: Of the similarity logit.
        order: 2.
        ridge: Penalty on pair coefficients within a modality; 0 is the paper's estimator, None cross-validates it.

    Returns:
        Baseline, main effects and interactions in raw logits.

    Raises:
        InputError: Shapes do not fit together.

    Source: FIxLIP's regression (Baniecki et al. 2025); its decoupling is derived in this module's docstring.
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
