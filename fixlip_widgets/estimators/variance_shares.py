"""Sampling errors of the parts of a surrogate's variance (ANOVA).

Each part is a sum of squared Fourier coefficients, ``A = Σ c²``. To first order, its error is
``Σ_u Σ_S 2 c_S ψ_u(c_S)``: the influences ψ of each sampling unit (:mod:`.influence`) are summed before squaring,
because all terms are estimated from the same masks. Squares of the errors themselves add ``2 Σ Var(c)²`` to the
variance. Shrunk terms add the square of their estimated bias beyond the penalty's expectation.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.crossmodal_regression import CrossModalFit, Modality
from fixlip_widgets.estimators.standard_errors import Sampling, samplings, scaled_basis
from fixlip_widgets.estimators.sums import pair_directions

Floats = NDArray[np.float64]
PARTS = ("image", "text", "image_image", "text_text", "cross")
"""Main effects of each modality, and pairs within and across modalities."""


class Coefficients(NamedTuple):
    """Terms of a polynomial whose squares are the parts.

    Attributes:
        first_order: (n,) first-order attributions, ``main + p Σ interactions``.
        pairs: (n, n) interactions, symmetric with a zero diagonal.
        p: Probability of keeping a player.
    """

    first_order: Floats
    pairs: Floats
    p: float


def part_covariance(fit: CrossModalFit, coefficients: Coefficients, scale: float) -> tuple[Floats, Floats]:
    """Return the sampling covariance of the parts, and the variances of the first-order attributions.

    Args:
        fit: The regression of the polynomial.
        coefficients: The polynomial, in logits.
        scale: Factor from the regression's values to logits.

    Returns:
        (5, 5) covariance of :data:`PARTS`, in logits⁴, to first order, with squared biases; NaN if unknown. (n,)
        variances in logits².
    """
    n = fit.image.n + fit.text.n
    first, pairs = torch.from_numpy(coefficients.first_order.copy()), torch.from_numpy(coefficients.pairs.copy())
    covariance, variances = torch.zeros(5, 5, dtype=torch.float64), torch.zeros(n, dtype=torch.float64)
    for sampling in samplings(fit):
        of_parts, of_first = _sampled(sampling, first.to(fit.cross), pairs.to(fit.cross), coefficients.p)
        order = [0, 1, 2, 3, 4] if sampling.side is fit.image else [1, 0, 3, 2, 4]
        assert sampling.units.part is not None, "a regression has a polynomial in each modality"
        of_parts[2, 2] += (scale * sampling.units.part.excess_of_squares) ** 2
        covariance += of_parts[order][:, order].cpu()
        variances += of_first.cpu()
    return scale**2 * covariance.numpy(), scale**2 * variances.numpy()


def _sampled(sampling: Sampling, first: Tensor, pairs: Tensor, p: float) -> tuple[Tensor, Tensor]:
    """Return the covariance of the parts, own modality first, and (n,) first-order variances, from one's masks."""
    side, other, units, own, others = sampling.side, sampling.other, sampling.units, sampling.own, sampling.others
    q, dtype = p * (1 - p), side.dtype
    directions = pair_directions(other, torch.ones(other.n).to(first)).to(dtype)
    along = _quadratic_direction(other, pairs[others, others]).to(dtype)
    own_pairs, cross = pairs[own, own].to(dtype), pairs[own, others].to(dtype)
    of_own, of_others = first[own].to(dtype), first[others].to(dtype)
    ones = torch.ones(side.n, dtype=dtype, device=first.device)
    covariance, variances = first.new_zeros(5, 5), first.new_zeros(len(first))
    for chunk in units.chunks():
        flow = sampling.flow(chunk)
        _, own_main, other_main = sampling.affine_influences(chunk, flow)
        own_first = own_main + p * (chunk.pair_sums(ones) + flow.slope * flow.residuals.sum(1, keepdim=True))
        other_first = other_main + p * (flow.slope.sum(1, keepdim=True) * flow.residuals + flow.moved @ directions.T)
        parts = torch.stack(
            [
                2 * q * own_first @ of_own,
                2 * q * other_first @ of_others,
                2 * q**2 * chunk.sum_of_pairs(own_pairs),
                q**2 * flow.moved @ along,
                2 * q**2 * torch.linalg.vecdot(flow.slope @ cross, flow.residuals),
            ],
            dim=1,
        ).double()
        covariance += parts.T @ parts
        variances[own] += own_first.square().sum(0)
        variances[others] += other_first.square().sum(0)
    return covariance, variances


def _quadratic_direction(modality: Modality, pairs: Tensor) -> Tensor:
    """Return (d,) ``Σ_ab pairs_ab v_ab`` of the pair coefficients v of the embeddings' polynomial."""
    out = torch.zeros(modality.embeddings.shape[1], dtype=torch.float64, device=pairs.device)
    for phi, values in scaled_basis(modality):
        out += ((phi @ pairs) * phi).sum(1) @ values
    return out
