"""Regression adjustment: fit the strongest pairs of players along with the cross-modal slopes, to reduce their noise.

A cross-modal coefficient is a slope: how a patch moves the image embedding along a token's direction. Under independent
masks, pairs of patches are uncorrelated with single patches. Omitting them does not bias a slope, but their effects add
noise. Fitting the strongest pairs with one ridge removes most of that noise (regression adjustment, or control
variates). Complement pairs of masks remove it exactly and need no adjustment.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fixlip_widgets.estimators.moments import Moments
from fixlip_widgets.estimators.quadratic import QuadraticDesign, QuadraticFit, chunks

_MOST_PAIRS = 200
"""Maximum number of pairs to fit; on the packaged scene at p = 0.7, they more than halve the cross-modal error."""
_UNITS_PER_PAIR = 4
"""Minimum number of units per pair, so that the pairs' own noise stays small."""
_MIN_PENALTY = 1e-9
"""Penalty on terms that should have none, which keeps the system regular if a player never changes."""


@dataclass(frozen=True, eq=False)
class Adjustment:
    """Slopes of k targets on one modality's masks, adjusted for its strongest pairs of players.

    Attributes:
        slopes: (n, k) change of each target per unit of a player's mask.
        freedom: Effective number of pair coefficients fitted with the slopes.
        design: Basis of the masks.
        pairs: The pairs.
        effects: (count, k) coefficients of the pairs.
        mean_effects: (k,) weighted means of the targets' effects of pairs.
        influence: (1 + n + count, n) change of the slopes per unit of each term's weighted residual.
    """

    slopes: Tensor
    freedom: float
    design: QuadraticDesign
    pairs: _Pairs
    effects: Tensor
    mean_effects: Tensor
    influence: Tensor

    def at(self, rows: slice) -> tuple[Tensor, Tensor]:
        """Return the effects of the pairs at these masks, and the masks' influence on the slopes.

        Returns:
            (rows, k) effects with mean zero, and (rows, n) influence per unit of a mask's weighted residual.
        """
        phi = self.design.phi[rows]
        constant, linear, products = self.influence.to(phi).tensor_split([1, 1 + phi.shape[1]])
        columns = self.pairs.columns(phi)
        return columns @ self.effects.to(phi) - self.mean_effects.to(phi), columns @ products + phi @ linear + constant


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The pairs that are fitted with the slopes.

    Attributes:
        first, second: (count,) players.
        expected: (count,) squares of the coefficients that the penalty expects.
        shift: (n,) added to φ, which is centred on the sample mean, to centre it on p: the slopes are those at p.
    """

    first: Tensor
    second: Tensor
    expected: Tensor
    shift: Tensor

    @classmethod
    def strongest(cls, strengths: Tensor, count: int, shift: Tensor) -> _Pairs:
        """Select the ``count`` pairs with the largest products of strengths."""
        first, second = torch.triu_indices(len(strengths), len(strengths), 1, device=strengths.device)
        largest = (strengths[first] * strengths[second]).topk(count)
        return cls(first=first[largest.indices], second=second[largest.indices], expected=largest.values, shift=shift)

    def columns(self, phi: Tensor) -> Tensor:
        """Return (rows, count) products of the two players."""
        centred = (phi + self.shift.to(phi)).T.contiguous()  # gathering whole rows is many times faster
        return (centred[self.first] * centred[self.second]).T


def adjusted_slopes(
    design: QuadraticDesign, moments: Moments, embeddings: Tensor, directions: Tensor, part: QuadraticFit, p: float
) -> Adjustment | None:
    """Fit adjusted slopes of the embeddings' projections on ``directions``.

    Args:
        design: Basis and weights of the masks.
        moments: Moments of the masks and embeddings.
        embeddings: (m, d).
        directions: (k, d).
        part: Polynomial of this modality alone; its strengths select the pairs, and its ridge shrinks them.
        p: Keep probability that the masks represent.

    Returns:
        The adjustment, or None for complement pairs, which need none, and for too few masks.
    """
    count = min(_MOST_PAIRS, design.n_pairs, int(design.units) // _UNITS_PER_PAIR)
    if design.paired or count < 1:
        return None
    pairs = _Pairs.strongest(part.strengths, count, (design.mean - p) * design.inverse_spread)
    # one Gram matrix of all columns: the constant, φ and the pairs (the terms), and the targets
    n_affine, n_terms = design.n + 1, design.n + 1 + count
    width = n_terms + len(directions)
    affine, products, targets = slice(0, n_affine), slice(n_affine, n_terms), slice(n_terms, width)
    gram = torch.zeros(width, width, dtype=torch.float64, device=design.phi.device)
    for rows in chunks(design.n_units):
        phi, root = design.phi[rows], design.unit_weights[rows, None].sqrt()
        values = (embeddings[rows].to(phi) - moments.mean_embedding.to(phi)) @ directions.T.to(phi)
        block = torch.cat([torch.ones_like(phi[:, :1]), phi, pairs.columns(phi), values], dim=1) * root.to(phi)
        gram += (block.T @ block).double()
    penalty = torch.full((n_terms,), _MIN_PENALTY, dtype=torch.float64, device=gram.device)
    penalty[products] = max(part.ridge, _MIN_PENALTY) / pairs.expected
    inverse = _inverse(gram[:n_terms, :n_terms] + penalty.diag())
    coefficients = inverse @ gram[:n_terms, targets]
    return Adjustment(
        slopes=coefficients[affine][1:] * design.inverse_spread[:, None],
        freedom=count - float((penalty * inverse.diagonal())[products].sum()),
        design=design,
        pairs=pairs,
        effects=coefficients[products],
        mean_effects=gram[0, products] @ coefficients[products],
        influence=inverse[:, affine][:, 1:] * design.inverse_spread,
    )


def _inverse(gram: Tensor) -> Tensor:
    """Invert a matrix that rounding may have made slightly indefinite."""
    factor, failed = torch.linalg.cholesky_ex(gram)
    return torch.linalg.inv(gram) if bool(failed) else torch.cholesky_inverse(factor)
