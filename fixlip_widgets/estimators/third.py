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
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.crossmodal import Fit, Modality
from fixlip_widgets.estimators.influence import Units, rests_on_few
from fixlip_widgets.estimators.penalties import penalty_for
from fixlip_widgets.estimators.quadratic import QuadraticFit, chunks
from fixlip_widgets.estimators.variance import Errors, affine_directions, scaled_basis

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
    """

    image: Modality
    text: Modality
    image_parts: Sequence[QuadraticFit]
    text_parts: Sequence[QuadraticFit]

    @cached_property
    def _overlap(self) -> Tensor:
        """(1 + n_image, 1 + n_text) coefficients of ⟨E_l, H_l⟩, which both products contain."""
        return linear_directions(self.image) @ linear_directions(self.text).T

    def assemble(self, scale: float = 1.0, bias: float = 0.0) -> tuple[Fit, Floats, Floats]:
        """Assemble the polynomial of all players, in logits: terms up to order 2, and the two blocks of order 3.

        Returns:
            A fit, (n_text, n_image, n_image) image–image–text terms, and (n_image, n_text, n_text) image–text–text
            terms. The latter two are symmetric in their last axes, with zero diagonals.
        """
        n_image, n = self.image.n, self.image.n + self.text.n
        first, constant = self.image_parts[0], self.text_parts[0]
        overlap = self._overlap
        image_main = first.linear + _constants(self.text_parts[1:]) - overlap[1:, 0]
        text_main = constant.linear + _constants(self.image_parts[1:]) - overlap[0, 1:]
        cross = torch.stack([part.linear for part in self.image_parts[1:]], dim=1)
        cross = cross + torch.stack([part.linear for part in self.text_parts[1:]]) - overlap[1:, 1:]
        interactions = torch.zeros(n, n, dtype=torch.float64, device=cross.device)
        interactions[:n_image, :n_image], interactions[n_image:, n_image:] = first.pairs, constant.pairs
        interactions[:n_image, n_image:], interactions[n_image:, :n_image] = cross, cross.T
        fit = Fit(
            baseline=scale * (first.constant + constant.constant - float(overlap[0, 0])) + bias,
            main=(scale * torch.cat([image_main, text_main])).cpu().numpy(),
            interactions=(scale * interactions).cpu().numpy(),
            ridge=first.ridge,
        )
        image_image_text = scale * torch.stack([part.pairs for part in self.image_parts[1:]])
        image_text_text = scale * torch.stack([part.pairs for part in self.text_parts[1:]])
        return fit, image_image_text.cpu().numpy(), image_text_text.cpu().numpy()

    def standard_errors(self, scale: float = 1.0) -> tuple[Errors, Floats, Floats]:
        """Compute standard errors of the assembled terms, same shapes; enumerated modalities contribute none."""
        n_image, n = self.image.n, self.image.n + self.text.n
        alone, main, pairs = 0.0, np.zeros(n), np.zeros((n, n))
        image_image_text, image_text_text = (
            np.zeros((self.text.n, n_image, n_image)),
            np.zeros((n_image, self.text.n, self.text.n)),
        )
        i, t = slice(0, n_image), slice(n_image, n)
        for side, other, parts, own, others, own_pairs, other_pairs in (
            (self.image, self.text, self.image_parts, i, t, image_image_text, image_text_text),
            (self.text, self.image, self.text_parts, t, i, image_text_text, image_image_text),
        ):
            if not side.sampled:
                continue
            variances = _Variances.of(side, other, parts)
            alone += float(variances.alone[0])
            main[own] += variances.with_player[0]
            main[others] += variances.alone[1:]
            pairs[own, own] += variances.with_pair[0]
            pairs[others, others] += variances.other_pairs
            pairs[others, own] += variances.with_player[1:]
            pairs[own, others] += variances.with_player[1:].T
            own_pairs += variances.with_pair[1:]
            other_pairs += variances.player_and_pairs
        errors = Errors(scale * float(np.sqrt(alone)), scale * np.sqrt(main), scale * np.sqrt(pairs))
        return errors, scale * np.sqrt(image_image_text), scale * np.sqrt(image_text_text)


def regress_third(image: Modality, text: Modality, ridge: float | None = 0.0) -> ThirdOrderFit:
    """Solve the small fits; ``ridge`` acts on pairs of a sampled modality, and None cross-validates it for each fit."""

    def fits(modality: Modality, directions: Tensor) -> list[QuadraticFit]:
        strength = ridge if modality.sampled else 0.0
        return [modality.design.fit(modality.project(direction), penalty_for(strength)) for direction in directions]

    return ThirdOrderFit(image, text, fits(image, linear_directions(text)), fits(text, linear_directions(image)))


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
            alone,
            with_player,
            with_pair,
            other_pairs + other_pairs.T,
            player_and_pairs + player_and_pairs.transpose(0, 2, 1),
        )


def quadratic_directions(modality: Modality) -> Tensor:
    """Return (1 + n + n(n − 1)/2, d) coefficients of 1, z_a and z_a z_c in the embeddings' quadratic polynomial.

    Exact for enumerated masks, and to first order for sampled ones, which suffices for a variance.
    """
    first, second = torch.triu_indices(modality.n, modality.n, 1, device=modality.masks.device)
    if modality.sampled:
        constant, linear = affine_directions(modality)
        pairs = torch.zeros(len(first), len(constant), dtype=torch.float64, device=modality.masks.device)
        for rows in chunks(len(modality.masks)):
            phi = scaled_basis(modality, rows)
            values = modality.weights[rows, None] * (
                modality.embeddings[rows].double() - modality.moments.mean_embedding
            )
            pairs += (phi[:, first] * phi[:, second]).T @ values
        return torch.cat([constant[None], linear, pairs])
    masks = modality.masks.double()
    columns = torch.cat([torch.ones_like(masks[:, :1]), masks, masks[:, first] * masks[:, second]], dim=1)
    root = modality.weights.sqrt()[:, None]
    return torch.linalg.lstsq(root * columns, root * modality.embeddings.double()).solution


def _linear_monomials(side: Modality, directions: Tensor) -> tuple[Floats, Floats]:
    """Return (k,) and (n, k) variances of the constant and of z_a in linear regressions along k directions."""
    units, moments = Units(side, None), side.moments
    directions, mean = directions.to(side.dtype), moments.mean_mask.to(side.dtype)
    along = directions @ moments.slopes.T.to(directions)
    constant = torch.zeros(len(directions), dtype=torch.float64, device=side.masks.device)
    linear = torch.zeros(side.n, len(directions), dtype=torch.float64, device=side.masks.device)
    for rows in chunks(len(side.masks)):
        chunk = units.chunk(rows)
        offset = side.embeddings[rows].to(directions) - moments.mean_embedding.to(directions)
        residuals = chunk.weights[:, None] * (offset @ directions.T - chunk.centred @ along.T)
        odd = units.fold(residuals, -1) * chunk.slope_inflation[:, None]
        constant_influence = units.fold(residuals, +1) - (chunk.slope @ mean)[:, None] * odd
        constant += constant_influence.square().sum(0)
        linear += chunk.slope.square().T @ odd.square()
    return constant.cpu().numpy(), linear.cpu().numpy()


def _monomial(side: Modality, part: QuadraticFit, direction: Tensor) -> tuple[float, Floats, Floats]:
    """Return variances of the coefficients of 1, z_a and z_a z_c, for one monomial of the other modality."""
    units, moments = Units(side, part), side.moments
    direction, mean = direction.to(side.dtype), moments.mean_mask.to(side.dtype)
    along = moments.slopes.to(direction) @ direction
    constant, linear = 0.0, torch.zeros(side.n, dtype=torch.float64, device=side.masks.device)
    pairs = torch.zeros(side.n, side.n, dtype=torch.float64, device=side.masks.device)
    for rows in chunks(len(side.masks)):
        chunk = units.chunk(rows)
        offset = side.embeddings[rows].to(direction) - moments.mean_embedding.to(direction)
        residuals = offset @ direction - chunk.centred @ along
        odd = units.fold(chunk.weights * residuals, -1) * chunk.slope_inflation
        constant_influence = units.fold(chunk.weights * residuals, +1) - (chunk.slope @ mean) * odd
        constant += float((constant_influence + chunk.quadratic_constant()).square().sum())
        linear += (chunk.slope * odd[:, None] + chunk.quadratic_linear()).square().sum(0)
        pairs += chunk.squared_pairs()
    if units.bias is not None:
        constant, linear = constant + units.bias.constant(), linear + units.bias.linear()
    if rests_on_few(side, "constant", part):
        constant = math.nan
    if rests_on_few(side, "linear", part):
        linear.fill_(torch.nan)
    return constant, linear.cpu().numpy(), units.pair_scale(pairs).cpu().numpy()
