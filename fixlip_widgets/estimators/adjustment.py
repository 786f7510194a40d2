"""Cross-modal terms with less noise: what pairs of players do is told apart before lines are fitted.

A cross-modal coefficient is a slope: how a patch moves the image embedding along a token's direction. Under independent
masks pairs of patches are uncorrelated with single ones, so leaving them out does not bias a slope, but what they do is
noise to it. Fitting the strongest pairs along with the slopes, shrunk by one ridge, takes most of that noise away
(regression adjustment, or control variates). Complement pairs of masks do so exactly, and need none of this.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fixlip_widgets.estimators.moments import Moments
from fixlip_widgets.estimators.quadratic import QuadraticDesign, chunks

_MOST_PAIRS = 200
_UNITS_PER_PAIR = 4
_NOTHING = 1e-9
_RIDGES = torch.logspace(-3, 3, 49, dtype=torch.float64)


@dataclass(frozen=True, eq=False)
class Adjustment:
    """Slopes of k targets on one modality's masks, with its strongest pairs told apart.

    Attributes:
        slopes: (n, k) per unit of a player's mask.
        freedom: Effective number of pair coefficients that were fitted along.
    """

    slopes: Tensor
    freedom: float
    _design: QuadraticDesign
    _pairs: _Pairs
    _coefficients: Tensor
    _mean: Tensor
    _influence: Tensor

    def at(self, rows: slice) -> tuple[Tensor, Tensor]:
        """What the pairs do in these masks, with mean zero, and the masks' influence on the slopes.

        Returns:
            (rows, k) and (rows, n), the latter per unit of a mask's weighted residual.
        """
        phi = self._design.phi[rows]
        pairs = self._pairs.columns(phi)
        block = torch.cat([torch.ones_like(pairs[:, :1]), phi, pairs], dim=1)
        curved = (pairs @ self._coefficients.to(phi)).double() - self._mean
        return curved, (block @ self._influence.to(phi)).double()


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The pairs that are told apart.

    Attributes:
        first, second: (count,) players.
        expected: (count,) what the penalty expects of the coefficients' squares, with mean 1.
        shift: (n,) from φ, which is centred on the sample's mean, to masks centred on p: a slope is one at p.
    """

    first: Tensor
    second: Tensor
    expected: Tensor
    shift: Tensor

    @classmethod
    def strongest(cls, strengths: Tensor, count: int, shift: Tensor) -> _Pairs:
        """The ``count`` pairs of the strongest players."""
        first, second = torch.triu_indices(len(strengths), len(strengths), 1, device=strengths.device)
        products = strengths[first] * strengths[second]
        chosen = products.topk(count).indices
        return cls(first[chosen], second[chosen], products[chosen] / products[chosen].mean(), shift)

    def columns(self, phi: Tensor) -> Tensor:
        """(rows, count) products of the two players."""
        centred = (phi + self.shift.to(phi)).T.contiguous()  # whole rows are gathered many times faster
        return (centred[self.first] * centred[self.second]).T


def adjusted_slopes(
    design: QuadraticDesign, moments: Moments, embeddings: Tensor, directions: Tensor, strengths: Tensor, p: float
) -> Adjustment | None:
    """Slopes of the embeddings' projections on ``directions`` (k, d); None where complements have done the work.

    Args:
        design: Of the masks, with their weights.
        moments: Of the masks and embeddings.
        embeddings: (m, d).
        directions: (k, d).
        strengths: (n,) of the players; the pairs with the largest products are told apart.
        p: Probability that the masks stand for.
    """
    count = min(_MOST_PAIRS, design.n_pairs, int(design.units) // _UNITS_PER_PAIR)
    if design.paired or count < 1:
        return None
    pairs = _Pairs.strongest(strengths, count, (design.mean - p) * design.inverse_spread)
    straight, joint, width = design.n + 1, design.n + 1 + count, design.n + 1 + count + len(directions)
    gram = torch.zeros(width, width, dtype=torch.float64, device=design.phi.device)
    for rows in chunks(design.n_units):
        phi, root = design.phi[rows], design.unit_weights[rows, None].sqrt()
        targets = (embeddings[rows].double() - moments.mean_embedding) @ directions.T
        block = torch.cat([torch.ones_like(phi[:, :1]), phi, pairs.columns(phi), targets.to(phi)], dim=1) * root.to(phi)
        gram += (block.T @ block).double()
    lines, curves, targets = slice(0, straight), slice(straight, joint), slice(joint, width)
    gram.diagonal()[:joint] += _NOTHING  # a player that never changes has a column of zeros
    inverse = torch.linalg.inv(gram[lines, lines])
    left = gram[straight:, straight:] - gram[straight:, lines] @ inverse @ gram[lines, straight:]
    ridge, freedom = _choose_ridge(left, pairs.expected, design.units - straight)
    penalty = torch.cat([torch.zeros(straight, dtype=torch.float64), (ridge / pairs.expected).cpu()]).to(gram)
    solved = torch.linalg.inv(gram[:joint, :joint] + penalty.diag())
    coefficients = solved @ gram[:joint, targets]
    return Adjustment(
        slopes=coefficients[1:straight] * design.inverse_spread[:, None],
        freedom=freedom,
        _design=design,
        _pairs=pairs,
        _coefficients=coefficients[curves],
        _mean=gram[0, curves] @ coefficients[curves],
        _influence=solved[:, 1:straight] * design.inverse_spread,
    )


def _choose_ridge(left: Tensor, expected: Tensor, units: float) -> tuple[float, float]:
    """Ridge on the pairs, and their effective number, from the Gram matrix [pairs, targets] off the lines.

    One ridge for all targets, by generalised cross-validation of their summed squares.
    """
    count, root = len(expected), expected.sqrt()
    values, vectors = torch.linalg.eigh(root[:, None] * left[:count, :count] * root)
    values = values.clamp_min(0)
    power = (vectors.T @ (root[:, None] * left[:count, count:])).square().sum(1)
    energy = left[count:, count:].diagonal().sum()
    shifted = values + _RIDGES.to(left.device)[:, None]
    residual = energy - (power * (2 / shifted - values / shifted.square())).sum(1)
    freedom = (values / shifted).sum(1)
    best = int((residual.clamp_min(0) / (1 - freedom / max(units, 1.0)).clamp_min(1e-6).square()).argmin())
    return float(_RIDGES[best]), float(freedom[best])
