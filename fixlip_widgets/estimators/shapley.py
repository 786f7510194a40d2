"""Shapley interactions and values from complement pairs of joint masks, exact at the empty and the full mask.

The faithful Shapley interaction index (FSII; Tsai, Yeh & Ravikumar, "Faith-Shap", JMLR 2023) is the least-squares
polynomial of the game under the Shapley kernel that equals the game on the empty and the full mask. The kernel weights
a mask of k among n players by 1/(C(n, k) k (n − k)). At order 1 the index is the Shapley value (KernelSHAP, Lundberg &
Lee 2017). In φ_i = 2 z_i − 1 a complement flips every sign, so 1 and φ_i φ_j are fitted to the half-sums of pairs, and
φ_i to the half-differences (Covert & Lee 2021). Each fit has one enforced row, that of the empty and full mask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.joint import Monomials
from fixlip_widgets.estimators.least_squares import LeastSquares

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ShapleyFit:
    """Result of :func:`fit_shapley`, in the unit of the values.

    Attributes:
        baseline: Exact value of the empty mask.
        main: (n,) main effects.
        interactions: (n, n) symmetric, zero diagonal; 0 at order 1.
        main_se, interactions_se: Standard errors, same shapes; NaN if the masks are too few.
        r2: Weighted R² on the fitted pairs.
        determined: Whether the masks determine every coefficient.
    """

    baseline: float
    main: Floats
    interactions: Floats
    main_se: Floats
    interactions_se: Floats
    r2: float
    determined: bool


def fit_shapley(
    halves: Tensor,
    values: Tensor,
    empty: float,
    full: float,
    weights: Tensor | None = None,
    order: int = 2,
    *,
    sampled: bool = True,
) -> ShapleyFit:
    """Fit the polynomial of degree ≤ ``order`` that is closest to the game under the Shapley kernel.

    Args:
        halves: (u, n) bool; one mask of every complement pair, neither empty nor full.
        values: (u, 2) values of these masks and of their complements.
        empty: Value of the empty mask.
        full: Value of the full mask.
        weights: (u,); uniform by default, which is correct for masks drawn from the kernel.
        order: 1 or 2.
        sampled: False if the masks are enumerated, so that there is no sampling error.

    Raises:
        InputError: The Gram matrix would exceed 2 GB.

    Standard errors are sandwich estimates with complement pairs as sampling units.
    """
    halves, values = halves.bool(), values.double()
    n, device = halves.shape[1], values.device
    half = torch.full((n,), 0.5, dtype=torch.float64, device=device)
    monomials = Monomials(half, 4 * half, order)
    masks = torch.cat([halves, torch.ones_like(halves[:1])])
    both = torch.cat([values, values.new_tensor([[full, empty]])])
    even, odd = both.mean(dim=1), (both[:, 0] - both[:, 1]) / 2
    pair_weights = torch.ones(len(halves), dtype=torch.float64, device=device) if weights is None else weights.double()
    row_weights = torch.cat([pair_weights, pair_weights.new_tensor([torch.inf])])

    def even_columns(rows: slice) -> Tensor:
        linear = monomials.linear(masks[rows])
        return torch.cat([torch.ones_like(linear[:, :1]), monomials.pairs(linear)], dim=1)

    evens = LeastSquares(even_columns, row_weights, monomials.size - n)
    odds = LeastSquares(lambda rows: monomials.linear(masks[rows]), row_weights, n)
    even_solution, odd_solution = evens.solve(even), odds.solve(odd)
    even_residuals, odd_residuals = even - evens.fitted(even_solution), odd - odds.fitted(odd_solution)
    _, main, pairs = monomials.expand(_interleave(even_solution, odd_solution))
    determined = evens.determined and odds.determined
    if sampled and determined:
        main_se, pairs_se = _errors(monomials, evens, odds, even_residuals, odd_residuals)
    else:
        unknown = torch.nan if sampled else 0.0
        main_se, pairs_se = torch.full_like(main, unknown), torch.full_like(pairs, unknown)
    return ShapleyFit(
        baseline=float(empty),
        main=main.cpu().numpy(),
        interactions=monomials.square(pairs).cpu().numpy(),
        main_se=main_se.cpu().numpy(),
        interactions_se=monomials.square(pairs_se).cpu().numpy(),
        r2=_r2(pair_weights, even[:-1], odd[:-1], even_residuals[:-1], odd_residuals[:-1]),
        determined=determined,
    )


def kernel_weights(n: int) -> Floats:
    """Return (n − 1,) Shapley kernel weights 1/(C(n, k) k (n − k)) of a mask with k = 1, …, n − 1 kept players.

    Source: Lundberg & Lee 2017, theorem 2, up to the factor n − 1; Tsai et al. 2023 for any order.
    """
    return np.array([1 / (math.comb(n, k) * k * (n - k)) for k in range(1, n)])


def size_probabilities(n: int) -> Floats:
    """Return (n − 1,) probabilities ∝ 1/(k (n − k)) of k = 1, …, n − 1 kept players in the Shapley kernel."""
    sizes = np.arange(1, n)
    shares = 1.0 / (sizes * (n - sizes))
    return shares / shares.sum()


def _interleave(even_solution: Tensor, odd_solution: Tensor) -> Tensor:
    """Arrange (…, size) coefficients in the order of :class:`Monomials`."""
    return torch.cat([even_solution[..., :1], odd_solution, even_solution[..., 1:]], dim=-1)


def _errors(
    monomials: Monomials, evens: LeastSquares, odds: LeastSquares, even_residuals: Tensor, odd_residuals: Tensor
) -> tuple[Tensor, Tensor]:
    """Return standard errors of main effects and pairs; both fits share masks, so influences add before squaring."""
    main, pairs = even_residuals.new_zeros(monomials.n), even_residuals.new_zeros(len(monomials.first))
    for rows in evens.blocks():
        influence = _interleave(evens.influence(rows, even_residuals), odds.influence(rows, odd_residuals))
        _, main_influence, pair_influence = monomials.expand(influence)
        main += main_influence.square().sum(0)
        pairs += pair_influence.square().sum(0)
    return main.sqrt(), pairs.sqrt()


def _r2(weights: Tensor, even: Tensor, odd: Tensor, even_residuals: Tensor, odd_residuals: Tensor) -> float:
    share = weights / weights.sum()
    total = float(share @ ((even - share @ even).square() + odd.square()))
    return 1.0 - float(share @ (even_residuals.square() + odd_residuals.square())) / total if total > 0 else 1.0
