"""Cross-modal terms of order 3, image–image–text and image–text–text, from small solves in each modality.

Under a product of weighted measures, the best polynomial in the space (degree 2 in the image × degree 1 in the text) +
(degree 1 × degree 2) is an inclusion–exclusion of the projections on the two products. With E_q, E_l the quadratic and
the linear regression of image embeddings on image masks, and H_q, H_l those of text embeddings on text masks::

    prediction(z, t) = ⟨E_q(z), H_l(t)⟩ + ⟨E_l(z), H_q(t)⟩ − ⟨E_l(z), H_l(t)⟩

After expansion in the monomials of one modality, each coefficient is one scalar fit in the other: 1 + n_text fits of
image masks and 1 + n_image fits of text masks.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.crossmodal_regression import Fit, Modality
from fixlip_widgets.estimators.influence import Chunk, Units, rests_on_few
from fixlip_widgets.estimators.quadratic import QuadraticFit
from fixlip_widgets.estimators.standard_errors import Errors, affine_directions, scaled_basis

Floats = NDArray[np.float64]
_DIRECTIONS = 1024
"""Pairs of the other modality per product, which bounds the temporary arrays."""


@dataclass(frozen=True)
class ThirdOrderFit:
    """The small fits of an order-3 regression, before assembly.

    Attributes:
        image, text: The two modalities.
        image_parts: (1 + n_text) polynomials of the image masks: along H_l's constant, then along each token's slope.
        text_parts: (1 + n_image) polynomials of the text masks: along E_l's constant, then along each patch's slope.
        overlap: (1 + n_image, 1 + n_text) coefficients of ⟨E_l, H_l⟩, which both products contain.
    """

    image: Modality
    text: Modality
    image_parts: Sequence[QuadraticFit]
    text_parts: Sequence[QuadraticFit]
    overlap: Tensor

    def assemble(self, scale: float = 1.0, bias: float = 0.0) -> tuple[Fit, Floats, Floats]:
        """Assemble the polynomial of all players, in logits: terms up to order 2, and the two blocks of order 3.

        Returns:
            A fit, (n_text, n_image, n_image) image–image–text terms, and (n_image, n_text, n_text) image–text–text
            terms. The latter two are symmetric in their last axes, with zero diagonals.
        """
        n_image, n = self.image.n, self.image.n + self.text.n
        (image_alone, *with_token), (text_alone, *with_patch), overlap = self.image_parts, self.text_parts, self.overlap
        image_main = image_alone.linear + _constants(with_patch) - overlap[1:, 0]
        text_main = text_alone.linear + _constants(with_token) - overlap[0, 1:]
        cross = torch.stack([part.linear for part in with_token], dim=1)
        cross = cross + torch.stack([part.linear for part in with_patch]) - overlap[1:, 1:]
        interactions = torch.zeros(n, n, dtype=torch.float64, device=cross.device)
        interactions[:n_image, :n_image] = image_alone.pairs
        interactions[n_image:, n_image:] = text_alone.pairs
        interactions[:n_image, n_image:], interactions[n_image:, :n_image] = cross, cross.T
        fit = Fit(
            baseline=scale * (image_alone.constant + text_alone.constant - float(overlap[0, 0])) + bias,
            main=(scale * torch.cat([image_main, text_main])).cpu().numpy(),
            interactions=(scale * interactions).cpu().numpy(),
            ridge=image_alone.ridge,
        )
        image_image_text = scale * torch.stack([part.pairs for part in with_token])
        image_text_text = scale * torch.stack([part.pairs for part in with_patch])
        return fit, image_image_text.cpu().numpy(), image_text_text.cpu().numpy()

    def standard_errors(self, scale: float = 1.0) -> tuple[Errors, Floats, Floats]:
        """Compute standard errors of the assembled terms, same shapes; enumerated modalities contribute none."""
        n_image, n_text = self.image.n, self.text.n
        n = n_image + n_text
        baseline, main, pairs = 0.0, np.zeros(n), np.zeros((n, n))
        image_image_text = np.zeros((n_text, n_image, n_image))
        image_text_text = np.zeros((n_image, n_text, n_text))
        i, t = slice(0, n_image), slice(n_image, n)
        for side, other, parts, own, others, own_pairs, other_pairs in (
            (self.image, self.text, self.image_parts, i, t, image_image_text, image_text_text),
            (self.text, self.image, self.text_parts, t, i, image_text_text, image_image_text),
        ):
            if not side.sampled:
                continue
            variances = _Variances.of(side, other, parts)
            baseline += float(variances.alone[0])
            main[own] += variances.with_player[0]
            main[others] += variances.alone[1:]
            pairs[own, own] += variances.with_pair[0]
            pairs[others, others] += variances.other_pairs
            pairs[others, own] += variances.with_player[1:]
            pairs[own, others] += variances.with_player[1:].T
            own_pairs += variances.with_pair[1:]
            other_pairs += variances.player_and_pairs
        errors = Errors(
            baseline=scale * float(np.sqrt(baseline)),
            main=scale * np.sqrt(main),
            interactions=scale * np.sqrt(pairs),
        )
        return errors, scale * np.sqrt(image_image_text), scale * np.sqrt(image_text_text)


def regress_third(image: Modality, text: Modality, ridge: float | None = 0.0) -> ThirdOrderFit:
    """Solve the small fits; ``ridge`` acts on pairs of a sampled modality, and None cross-validates it for each fit."""
    along_image, along_text = linear_directions(image), linear_directions(text)
    return ThirdOrderFit(
        image=image,
        text=text,
        image_parts=[image.fit(direction, ridge) for direction in along_text],
        text_parts=[text.fit(direction, ridge) for direction in along_image],
        overlap=along_image @ along_text.T,
    )


def linear_directions(modality: Modality) -> Tensor:
    """Return (1 + n, d) constant and slopes of the linear regression of the embeddings on the masks."""
    moments = modality.moments
    return torch.cat([(moments.mean_embedding - moments.slopes.T @ moments.mean_mask)[None], moments.slopes])


def _constants(parts: Sequence[QuadraticFit]) -> Tensor:
    return torch.tensor([part.constant for part in parts], dtype=torch.float64).to(parts[0].linear)


@dataclass(frozen=True)
class _Variances:
    """Variances of the terms from drawing the masks of one modality (``side``).

    The coefficient of a monomial of ``side`` and one of ``other`` is that of E_q along the latter's direction in H_l,
    plus that of E_l along its direction in H_q − H_l (with E and H swapped if ``side`` is the text).

    Attributes:
        alone: (1 + n_other,) for the other modality's monomials 1, t_b.
        with_player: (1 + n_other, n) for those times z_a.
        with_pair: (1 + n_other, n, n) for those times z_a z_c.
        other_pairs: (n_other, n_other) for t_b t_c.
        player_and_pairs: (n, n_other, n_other) for z_a t_b t_c.
    """

    alone: Floats
    with_player: Floats
    with_pair: Floats
    other_pairs: Floats
    player_and_pairs: Floats

    @classmethod
    def of(cls, side: Modality, other: Modality, parts: Sequence[QuadraticFit]) -> _Variances:
        """Compute the variances; ``parts`` are polynomials of ``side``'s masks along the other's linear directions."""
        n, n_other = side.n, other.n
        quadratic, linear = quadratic_directions(other), linear_directions(other)
        alone, with_player = np.zeros(1 + n_other), np.zeros((1 + n_other, n))
        with_pair = np.zeros((1 + n_other, n, n))
        for index, part in enumerate(parts):
            alone[index], with_player[index], with_pair[index] = _monomial(side, part, quadratic[index] - linear[index])
        other_pairs, player_and_pairs = np.zeros((n_other, n_other)), np.zeros((n, n_other, n_other))
        first, second = np.triu_indices(n_other, 1)
        if len(first):
            blocks = [_linear_monomials(side, some) for some in quadratic[1 + n_other :].split(_DIRECTIONS)]
            other_pairs[first, second] = np.concatenate([level for level, _ in blocks])
            player_and_pairs[:, first, second] = np.concatenate([slopes for _, slopes in blocks], axis=1)
        return cls(
            alone=alone,
            with_player=with_player,
            with_pair=with_pair,
            other_pairs=other_pairs + other_pairs.T,
            player_and_pairs=player_and_pairs + player_and_pairs.transpose(0, 2, 1),
        )


def quadratic_directions(modality: Modality) -> Tensor:
    """Return (1 + n + n(n − 1)/2, d) coefficients of 1, z_a and z_a z_c in the embeddings' quadratic polynomial.

    Exact for enumerated masks, and to first order for sampled ones, which suffices for a variance.
    """
    first, second = torch.triu_indices(modality.n, modality.n, 1, device=modality.masks.device)
    constant, linear = affine_directions(modality)
    pairs = torch.zeros(len(first), len(constant), dtype=torch.float64, device=modality.masks.device)
    for phi, values in scaled_basis(modality):
        pairs += (phi[:, first] * phi[:, second]).T @ values
    return torch.cat([constant[None], linear, pairs])


def _linear_monomials(side: Modality, directions: Tensor) -> tuple[Floats, Floats]:
    """Return (k,) and (n, k) variances of the constant and of z_a in linear regressions along (k, d) directions."""
    units, mean, directions = Units(side, None), side.moments.mean_mask.to(side.dtype), directions.to(side.dtype)
    constant = torch.zeros(len(directions), dtype=torch.float64, device=side.masks.device)
    linear = torch.zeros(side.n, len(directions), dtype=torch.float64, device=side.masks.device)
    for chunk in units.chunks():
        on_mean, along_slopes = _residuals(side, chunk, directions)
        constant += (on_mean - (chunk.slope @ mean)[:, None] * along_slopes).square().sum(0)
        linear += chunk.slope.square().T @ along_slopes.square()
    return constant.cpu().numpy(), linear.cpu().numpy()


def _monomial(side: Modality, part: QuadraticFit, direction: Tensor) -> tuple[float, Floats, Floats]:
    """Return variances of the coefficients of 1, z_a and z_a z_c, for one monomial of the other modality.

    They are the coefficients of ``part`` plus those of a linear regression along ``direction`` (d,).
    """
    units, mean, direction = Units(side, part), side.moments.mean_mask.to(side.dtype), direction.to(side.dtype)
    constant, linear = 0.0, torch.zeros(side.n, dtype=torch.float64, device=side.masks.device)
    pairs = torch.zeros(side.n, side.n, dtype=torch.float64, device=side.masks.device)
    for chunk in units.chunks():
        on_mean, along_slopes = (each[:, 0] for each in _residuals(side, chunk, direction[None]))
        linear_constant = on_mean - (chunk.slope @ mean) * along_slopes
        constant += float((linear_constant + chunk.quadratic_constant()).square().sum())
        linear += (chunk.slope * along_slopes[:, None] + chunk.quadratic_linear()).square().sum(0)
        pairs += chunk.squared_pairs()
    if units.bias is not None:
        constant, linear = constant + units.bias.constant(), linear + units.bias.linear()
    if rests_on_few(side, "constant", part):
        constant = math.nan
    if rests_on_few(side, "linear", part):
        linear.fill_(torch.nan)
    return constant, linear.cpu().numpy(), units.pair_scale(pairs).cpu().numpy()


def _residuals(side: Modality, chunk: Chunk, directions: Tensor) -> tuple[Tensor, Tensor]:
    """Return (u, k) influences on the means of linear regressions along (k, d) directions, and on their slopes."""
    along = side.moments.slopes.to(directions) @ directions.T
    residuals = chunk.offset @ directions.T - chunk.centred @ along
    return chunk.mean(residuals), chunk.slope_residuals(residuals)
