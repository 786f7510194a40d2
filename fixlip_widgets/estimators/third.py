"""Order 3, cross-modal: image–image–text and image–text–text terms, from small solves of each modality.

Under a product of weighted measures the best polynomial of the space (degree 2 in the image × degree 1 in the text) +
(degree 1 × degree 2) is an inclusion–exclusion of the two products' projections. With E_q, E_l the quadratic and the
linear regression of image embeddings on image masks, and H_q, H_l those of text embeddings on text masks::

    prediction(z, t) = ⟨E_q(z), H_l(t)⟩ + ⟨E_l(z), H_q(t)⟩ − ⟨E_l(z), H_l(t)⟩

Expanded in one modality's monomials, each coefficient is one scalar fit of the other: 1 + n_text fits of image masks
and 1 + n_image fits of text masks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.crossmodal import Fit, Modality
from fixlip_widgets.estimators.quadratic import QuadraticFit, chunks
from fixlip_widgets.estimators.variance import Errors, Units

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ThirdOrderFit:
    """The small fits of an order-3 regression, before they are put together.

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
        """(1 + n_image, 1 + n_text) coefficients of ⟨E_l, H_l⟩: the part that both products contain."""
        return linear_directions(self.image) @ linear_directions(self.text).T

    def assemble(self, scale: float = 1.0, bias: float = 0.0) -> tuple[Fit, Floats, Floats]:
        """The polynomial of all players, in logits: terms up to order 2, then the two blocks of order 3.

        Returns:
            A fit, (n_text, n_image, n_image) image–image–text terms, (n_image, n_text, n_text) image–text–text terms;
            the last two symmetric in their last axes with zero diagonals.
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
        """Standard errors of :meth:`assemble`'s terms, same shapes; NaN throughout where text masks are a sample."""
        n_image, n_text = self.image.n, self.text.n
        if self.text.sampled:
            n = n_image + n_text
            nothing = Errors(np.nan, np.full(n, np.nan), np.full((n, n), np.nan))
            return nothing, np.full((n_text, n_image, n_image), np.nan), np.full((n_image, n_text, n_text), np.nan)
        if not self.image.sampled:
            n = n_image + n_text
            exact = Errors(0.0, np.zeros(n), np.zeros((n, n)))
            return exact, np.zeros((n_text, n_image, n_image)), np.zeros((n_image, n_text, n_text))
        return _image_sampling(self, scale)


def regress_third(image: Modality, text: Modality, ridge: float | None = 0.0) -> ThirdOrderFit:
    """Solve the small fits; ``ridge`` acts on pairs of a sampled modality, cross-validated for each fit where None."""

    def fits(modality: Modality, directions: Tensor) -> list[QuadraticFit]:
        strength = ridge if modality.sampled else 0.0
        return [modality.design.fit(modality.project(direction), strength) for direction in directions]

    return ThirdOrderFit(image, text, fits(image, linear_directions(text)), fits(text, linear_directions(image)))


def linear_directions(modality: Modality) -> Tensor:
    """(1 + n, d) constant and slopes of the linear regression of the embeddings on the masks."""
    moments = modality.moments
    return torch.cat([(moments.mean_embedding - moments.slopes.T @ moments.mean_mask)[None], moments.slopes])


def _constants(parts: Sequence[QuadraticFit]) -> Tensor:
    return torch.tensor([part.constant for part in parts], dtype=torch.float64).to(parts[0].linear)


def _image_sampling(fit: ThirdOrderFit, scale: float) -> tuple[Errors, Floats, Floats]:
    """Sandwich variances over image masks, one text monomial (1, t_b, t_b t_c) after the other.

    The coefficient of an image monomial and a text monomial is that of E_q along the text monomial's direction in H_l,
    plus that of E_l along its direction in H_q − H_l.
    """
    image, n_image, n_text = fit.image, fit.image.n, fit.text.n
    quadratic = _text_directions(fit.text)
    linear = linear_directions(fit.text)
    alone = np.zeros(1 + n_text)
    with_patch = np.zeros((1 + n_text, n_image))
    with_pair = np.zeros((1 + n_text, n_image, n_image))
    for index, part in enumerate(fit.image_parts):
        alone[index], with_patch[index], with_pair[index] = _monomial(image, part, quadratic[index] - linear[index])
    first, second = np.triu_indices(n_text, 1)
    text_pairs = np.zeros((n_text, n_text))
    image_text_text = np.zeros((n_image, n_text, n_text))
    for b, c, direction in zip(first, second, quadratic[1 + n_text :], strict=True):
        text_pairs[b, c], image_text_text[:, b, c], _ = _monomial(image, None, direction)
    image_text_text = image_text_text + image_text_text.transpose(0, 2, 1)

    pairs = np.zeros((n_image + n_text, n_image + n_text))
    pairs[:n_image, :n_image], pairs[n_image:, n_image:] = with_pair[0], text_pairs + text_pairs.T
    pairs[n_image:, :n_image], pairs[:n_image, n_image:] = with_patch[1:], with_patch[1:].T
    errors = Errors(
        scale * float(np.sqrt(alone[0])),
        scale * np.sqrt(np.concatenate([with_patch[0], alone[1:]])),
        scale * np.sqrt(pairs),
    )
    return errors, scale * np.sqrt(with_pair[1:]), scale * np.sqrt(image_text_text)


def _text_directions(text: Modality) -> Tensor:
    """(1 + n + n(n − 1)/2, d) coefficients of H_q: constant, tokens, pairs of tokens; exact for enumerated masks."""
    first, second = torch.triu_indices(text.n, text.n, 1)
    masks = text.masks.double()
    columns = torch.cat([torch.ones_like(masks[:, :1]), masks, masks[:, first] * masks[:, second]], dim=1)
    root = text.weights.sqrt()[:, None]
    return torch.linalg.lstsq(root * columns, root * text.embeddings.double()).solution


def _monomial(image: Modality, part: QuadraticFit | None, direction: Tensor) -> tuple[float, Floats, Floats]:
    """Variances of the coefficients of 1, z_a and z_a z_c, for one text monomial."""
    units = Units(image, part)
    moments = image.moments
    along = moments.slopes @ direction
    constant, linear = 0.0, torch.zeros(image.n, dtype=torch.float64, device=image.masks.device)
    pairs = torch.zeros(image.n, image.n, dtype=torch.float64, device=image.masks.device)
    for rows in chunks(len(image.masks)):
        chunk = units.chunk(rows)
        left = (image.embeddings[rows].double() - moments.mean_embedding) @ direction - chunk.centred @ along
        straight = units.fold(chunk.weights * left, -1) * units.slope_inflation
        level = units.fold(chunk.weights * left, +1) - (chunk.slope @ moments.mean_mask) * straight
        slopes = chunk.slope * straight[:, None]
        if part is not None:
            level = level + chunk.quadratic_constant()
            slopes = slopes + chunk.quadratic_linear()
            pairs += chunk.squared_pairs()
        constant += float(level.square().sum())
        linear += slopes.square().sum(0)
    if units.bias is not None:
        constant, linear = constant + units.bias.constant(), linear + units.bias.linear()
    return constant, linear.cpu().numpy(), units.pair_scale(pairs).cpu().numpy()
