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
_UNITS_PER_PAIR = 4
_MIN_PENALTY = 1e-9


@dataclass(frozen=True, eq=False)
class Adjustment:
    """Slopes of k targets on one modality's masks, adjusted for its strongest pairs of players.

    Attributes:
        slopes: (n, k) change of each target per unit of a player's mask.
        freedom: Effective number of pair coefficients fitted with the slopes.
    """

    slopes: Tensor
    freedom: float
    _design: QuadraticDesign
    _pairs: _Pairs
    _coefficients: Tensor
    _mean: Tensor
    _influence: Tensor

    def at(self, rows: slice) -> tuple[Tensor, Tensor]:
        """Return the effects of the pairs at these masks, and the masks' influence on the slopes.

        Returns:
            (rows, k) effects with mean zero, and (rows, n) influence per unit of a mask's weighted residual.
        """
        phi = self._design.phi[rows]
        constant, linear, products = self._influence.to(phi).tensor_split([1, 1 + phi.shape[1]])
        pair_terms = self._pairs.columns(phi) @ torch.cat([self._coefficients.to(phi), products], dim=1)
        effects, influence = pair_terms.tensor_split([len(self._mean)], dim=1)
        return effects - self._mean.to(phi), influence + phi @ linear + constant


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
        products = strengths[first] * strengths[second]
        chosen = products.topk(count).indices
        return cls(first[chosen], second[chosen], products[chosen], shift)

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
    n_affine, n_terms, width = design.n + 1, design.n + 1 + count, design.n + 1 + count + len(directions)
    gram = torch.zeros(width, width, dtype=torch.float64, device=design.phi.device)
    for rows in chunks(design.n_units):
        phi, root = design.phi[rows], design.unit_weights[rows, None].sqrt()
        targets = (embeddings[rows].to(phi) - moments.mean_embedding.to(phi)) @ directions.T.to(phi)
        block = torch.cat([torch.ones_like(phi[:, :1]), phi, pairs.columns(phi), targets], dim=1) * root.to(phi)
        gram += (block.T @ block).double()
    affine, products, targets = slice(0, n_affine), slice(n_affine, n_terms), slice(n_terms, width)
    penalty = torch.zeros(n_terms, dtype=torch.float64, device=gram.device)
    penalty[affine] = _MIN_PENALTY  # a player that never changes has a column of zeros
    penalty[products] = max(part.ridge, _MIN_PENALTY) / pairs.expected
    inverse = _inverse(gram[:n_terms, :n_terms] + penalty.diag())
    coefficients = inverse @ gram[:n_terms, targets]
    return Adjustment(
        slopes=coefficients[affine][1:] * design.inverse_spread[:, None],
        freedom=count - float((penalty * inverse.diagonal())[products].sum()),
        _design=design,
        _pairs=pairs,
        _coefficients=coefficients[products],
        _mean=gram[0, products] @ coefficients[products],
        _influence=inverse[:, affine][:, 1:] * design.inverse_spread,
    )


def _inverse(gram: Tensor) -> Tensor:
    """Invert a matrix that rounding may have made slightly indefinite."""
    factor, failed = torch.linalg.cholesky_ex(gram)
    return torch.linalg.inv(gram) if bool(failed) else torch.cholesky_inverse(factor)
