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
from fixlip_widgets.estimators.quadratic import QuadraticDesign, QuadraticFit, chunks

_MOST_PAIRS = 200
_UNITS_PER_PAIR = 4
_NOTHING = 1e-9


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
        constant, lines, curves = self._influence.to(phi).tensor_split([1, 1 + phi.shape[1]])
        of_pairs = self._pairs.columns(phi) @ torch.cat([self._coefficients.to(phi), curves], dim=1)
        curved, moved = of_pairs.tensor_split([len(self._mean)], dim=1)
        return curved - self._mean.to(phi), moved + phi @ lines + constant


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The pairs that are told apart.

    Attributes:
        first, second: (count,) players.
        expected: (count,) what the penalty expects of the coefficients' squares.
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
        return cls(first[chosen], second[chosen], products[chosen], shift)

    def columns(self, phi: Tensor) -> Tensor:
        """(rows, count) products of the two players."""
        centred = (phi + self.shift.to(phi)).T.contiguous()  # whole rows are gathered many times faster
        return (centred[self.first] * centred[self.second]).T


def adjusted_slopes(
    design: QuadraticDesign, moments: Moments, embeddings: Tensor, directions: Tensor, part: QuadraticFit, p: float
) -> Adjustment | None:
    """Slopes of the embeddings' projections on ``directions`` (k, d); None where complements have done the work.

    Args:
        design: Of the masks, with their weights.
        moments: Of the masks and embeddings.
        embeddings: (m, d).
        directions: (k, d).
        part: The modality's own polynomial: its strengths say which pairs to tell apart, and its ridge how much to
            shrink them.
        p: Probability that the masks stand for.
    """
    count = min(_MOST_PAIRS, design.n_pairs, int(design.units) // _UNITS_PER_PAIR)
    if design.paired or count < 1:
        return None
    pairs = _Pairs.strongest(part.strengths, count, (design.mean - p) * design.inverse_spread)
    straight, joint, width = design.n + 1, design.n + 1 + count, design.n + 1 + count + len(directions)
    gram = torch.zeros(width, width, dtype=torch.float64, device=design.phi.device)
    for rows in chunks(design.n_units):
        phi, root = design.phi[rows], design.unit_weights[rows, None].sqrt()
        targets = (embeddings[rows].to(phi) - moments.mean_embedding.to(phi)) @ directions.T.to(phi)
        block = torch.cat([torch.ones_like(phi[:, :1]), phi, pairs.columns(phi), targets], dim=1) * root.to(phi)
        gram += (block.T @ block).double()
    lines, curves, targets = slice(0, straight), slice(straight, joint), slice(joint, width)
    penalty = torch.zeros(joint, dtype=torch.float64, device=gram.device)
    penalty[lines] = _NOTHING  # a player that never changes has a column of zeros
    penalty[curves] = max(part.ridge, _NOTHING) / pairs.expected
    solved = _inverse(gram[:joint, :joint] + penalty.diag())
    coefficients = solved @ gram[:joint, targets]
    return Adjustment(
        slopes=coefficients[lines][1:] * design.inverse_spread[:, None],
        freedom=count - float((penalty * solved.diagonal())[curves].sum()),
        _design=design,
        _pairs=pairs,
        _coefficients=coefficients[curves],
        _mean=gram[0, curves] @ coefficients[curves],
        _influence=solved[:, lines][:, 1:] * design.inverse_spread,
    )


def _inverse(gram: Tensor) -> Tensor:
    """Of a matrix that rounding may have made a little indefinite."""
    factor, failed = torch.linalg.cholesky_ex(gram)
    return torch.linalg.inv(gram) if bool(failed) else torch.cholesky_inverse(factor)
