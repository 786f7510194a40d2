"""Shapley interactions and values from complement pairs of joint masks, the empty and the full mask enforced exactly.

The faithful Shapley interaction index (FSII; Tsai, Yeh & Ravikumar, "Faith-Shap", JMLR 2023) is the least-squares
polynomial of the game under the Shapley kernel, a mask of k among n players weighing 1/(C(n, k) k (n − k)), that
agrees with the game on the empty and the full mask; at order 1 it is the Shapley value (KernelSHAP, Lundberg & Lee
2017). In φ_i = 2 z_i − 1 a complement flips every sign. So the half-sums of pairs are fitted by 1 and φ_i φ_j, their
half-differences by φ_i alone (Covert & Lee 2021), each with one enforced row: that of the empty and full mask.
"""

from __future__ import annotations

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
    """What :func:`fit_shapley` returns, in the unit of the values.

    Attributes:
        baseline: Value of the empty mask, exactly.
        main: (n,).
        interactions: (n, n) symmetric, zero diagonal; 0 at order 1.
        main_se, interactions_se: Standard errors, same shapes; NaN where the masks are too few to tell.
        r2: Weighted R² on the fitted pairs.
        determined: There were enough masks to estimate every coefficient.
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
    """The polynomial of degree ≤ ``order`` that is closest to the game under the Shapley kernel.

    Args:
        halves: (u, n) bool; one mask of every pair, neither empty nor full.
        values: (u, 2) the game's values of these masks and of their complements.
        empty: The game's value with no player.
        full: The game's value with all of them.
        weights: (u,); uniform by default, which is right for masks drawn from the kernel.
        order: 1 or 2.
        sampled: False where the masks are all there are: there is no sampling error then.

    Raises:
        InputError: There are so many players that the Gram matrix would exceed 2 GB.

    Standard errors are the sandwich's over pairs as units, conditional on nothing but the players.
    """
    halves, values = halves.bool(), values.double()
    n, device = halves.shape[1], values.device
    half = torch.full((n,), 0.5, dtype=torch.float64, device=device)
    monomials = Monomials(half, 4 * half, order)
    masks = torch.cat([halves, torch.ones_like(halves[:1])])
    both = torch.cat([values, values.new_tensor([[full, empty]])])
    even, odd = both.mean(dim=1), (both[:, 0] - both[:, 1]) / 2
    drawn = torch.ones(len(halves), dtype=torch.float64, device=device) if weights is None else weights.double()
    weighted = torch.cat([drawn, drawn.new_tensor([torch.inf])])

    def even_columns(rows: slice) -> Tensor:
        linear = monomials.linear(masks[rows])
        return torch.cat([torch.ones_like(linear[:, :1]), monomials.pairs(linear)], dim=1)

    evens = LeastSquares(even_columns, weighted, monomials.size - n)
    odds = LeastSquares(lambda rows: monomials.linear(masks[rows]), weighted, n)
    curved, straight = evens.solve(even), odds.solve(odd)
    left_even, left_odd = even - evens.fitted(curved), odd - odds.fitted(straight)
    _, main, pairs = monomials.expand(_interleave(curved, straight))
    determined = evens.determined and odds.determined
    main_se, pairs_se = torch.zeros_like(main), torch.zeros_like(pairs)
    if sampled and determined:
        main_se, pairs_se = _errors(monomials, evens, odds, left_even, left_odd)
    elif sampled:
        main_se, pairs_se = torch.full_like(main, torch.nan), torch.full_like(pairs, torch.nan)
    return ShapleyFit(
        baseline=float(empty),
        main=main.cpu().numpy(),
        interactions=monomials.square(pairs).cpu().numpy(),
        main_se=main_se.cpu().numpy(),
        interactions_se=monomials.square(pairs_se).cpu().numpy(),
        r2=_r2(drawn, even[:-1], odd[:-1], left_even[:-1], left_odd[:-1]),
        determined=determined,
    )


def kernel_weights(n: int) -> Floats:
    """(n − 1,) weight of one mask of 1, …, n − 1 kept players in the Shapley kernel: 1/(C(n, k) k (n − k)).

    Source: Lundberg & Lee 2017, theorem 2, up to the factor n − 1; Tsai et al. 2023 for any order.
    """
    sizes = np.arange(1, n)
    log_choose = np.array([_log_choose(n, int(k)) for k in sizes])
    return np.exp(-log_choose) / (sizes * (n - sizes))


def size_probabilities(n: int) -> Floats:
    """(n − 1,) probability of drawing 1, …, n − 1 kept players from the Shapley kernel: ∝ 1/(k (n − k))."""
    sizes = np.arange(1, n)
    shares = 1.0 / (sizes * (n - sizes))
    return shares / shares.sum()


def _log_choose(n: int, k: int) -> float:
    return float(np.log(np.arange(n - k + 1, n + 1) / np.arange(1, k + 1)).sum())


def _interleave(curved: Tensor, straight: Tensor) -> Tensor:
    """(…, size) coefficients in the order of :class:`Monomials`."""
    return torch.cat([curved[..., :1], straight, curved[..., 1:]], dim=-1)


def _errors(
    monomials: Monomials, evens: LeastSquares, odds: LeastSquares, left_even: Tensor, left_odd: Tensor
) -> tuple[Tensor, Tensor]:
    """Standard errors of mains and pairs; both problems share their masks, so influences add before squaring."""
    main, pairs = left_even.new_zeros(monomials.n), left_even.new_zeros(len(monomials.first))
    for rows in evens.blocks():
        moved = _interleave(evens.influence(rows, left_even), odds.influence(rows, left_odd))
        _, moved_main, moved_pairs = monomials.expand(moved)
        main += moved_main.square().sum(0)
        pairs += moved_pairs.square().sum(0)
    return main.sqrt(), pairs.sqrt()


def _r2(weights: Tensor, even: Tensor, odd: Tensor, left_even: Tensor, left_odd: Tensor) -> float:
    share = weights / weights.sum()
    total = float(share @ ((even - share @ even).square() + odd.square()))
    return 1.0 - float(share @ (left_even.square() + left_odd.square())) / total if total > 0 else 1.0
