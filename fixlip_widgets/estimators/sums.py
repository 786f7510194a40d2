"""Standard errors of sums of interactions, such as those of a group of players with every other player.

All interactions are estimated from the same masks, so the error of a sum does not follow from the errors of its terms.
The influences of each unit are summed before squaring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.crossmodal_regression import CrossModalFit, Modality
from fixlip_widgets.estimators.standard_errors import Sampling, samplings, scaled_basis

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SumErrors:
    """Standard errors of the sums of a group S of players; NaN if unknown.

    Attributes:
        values: (n,) errors of ``Σ_{i ∈ S} interactions[i, j]`` for every player j.
        total: Error of ``Σ_{i ∈ S, j ∉ S} interactions[i, j]``.
        within: Error of ``Σ_{i < j ∈ S} interactions[i, j]``.
    """

    values: Floats
    total: float
    within: float


def sum_errors(fit: CrossModalFit, inside: NDArray[np.bool_], scale: float = 1.0) -> SumErrors:
    """Compute standard errors of the sums of the players ``inside`` (n,), image players first."""
    n_image, n = fit.image.n, fit.image.n + fit.text.n
    members = torch.from_numpy(inside).to(fit.cross)
    # rows are weights of the n values: each value alone, those outside the group, half of those inside
    alone = torch.eye(n, dtype=members.dtype, device=members.device)
    sums = torch.cat([alone, (1 - members)[None], 0.5 * members[None]])
    variance = torch.zeros(n + 2, dtype=torch.float64, device=members.device)
    for sampling in samplings(fit):
        variance += _variance(sampling, members, sums)
    if not fit.pairs:
        variance[_needs_pairs(members, sums, n_image)] = torch.nan
    errors = scale * variance.sqrt().cpu().numpy()
    return SumErrors(values=errors[:n], total=float(errors[n]), within=float(errors[n + 1]))


def _variance(sampling: Sampling, members: Tensor, sums: Tensor) -> Tensor:
    """Return (k,) variances of the sums from drawing one modality's masks."""
    side, units = sampling.side, sampling.units
    own, others = members[sampling.own], members[sampling.others]
    own_sums, other_sums = sums[:, sampling.own], sums[:, sampling.others]
    directions = pair_directions(sampling.other, others).to(side.dtype)
    weights, other_weights = own_sums.T.to(side.dtype), other_sums.T.to(side.dtype)
    own_members, other_members = own.to(side.dtype), others.to(side.dtype)
    total = torch.zeros(len(sums), dtype=torch.float64, device=sums.device)
    for chunk in units.chunks():
        flow = sampling.flow(chunk)
        with_own = flow.slope * (flow.residuals @ other_members)[:, None]
        if not units.unsure:
            with_own = with_own + chunk.pair_sums(own_members)
        with_other = (flow.slope @ own_members)[:, None] * flow.residuals + flow.moved @ directions.T
        total += (with_own @ weights + with_other @ other_weights).square().sum(0)
    if units.bias is not None:
        total += units.bias.sums(own, own_sums)
    if units.unsure:
        total[_pairs_in(own, own_sums)] = torch.nan
    return total


def cross_sum_errors(fit: CrossModalFit, chosen: NDArray[np.bool_], scale: float = 1.0) -> Floats:
    """Compute standard errors (n_text,) of the sums of chosen cross-modal terms of each text player.

    A unit's influence on the term of players i and j is the product of its influences on their slopes and residuals, so
    that on the sum ``Σ_i chosen[j, i] · cross[j, i]`` is one product, too.

    Args:
        fit: The regressions.
        chosen: (n_text, n_image) the terms of each sum.
        scale: Factor of the values.
    """
    of_text = torch.from_numpy(chosen).to(fit.cross.device)
    variance = torch.zeros(fit.text.n, dtype=torch.float64, device=fit.cross.device)
    for sampling in samplings(fit):
        weights = of_text.T.to(sampling.side.dtype)  # (n_image, n_text)
        for chunk in sampling.units.chunks():
            flow = sampling.flow(chunk)
            if sampling.side is fit.image:
                influence = (flow.slope @ weights) * flow.residuals
            else:
                influence = flow.slope * (flow.residuals @ weights)
            variance += influence.square().sum(0)
    return scale * variance.sqrt().cpu().numpy()


def pair_directions(modality: Modality, members: Tensor) -> Tensor:
    """Return (n, d) sums of each player's pair coefficients with ``members``, for the embeddings."""
    out = torch.zeros(modality.n, modality.embeddings.shape[1], dtype=torch.float64, device=members.device)
    for phi, values in scaled_basis(modality):
        partners = phi * ((phi @ members)[:, None] - phi * members)
        out += partners.T @ values
    return out


def _needs_pairs(members: Tensor, sums: Tensor, n_image: int) -> Tensor:
    """Return (k,) bool: which sums include an interaction within image or text."""
    image, text = slice(0, n_image), slice(n_image, None)
    return _pairs_in(members[image], sums[:, image]) | _pairs_in(members[text], sums[:, text])


def _pairs_in(members: Tensor, sums: Tensor) -> Tensor:
    """Return (k,) bool: which sums (k, n) include a pair of one of ``members`` (n,) and another player."""
    partners = members.sum() - members  # members other than the player itself
    return ((sums != 0) & (partners > 0)).any(1)
