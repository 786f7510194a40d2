"""Weighted sums over masks and embeddings, which suffice for the cross-modal regression.

The sums are additive, so a refinement processes only its new masks.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import torch
from torch import Tensor

from fixlip_widgets.estimators.quadratic import chunks

_RANK = 1e-10
"""Eigenvalue of the Gram matrix, relative to the largest, below which a direction counts as constant."""


@dataclass(frozen=True, eq=False)
class Moments:
    """Sums over masks z with weights w and embeddings e, in float64.

    Attributes:
        weight: Σ w.
        masks: (n,) Σ w z.
        embeddings: (d,) Σ w e.
        masks_masks: (n, n) Σ w z zᵀ.
        masks_embeddings: (n, d) Σ w z eᵀ.
        embeddings_embeddings: (d, d) Σ w e eᵀ.
    """

    weight: float
    masks: Tensor
    embeddings: Tensor
    masks_masks: Tensor
    masks_embeddings: Tensor
    embeddings_embeddings: Tensor

    @classmethod
    def of(cls, masks: Tensor, embeddings: Tensor, weights: Tensor, dtype: torch.dtype = torch.float64) -> Moments:
        """Compute the sums over (m, n) masks with (m, d) embeddings and (m,) weights.

        ``dtype`` applies to products with embeddings. Products of masks are in float64, since their Gram matrix is
        inverted.
        """
        n, width = masks.shape[1], embeddings.shape[1]
        gram = torch.zeros(1 + n, 1 + n, dtype=torch.float64, device=masks.device)
        cross = torch.zeros(1 + n + width, width, dtype=torch.float64, device=masks.device)
        for rows in chunks(len(masks)):
            one = torch.ones(len(masks[rows]), 1, dtype=torch.float64, device=masks.device)
            block = torch.cat([one, masks[rows].double()], dim=1)  # [1, z]
            weighted = weights[rows, None] * block
            gram += block.T @ weighted
            values = embeddings[rows].to(dtype)
            cross += torch.cat([weighted.to(dtype), weights[rows, None].to(dtype) * values], dim=1).T @ values
        z, e = slice(1, 1 + n), slice(1 + n, None)
        return cls(
            weight=float(gram[0, 0]),
            masks=gram[0, z],
            embeddings=cross[0],
            masks_masks=gram[z, z],
            masks_embeddings=cross[z],
            embeddings_embeddings=cross[e],
        )

    def __add__(self, other: Moments) -> Moments:
        names = [field.name for field in fields(self)]
        return Moments(**{name: getattr(self, name) + getattr(other, name) for name in names})

    def along(self, direction: Tensor) -> Moments:
        """Return the moments of the masks and of the embeddings' projections on ``direction`` (d,), so that d = 1."""
        column = direction[:, None]
        moments = Moments(
            weight=self.weight,
            masks=self.masks,
            embeddings=self.embeddings @ column,
            masks_masks=self.masks_masks,
            masks_embeddings=self.masks_embeddings @ column,
            embeddings_embeddings=column.T @ self.embeddings_embeddings @ column,
        )
        vars(moments)["gram_inverse"] = self.gram_inverse
        return moments

    @cached_property
    def mean_mask(self) -> Tensor:
        """(n,) weighted mean of the masks."""
        return self.masks / self.weight

    @cached_property
    def mean_embedding(self) -> Tensor:
        """(d,) weighted mean of the embeddings."""
        return self.embeddings / self.weight

    @cached_property
    def gram_inverse(self) -> Tensor:
        """(n, n) pseudo-inverse of the centred masks' Gram matrix."""
        gram = self.masks_masks / self.weight - torch.outer(self.mean_mask, self.mean_mask)
        return torch.linalg.pinv(gram, rtol=_RANK, hermitian=True)

    @cached_property
    def covariance(self) -> Tensor:
        """(n, d) weighted covariance of masks and embeddings."""
        return self.masks_embeddings / self.weight - torch.outer(self.mean_mask, self.mean_embedding)

    @cached_property
    def slopes(self) -> Tensor:
        """(n, d) weighted linear regression of the embeddings on the masks."""
        return self.gram_inverse @ self.covariance

    @cached_property
    def second_moment(self) -> Tensor:
        """(d, d) weighted mean of e eᵀ."""
        return self.embeddings_embeddings / self.weight
