"""Regression adjustment: fit the strongest products of players with the cross-modal slopes, to reduce their noise.

A cross-modal coefficient is a slope: how a patch moves the image embedding along a token's direction. Under independent
masks, products of several patches are uncorrelated with single patches. Omitting them does not bias a slope, but their
effects add noise. Fitting the strongest ones with a ridge removes much of that noise (regression adjustment, or control
variates): pairs for independent masks, and triples for complement pairs of masks, in which products of two patches
cancel exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from fixlip_widgets.estimators.moments import Moments
from fixlip_widgets.estimators.quadratic import QuadraticDesign, QuadraticFit, chunks

_MOST_PAIRS, _UNITS_PER_PAIR = 200, 4
"""Maximum number of pairs to fit, and minimum number of units for each, so that the pairs' own noise stays small. With
1,024 masks or more at p = 0.7, they about halve the cross-modal error in ``fixlip-widgets bench accuracy``."""
_MOST_TRIPLES, _UNITS_PER_TRIPLE, _FEWEST_UNITS = 500, 1.5, 250
"""The same for triples, whose ridge is cross-validated, and the minimum number of units for any. With 2,048 masks or
more at p = 0.5, except whole arrays, they lower the cross-modal error in ``fixlip-widgets bench accuracy`` by a quarter
or more."""
_MOST_CANDIDATES = 40
"""Number of players, the strongest, among which triples are selected."""
_MIN_PENALTY = 1e-9
"""Penalty on terms that should have none, which keeps the system regular if a player never changes."""
_TRIPLE_RIDGES = torch.logspace(-3, 3, 25, dtype=torch.float64)
"""Candidate ridges of triples, relative to the mean of their expected squares: from negligible to dominant."""


@dataclass(frozen=True, eq=False)
class Adjustment:
    """Slopes of k targets on one modality's masks, adjusted for its strongest products of players.

    Attributes:
        slopes: (n, k) change of each target per unit of a player's mask.
        freedom: Effective number of products fitted with the slopes.
        design: Basis of the masks.
        products: The products.
        effects: (count, k) coefficients of the products.
        mean_effects: (k,) weighted means of the targets' effects of products.
        influence: (terms, n) change of the slopes per unit of the weighted residual of each term: the constant unless
            masks are paired, the n players, and the products.
    """

    slopes: Tensor
    freedom: float
    design: QuadraticDesign
    products: _Products
    effects: Tensor
    mean_effects: Tensor
    influence: Tensor

    def at(self, rows: slice) -> tuple[Tensor, Tensor]:
        """Return the effects of the products at these masks, and the influence of their units on the slopes.

        Returns:
            (rows, k) effects with mean zero, and (units, n) influence per unit of a weighted residual.
        """
        paired = self.design.paired
        phi = self.design.phi[slice(rows.start // 2, rows.stop // 2) if paired else rows]
        columns = self.products.columns(phi)
        influence = torch.cat([_affine(self.design, phi), columns], dim=1) @ self.influence.to(phi)
        effects = columns @ self.effects.to(phi) - self.mean_effects.to(phi)
        if paired:  # products of three change their sign from a mask to its complement
            effects = torch.stack([effects, -effects], dim=1).flatten(0, 1)
        return effects, influence


@dataclass(frozen=True, eq=False)
class _Products:
    """The products of two or three players that are fitted with the slopes.

    Attributes:
        players: (count, 2 or 3).
        expected: (count,) squares of the coefficients that the penalty expects, up to a factor.
        shift: (n,) added to φ, which is centred on the sample mean, to centre it on p: the slopes are those at p.
    """

    players: Tensor
    expected: Tensor
    shift: Tensor

    @classmethod
    def strongest(cls, strengths: Tensor, size: int, count: int, shift: Tensor) -> _Products:
        """Select, among products of ``size`` players, up to ``count`` with the largest products of strengths."""
        candidates = strengths.argsort(descending=True, stable=True)
        if size > 2:
            candidates = candidates[:_MOST_CANDIDATES]
        players = torch.combinations(candidates.sort().values, size)
        products = strengths[players].prod(1)
        largest = products.topk(min(count, len(products)))
        return cls(players=players[largest.indices], expected=largest.values, shift=shift)

    def columns(self, phi: Tensor) -> Tensor:
        """Return (rows, count) products."""
        centred = (phi + self.shift.to(phi)).T.contiguous()  # gathering whole rows is many times faster
        product = centred[self.players[:, 0]]
        for players in self.players.T[1:]:
            product = product * centred[players]
        return product.T


def adjusted_slopes(
    design: QuadraticDesign, moments: Moments, embeddings: Tensor, directions: Tensor, part: QuadraticFit, p: float
) -> Adjustment | None:
    """Fit adjusted slopes of the embeddings' projections on ``directions``.

    Args:
        design: Basis and weights of the masks.
        moments: Moments of the masks and embeddings.
        embeddings: (m, d).
        directions: (k, d).
        part: Polynomial of this modality alone: its strengths select the products, and its ridge shrinks pairs.
        p: Keep probability that the masks represent.

    Returns:
        The adjustment, or None for too few masks or players.
    """
    size = 3 if design.paired else 2
    most, units_each = (_MOST_TRIPLES, _UNITS_PER_TRIPLE) if design.paired else (_MOST_PAIRS, _UNITS_PER_PAIR)
    count = min(most, math.comb(design.n, size), int(design.units / units_each))
    if count < 1 or (design.paired and design.units < _FEWEST_UNITS):
        return None
    shift = (design.mean - p) * design.inverse_spread
    products = _Products.strongest(part.strengths, size, count, shift)
    gram, n_affine = _gram(design, moments, embeddings, directions, products)
    n_terms = n_affine + len(products.players)
    affine, others, targets = slice(0, n_affine), slice(n_affine, n_terms), slice(n_terms, None)
    scale = products.expected.sqrt()
    system = _System(gram[affine, affine], gram[affine, others] * scale, gram[others, others] * scale[:, None] * scale)
    of_products = scale[:, None] * gram[others, targets]
    if design.paired:
        ridges = _TRIPLE_RIDGES.to(scale.device) * float(products.expected.mean())
        ridge = system.cross_validated(ridges, gram[affine, targets], of_products, gram[targets, targets], design.units)
    else:
        ridge = max(part.ridge, _MIN_PENALTY)
    linear, effects = system.solve(ridge, gram[affine, targets], of_products)
    constants = n_affine - design.n
    eye = torch.eye(n_affine, dtype=torch.float64, device=gram.device)[:, constants:]
    of_affine, of_others = system.solve(ridge, eye, torch.zeros_like(gram[others, : design.n]))
    effects = scale[:, None] * effects
    mean_effects = gram[0, others] @ effects if constants else torch.zeros_like(effects[0])
    return Adjustment(
        slopes=linear[constants:] * design.inverse_spread[:, None],
        freedom=system.freedom(ridge),
        design=design,
        products=products,
        effects=effects,
        mean_effects=mean_effects,
        influence=torch.cat([of_affine, scale[:, None] * of_others]) * design.inverse_spread,
    )


def _affine(design: QuadraticDesign, phi: Tensor) -> Tensor:
    """Return the basis of the terms without a penalty: φ, and the constant unless masks are paired."""
    return phi if design.paired else torch.cat([torch.ones_like(phi[:, :1]), phi], dim=1)


def _gram(
    design: QuadraticDesign, moments: Moments, embeddings: Tensor, directions: Tensor, products: _Products
) -> tuple[Tensor, int]:
    """Return the weighted Gram matrix of affine terms, products and targets, and the number of affine terms.

    The targets are projections of embeddings on (k, d) ``directions``, or half their differences within pairs of masks.
    """
    gram, n_affine = torch.zeros(0), 0
    for rows in chunks(design.n_units):
        phi, root = design.phi[rows], design.unit_weights[rows, None].sqrt()
        if design.paired:
            pairs = embeddings[2 * rows.start : 2 * rows.stop].to(phi)
            values = (pairs[::2] - pairs[1::2]) / 2
        else:
            values = embeddings[rows].to(phi) - moments.mean_embedding.to(phi)
        affine = _affine(design, phi)
        block = torch.cat([affine, products.columns(phi), values @ directions.T.to(phi)], dim=1) * root.to(phi)
        added, n_affine = (block.T @ block).double(), affine.shape[1]
        gram = gram + added if len(gram) else added
    return gram, n_affine


class _System:
    """Normal equations of affine terms (a) without a penalty, and scaled products (x) with a ridge.

    Args:
        affine: (a, a) Gram matrix.
        across: (a, x).
        products: (x, x).
    """

    def __init__(self, affine: Tensor, across: Tensor, products: Tensor) -> None:
        self._inverse = _inverse(affine + _MIN_PENALTY * torch.eye(len(affine)).to(affine))
        self._regression = self._inverse @ across
        values, self._vectors = torch.linalg.eigh(products - across.T @ self._regression)
        self._values = values.clamp_min(0)

    def solve(self, ridge: float, affine: Tensor, products: Tensor) -> tuple[Tensor, Tensor]:
        """Return the (a, k) and (x, k) solutions for the right-hand sides ``affine`` (a, k) and ``products`` (x, k)."""
        along = self._vectors.T @ (products - self._regression.T @ affine)
        solved = self._vectors @ (along / (self._values[:, None] + ridge))
        return self._inverse @ affine - self._regression @ solved, solved

    def freedom(self, ridge: float) -> float:
        """Return the effective number of products."""
        return float((self._values / (self._values + ridge)).sum())

    def cross_validated(self, ridges: Tensor, affine: Tensor, products: Tensor, energy: Tensor, units: float) -> float:
        """Return the one of ``ridges`` with the least generalised cross-validation score, summed over the targets.

        Args:
            ridges: (r,).
            affine: (a, k) right-hand sides.
            products: (x, k) right-hand sides.
            energy: (k, k) Gram matrix of the targets.
            units: Number of units.

        Source: Golub, Heath & Wahba 1979, ``RSS(λ) / (1 − freedom(λ)/units)²``.
        """
        unpenalised = float(energy.trace() - (affine * (self._inverse @ affine)).sum())
        share = (self._vectors.T @ (products - self._regression.T @ affine)).square().sum(1)
        shrunk = self._values + ridges[:, None]
        rss = unpenalised - (share * (self._values + 2 * ridges[:, None]) / shrunk.square()).sum(1)
        freedom = len(affine) + (self._values / shrunk).sum(1)
        left = (1 - freedom / units).clamp_min(1e-6)
        return float(ridges[int((rss.clamp_min(0) / left.square()).argmin())])


def _inverse(gram: Tensor) -> Tensor:
    """Invert a matrix that rounding may have made slightly indefinite."""
    factor, failed = torch.linalg.cholesky_ex(gram)
    return torch.linalg.inv(gram) if bool(failed) else torch.cholesky_inverse(factor)
