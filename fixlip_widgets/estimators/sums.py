"""Standard errors of sums of interactions: what a group of players does with every other player.

Interactions are estimated from the same masks, so the errors of a sum are not those of its terms put together: the
influences of each unit are summed first, and squared then.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.crossmodal import CrossModalFit, Modality
from fixlip_widgets.estimators.quadratic import chunks
from fixlip_widgets.estimators.variance import Sampling, samplings, scaled_basis

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class SumErrors:
    """Standard errors of the sums of a group S of players; NaN where they are not known.

    Attributes:
        values: (n,) of ``Σ_{i ∈ S} interactions[i, j]`` for every player j.
        total: Of ``Σ_{i ∈ S, j ∉ S} interactions[i, j]``.
        within: Of ``Σ_{i < j ∈ S} interactions[i, j]``.
    """

    values: Floats
    total: float
    within: float


def sum_errors(fit: CrossModalFit, inside: NDArray[np.bool_], scale: float = 1.0) -> SumErrors:
    """Standard errors of the sums of the players ``inside`` (n,), image players first."""
    n_image, n = fit.image.n, fit.image.n + fit.text.n
    members = torch.from_numpy(inside).to(fit.cross)
    # each row a sum of the n values: every value alone, those outside, half of those inside
    sums = torch.cat([torch.eye(n).to(members), (1 - members)[None], 0.5 * members[None]])
    variance = torch.zeros(n + 2, dtype=torch.float64, device=members.device)
    image, text = slice(0, n_image), slice(n_image, n)
    for sampling in samplings(fit):
        own, others = (image, text) if sampling.side is fit.image else (text, image)
        variance += _variance(sampling, members[own], members[others], sums[:, own], sums[:, others])
    if not fit.pairs:
        variance[_needs_pairs(members, sums, n_image)] = torch.nan
    errors = scale * variance.sqrt().cpu().numpy()
    return SumErrors(errors[:n], float(errors[n]), float(errors[n + 1]))


def _variance(sampling: Sampling, own: Tensor, others: Tensor, own_sums: Tensor, other_sums: Tensor) -> Tensor:
    """(k,) variances from drawing one modality's masks; members and rows of the sums are split by modality."""
    side, units = sampling.side, sampling.units
    directions = _pair_directions(sampling.other, others).to(side.dtype)
    weights, other_weights = own_sums.T.to(side.dtype), other_sums.T.to(side.dtype)
    mine, theirs = own.to(side.dtype), others.to(side.dtype)
    total = torch.zeros(len(own_sums), dtype=torch.float64, device=own.device)
    for rows in chunks(len(side.masks)):
        flow = sampling.flow(rows)
        with_own = flow.slope * (flow.left @ theirs)[:, None]
        if not units.unsure:
            with_own = with_own + flow.chunk.pair_sums(mine)
        with_other = (flow.slope @ mine)[:, None] * flow.left + flow.moved @ directions.T
        total += (with_own @ weights + with_other @ other_weights).square().sum(0)
    if units.bias is not None:
        total += units.bias.sums(own, own_sums)
    if units.unsure:
        total[_pairs_in(own, own_sums)] = torch.nan
    return total


def _pair_directions(modality: Modality, members: Tensor) -> Tensor:
    """(n, d) coefficients of the embeddings' pairs with ``members``, summed for every player."""
    out = torch.zeros(modality.n, modality.embeddings.shape[1], dtype=torch.float64, device=members.device)
    for rows in chunks(len(modality.masks)):
        phi = scaled_basis(modality, rows)
        partners = phi * ((phi @ members)[:, None] - phi * members)
        values = modality.embeddings[rows].double() - modality.moments.mean_embedding
        out += partners.T @ (modality.weights[rows, None] * values)
    return out


def _needs_pairs(members: Tensor, sums: Tensor, n_image: int) -> Tensor:
    """(k,) which sums contain an interaction within image or text."""
    image, text = slice(0, n_image), slice(n_image, None)
    return _pairs_in(members[image], sums[:, image]) | _pairs_in(members[text], sums[:, text])


def _pairs_in(members: Tensor, sums: Tensor) -> Tensor:
    """(k,) which sums contain a pair of one of ``members`` (n,) and another player, by its weight in (k, n)."""
    partners = members.sum() - members  # members other than the player itself
    return ((sums != 0) & (partners > 0)).any(1)
