"""Sampling errors of the parts of a third-order surrogate's variance; :mod:`.variance_shares` has those of order 2.

In the products of ``z − p``, each coefficient of the surrogate is one of a regression of ``side``'s masks along one
direction of the other modality: its mean embedding, a slope, or a pair. The first two are quadratic regressions, the
last is linear. The regression along the mean is the sum of those along the constant and the slopes.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.crossmodal_regression import Modality
from fixlip_widgets.estimators.influence import Chunk, Units
from fixlip_widgets.estimators.third_order import ThirdOrderFit, quadratic_directions
from fixlip_widgets.estimators.variance_shares import PARTS, Coefficients

Floats = NDArray[np.float64]
THIRD_PARTS = (*PARTS, "third")


def third_part_covariance(
    fit: ThirdOrderFit, coefficients: Coefficients, image_image_text: Floats, image_text_text: Floats, scale: float
) -> tuple[Floats, Floats]:
    """Return the sampling covariance of the parts, and the variances of the first-order attributions.

    Args:
        fit: The regressions of the polynomial.
        coefficients: The polynomial, in logits; its pairs include p times the third-order terms.
        image_image_text: (n_text, n_image, n_image) third-order terms.
        image_text_text: (n_image, n_text, n_text) third-order terms.
        scale: Factor from the regressions' values to logits.

    Returns:
        (6, 6) covariance of :data:`THIRD_PARTS`, in logits⁴, to first order, with the squared bias of shrunk
        third-order terms; NaN if unknown. (n,) variances in logits².
    """
    n_image, n = fit.image.n, fit.image.n + fit.text.n
    i, t, (first, pairs, p) = slice(0, n_image), slice(n_image, n), coefficients
    covariance, variances = np.zeros((6, 6)), np.zeros(n)
    for side, other, parts, own, others, with_own, with_others, order in (
        (fit.image, fit.text, fit.image_parts, i, t, image_image_text, image_text_text, [0, 1, 2, 3, 4, 5]),
        (fit.text, fit.image, fit.text_parts, t, i, image_text_text, image_image_text, [1, 0, 3, 2, 4, 5]),
    ):
        if not side.sampled:
            continue
        terms = first[own], first[others], pairs[own, own], pairs[others, others], pairs[own, others]
        weights = _Weights(
            side, other, *(torch.from_numpy(each.copy()) for each in (*terms, with_own, with_others)), p=p
        )
        for chunks in zip(*(Units(side, part).chunks() for part in parts), strict=True):
            of_parts, of_first = weights.influences(chunks)
            covariance += (of_parts.T @ of_parts).cpu().numpy()[np.ix_(order, order)]
            variances[own] += of_first[:, : side.n].square().sum(0).cpu().numpy()
            variances[others] += of_first[:, side.n :].square().sum(0).cpu().numpy()
        covariance[5, 5] += (p * (1 - p) * scale * sum(part.excess_of_squares for part in parts[1:])) ** 2
    return scale**2 * covariance, scale**2 * variances


class _Weights:
    """Derivatives of the parts with respect to the coefficients, to weight the influences of ``side``'s masks.

    Args:
        side, other: The modality whose masks are drawn, and the other.
        first, other_first: (n,) and (n_other,) first-order attributions.
        own_pairs, other_pairs, cross: Pairs of ``side``'s players, of the other's, and of both.
        with_own: (n_other, n, n) third-order terms with two of ``side``'s players.
        with_others: (n, n_other, n_other) third-order terms with one.
        p: Probability of keeping a player.
    """

    def __init__(
        self,
        side: Modality,
        other: Modality,
        first: Tensor,
        other_first: Tensor,
        own_pairs: Tensor,
        other_pairs: Tensor,
        cross: Tensor,
        with_own: Tensor,
        with_others: Tensor,
        *,
        p: float,
    ) -> None:
        q, to = p * (1 - p), side.moments.mean_mask.to(side.dtype)
        self._own, self._others = 2 * q * first.to(to), 2 * q * other_first.to(to)
        self._pairs, self._cross = 2 * q**2 * own_pairs.to(to), 2 * q**2 * cross.to(to)
        self._with_own = 2 * q**3 * with_own.to(to)
        self._mean = [1.0, *other.moments.mean_mask.tolist()]
        i, j = torch.triu_indices(other.n, other.n, 1)
        per_pair = torch.cat([q**2 * other_pairs[i, j][None], q**3 * with_others[:, i, j]]).to(other.embeddings.device)
        self._along_pairs = (2 * per_pair @ quadratic_directions(other)[1 + other.n :]).to(to)  # (1 + n, d)
        self._slopes = side.moments.slopes.to(to) @ self._along_pairs.T

    def influences(self, chunks: tuple[Chunk, ...]) -> tuple[Tensor, Tensor]:
        """Return (u, 6) influences on the parts, own modality first, and (u, n + n_other) on first-order attributions.

        Args:
            chunks: Some of the units of the regressions along the other's constant and slopes.
        """
        alone, *with_player = chunks
        scaled = alone.scaled
        odd = torch.stack([chunk.odd for chunk in chunks], dim=1)
        even = torch.stack([chunk.even for chunk in with_player], dim=1)
        along_mean = odd @ odd.new_tensor(self._mean)
        own_pairs = [mean * chunk.sum_of_pairs(self._pairs) for mean, chunk in zip(self._mean, chunks, strict=True)]
        with_own = [chunk.sum_of_pairs(each) for chunk, each in zip(with_player, self._with_own, strict=True)]
        residuals = alone.offset @ self._along_pairs.T - alone.centred @ self._slopes
        with_others = torch.linalg.vecdot(alone.slope, alone.slope_residuals(residuals[:, 1:]))
        parts = [
            along_mean * (scaled @ self._own),
            even @ self._others,
            torch.stack(own_pairs).sum(0),
            alone.mean(residuals[:, :1])[:, 0],
            torch.linalg.vecdot(scaled @ self._cross, odd[:, 1:]),
            torch.stack(with_own).sum(0) + with_others,
        ]
        first_order = torch.cat([along_mean[:, None] * scaled, even], dim=1)
        return torch.stack(parts, dim=1).double(), first_order.double()
