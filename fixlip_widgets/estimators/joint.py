"""Regression of any game's values on joint masks, without assumed structure and without a stored design matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from fixlip_widgets.errors import InputError
from fixlip_widgets.estimators.crossmodal_regression import Fit
from fixlip_widgets.estimators.least_squares import LeastSquares, check_size
from fixlip_widgets.estimators.quadratic import inverse_spread, weighted_mean
from fixlip_widgets.support.checks import check_binary


class Monomials:
    """All monomials of degree ≤ ``order`` in the standardised players φ_i = (z_i − mean_i)·inverse_spread_i.

    With the mean and spread of the masks, they are nearly orthonormal (exactly so for independent players: the p-biased
    Fourier basis, O'Donnell 2014, §8.4), whereas products of 0s and 1s are nearly collinear.

    Args:
        mean: (n,) float64.
        inverse_spread: (n,) float64; 0 excludes a player.
        order: 1 or 2.

    Attributes:
        size: Number of monomials: the constant, n linear terms and n(n − 1)/2 products of pairs.
        first, second: Players of each pair.
    """

    def __init__(self, mean: Tensor, inverse_spread: Tensor, order: int) -> None:
        self.mean, self.inverse_spread, self.order = mean, inverse_spread, order
        self.n = n = len(mean)
        self.size = number_of_monomials(n, order)
        self.first, self.second = torch.triu_indices(n, n, 1 if order > 1 else n, device=mean.device)

    def linear(self, masks: Tensor) -> Tensor:
        """Convert (m, n) masks to (m, n) φ."""
        return (masks.double() - self.mean) * self.inverse_spread

    def pairs(self, linear: Tensor) -> Tensor:
        """Convert (m, n) φ to (m, pairs) products φ_i φ_j, i < j."""
        return linear[:, self.first] * linear[:, self.second]

    def columns(self, masks: Tensor) -> Tensor:
        """Convert (m, n) masks to (m, size) monomials."""
        linear = self.linear(masks)
        return torch.cat([torch.ones_like(linear[:, :1]), linear, self.pairs(linear)], dim=1)

    def expand(self, coefficients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Convert coefficients (…, size) to those of 1, z_i and z_i z_j: (…), (…, n) and (…, pairs)."""
        n, mean = self.n, self.mean
        slopes = coefficients[..., 1 : n + 1] * self.inverse_spread
        pairs = coefficients[..., n + 1 :] * (self.inverse_spread[self.first] * self.inverse_spread[self.second])
        main = slopes.index_add(-1, self.first, -pairs * mean[self.second])
        main = main.index_add(-1, self.second, -pairs * mean[self.first])
        baseline = coefficients[..., 0] - slopes @ mean + pairs @ (mean[self.first] * mean[self.second])
        return baseline, main, pairs

    def square(self, pairs: Tensor) -> Tensor:
        """Convert (pairs,) to the symmetric (n, n) matrix with a zero diagonal."""
        matrix = torch.zeros(self.n, self.n, dtype=pairs.dtype, device=pairs.device)
        matrix[self.first, self.second] = pairs
        return matrix + matrix.T

    def fit(self, coefficients: Tensor, r2: float | None = None) -> Fit:
        """Return the polynomial with these (size,) coefficients, in raw monomials."""
        baseline, main, pairs = self.expand(coefficients)
        return Fit(
            baseline=float(baseline), main=main.cpu().numpy(), interactions=self.square(pairs).cpu().numpy(), r2=r2
        )


def number_of_monomials(n: int, order: int) -> int:
    """Return the number of monomials of degree ≤ ``order`` (1 or 2) in n players."""
    return 1 + n + (n * (n - 1) // 2 if order > 1 else 0)


def fit_joint(
    masks: ArrayLike | Tensor,
    values: ArrayLike | Tensor,
    weights: ArrayLike | Tensor | None = None,
    order: int = 2,
) -> Fit:
    """Fit all monomials of degree ≤ ``order`` in the players to any game's values, by weighted least squares.

    With weights p^k (1 − p)^(n − k), or masks drawn with these probabilities and equal weights, this is the faithful
    p-weighted Banzhaf index. With the weights of the Shapley kernel, infinite for the empty and the full mask, it is
    the faithful Shapley index (Tsai, Yeh & Ravikumar 2023). Computation is in float64, on the device of ``values`` if
    it is a tensor; memory does not depend on the number of masks. If the masks are too few, the solution with the
    smallest standardised coefficients is returned.

    Args:
        masks: (m, n), True = kept.
        values: (m,) values of the game, in any unit.
        weights: (m,) non-negative, of any sum; uniform by default. An infinite weight enforces its mask's value
            exactly.
        order: 1 or 2.

    Returns:
        Baseline, main effects and interactions in the unit of ``values``; interactions are 0 at order 1. R² is
        computed over the masks of finite weight.

    Raises:
        InputError: ``order`` is not 1 or 2, shapes do not match, masks are not binary, values are not finite, weights
            are invalid, or the Gram matrix would exceed 2 GB.
    """
    if order not in (1, 2):
        raise InputError(f"order is {order!r}; it must be 1 or 2.")
    z, y, w = _checked(masks, values, weights)
    check_size(number_of_monomials(z.shape[1], order))
    finite = torch.where(w.isinf(), 0.0, w)
    total = float(finite.sum()) or 1.0
    share = torch.where(w.isinf(), 1.0, w / total)  # enforced masks also show which players vary
    mean = weighted_mean(z, share / share.sum())
    monomials = Monomials(mean, inverse_spread(mean), order)
    system = LeastSquares(lambda rows: monomials.columns(z[rows]), w, monomials.size)
    solution = system.solve(y)
    return monomials.fit(solution, _r2(y, system.fitted(solution), finite / total))


def _r2(values: Tensor, fitted: Tensor, share: Tensor) -> float:
    total = float(share @ (values - share @ values).square())
    return 1.0 - float(share @ (values - fitted).square()) / total if total > 0 else 1.0


def _checked(masks: Any, values: Any, weights: Any) -> tuple[Tensor, Tensor, Tensor]:
    z, y = _tensor(masks), _tensor(values).double()
    w = torch.ones(len(y), dtype=torch.float64) if weights is None else _tensor(weights).double()
    check_binary(z)
    z, w = z.to(y.device).bool(), w.to(y.device)
    if z.ndim != 2 or y.ndim != 1 or len(z) != len(y) or w.shape != y.shape or not z.numel():
        raise InputError(
            f"masks {tuple(z.shape)}, values {tuple(y.shape)} and weights {tuple(w.shape)} do not match; "
            "expected (m, n), (m,) and (m,), with at least one mask and one player."
        )
    if not bool(y.isfinite().all()):
        raise InputError("Some values are not finite; remove their masks.")
    if bool((w < 0).any()) or bool(w.isnan().any()) or not bool((w > 0).any()):
        raise InputError("weights must be non-negative and not all zero; an infinite weight enforces its mask's value.")
    return z, y, w


def _tensor(data: Any) -> Tensor:
    """Return a tensor unchanged, and convert other data through numpy, which copies what torch cannot share."""
    return data if isinstance(data, Tensor) else torch.from_numpy(np.array(data))
