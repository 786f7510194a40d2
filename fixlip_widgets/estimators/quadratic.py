"""Idea 3, fit: the best polynomial of degree ≤ 2 in the players of one modality, without its design matrix.

In the basis φ_i = (z_i − μ_i)/√(μ_i(1 − μ_i)), the monomials 1, φ_i, φ_i φ_j of independent masks are orthonormal, so
the normal equations are close to the identity and a Krylov method needs few steps. No column per pair is stored: with V
the symmetric matrix of pair coefficients, ``(F V)_u = ½ φ_uᵀ V φ_u`` and ``Fᵀ r = Φᵀ diag(r) Φ``. One Krylov space
serves every strength of a ridge, because the systems differ by a multiple of the identity. A ridge that depends on the
players' strengths g (:mod:`.heredity`) penalises ``v_ij / √(g_i g_j)``: the same problem with scaled columns of Φ.

If masks come as complement pairs, linear terms depend only on the half-difference of a pair's targets, and all other
terms only on the half-sum. The two problems separate, and each has half as many rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from fixlip_widgets.estimators.heredity import expected_squares, strengths
from fixlip_widgets.estimators.krylov import Krylov
from fixlip_widgets.estimators.orthogonal_arrays import MOST_PLAYERS, array_length
from fixlip_widgets.estimators.orthonormal import cross_validated_ridge, shrink
from fixlip_widgets.estimators.penalties import CrossValidated, NoPairs, Penalty, Ridge
from fixlip_widgets.estimators.shrinkage import Shrinkage, choices, shrinkage

LEAST_SQUARES = Ridge(0.0)
_CHUNK_ROWS = 8192
"""Masks per product, which bounds temporary arrays; even, so that no complement pair is split."""
_SMALLEST_SPREAD = 1e-6
"""Standard deviation of a mask's entry below which a player counts as constant, as it may deviate by rounding."""
_EXACT = {torch.float64: 1e-12, torch.float32: 1e-6}
"""Relative residuals at which solves with a given ridge stop: near the rounding errors of their products."""
_ROUGH, _FINE = 0.1, 3e-3
"""Relative residuals at which cross-validated solves stop: the first of two, which only serves to estimate strengths,
and the last, whose error is far below that of sampling."""
_ORTHONORMAL = {torch.float64: 1e-9, torch.float32: 1e-4}
"""Largest relative deviation of a Gram matrix from the identity that is attributed to rounding."""
_ROUNDS = 4
"""Alternations between strengths and coefficients over whole arrays. In ``fixlip-widgets bench arrays``, more lower the
error of main effects further, at the expense of image–image terms."""


@dataclass(frozen=True)
class QuadraticFit:
    """A polynomial ``constant + z·linear + ½ zᵀ pairs z`` of one modality's masks.

    Attributes:
        degree: 2; or 1 if no pairs were fitted.
        constant: Value at the mask that keeps nothing.
        linear: (n,).
        pairs: (n, n) symmetric, zero diagonal.
        residuals: (m,) target minus fitted value of every mask.
        strengths: (n,) g of the penalty ``ridge · Σ_{i<j} v_ij²/(g_i g_j)`` on the pair coefficients v in the
            orthonormal basis; ones if it treats all players alike.
        shrinkage: Effect of that penalty on each v.
        pair_bias: (n, n) estimate of the amount by which the penalty reduced each v; 0 without a penalty.
        pair_bias_variance: (n, n) expected square of that estimate if the penalty's strengths are correct.
    """

    degree: int
    constant: float
    linear: Tensor
    pairs: Tensor
    residuals: Tensor
    strengths: Tensor
    shrinkage: Shrinkage
    pair_bias: Tensor
    pair_bias_variance: Tensor

    @property
    def ridge(self) -> float:
        """Strength of the penalty; 0 for least squares."""
        return self.shrinkage.ridge

    @property
    def excess_of_squares(self) -> float:
        """Estimated ``Σ_{i<j} v_ij²`` beyond what the penalty expects, which is the sum of squares and variances.

        The penalty takes strong terms for weak ones. With the share L of a coefficient lost, the unbiased coefficient u
        and its noise s², the penalty expects ``(1 − L)² u² + (1 − L) s²`` where ``u² − s²`` is unbiased.
        """
        lost, squares = self.shrinkage.lost, self.pair_bias.square() - self.pair_bias_variance  # L² u² and L s²
        return 0.5 * float(torch.where(lost > 0, (2 - lost) / lost * squares, 0.0).sum())


class QuadraticDesign:
    """Weighted masks of one modality, to which any number of targets can be fitted.

    Args:
        masks: (m, n) bool.
        weights: (m,) summing to 1; equal within a pair if ``paired``.
        paired: Whether masks 2i and 2i + 1 are complements of each other.
        dtype: Type of the products; float32 halves their time.

    Attributes:
        mean: (n,) μ, the weighted mean of the masks.
        inverse_spread: (n,) 1/√(μ(1 − μ)); 0 for a constant player, which explains nothing.
        phi: (u, n) the basis at the sampling units: every mask, or the first of every pair.
        unit_weights: (u,) summing to 1.
        units: Kish's effective number of units.
    """

    def __init__(
        self, masks: Tensor, weights: Tensor, paired: bool = False, dtype: torch.dtype = torch.float64
    ) -> None:
        self.paired = paired
        weights = weights.double()
        self.mean = weighted_mean(masks, weights)
        self.inverse_spread = inverse_spread(self.mean)
        firsts = masks[::2] if paired else masks
        self.unit_weights = weights[::2] + weights[1::2] if paired else weights
        self.units = float(1 / self.unit_weights.square().sum())
        self.n_units, self.n = firsts.shape
        self.n_pairs = self.n * (self.n - 1) // 2
        # units left for the pair coefficients, after the terms that share their equations
        self._free_units = max(self.units - (1 if paired else self.n + 1), 1.0)
        self._equal = bool(self.unit_weights.max() - self.unit_weights.min() <= 1e-9 / self.n_units)
        self.phi = torch.empty(firsts.shape, dtype=dtype, device=masks.device)
        for rows in chunks(self.n_units):
            self.phi[rows] = ((firsts[rows].double() - self.mean) * self.inverse_spread).to(dtype)
        self._root = self.unit_weights.sqrt().to(dtype)
        self._linear_inverse = torch.linalg.pinv(self._gram(self.unit_weights), hermitian=True)

    def fit(self, targets: Tensor, penalty: Penalty = LEAST_SQUARES) -> QuadraticFit:
        """Fit ``targets`` (m,) by weighted least squares on all monomials of degree ≤ 2 (≤ 1 with :class:`.NoPairs`).

        ``penalty`` acts on the pair coefficients alone; see :mod:`.penalties`.
        """
        even, odd = self._fold(targets.double())
        curvature, g, ridge = self._fit_pairs(self._off_affine(self._root * even.to(self._root)), penalty)
        even = even - self._pair_values(curvature).double()
        constant = self.unit_weights @ even
        odd = odd if self.paired else even
        linear = self._linear_inverse @ ((self.unit_weights * odd).to(self.phi) @ self.phi).double()
        straight = (self.phi @ linear.to(self.phi)).double()
        residuals = even - constant - straight
        if self.paired:
            left_even, left_odd = even - constant, odd - straight
            residuals = torch.stack([left_even + left_odd, left_even - left_odd], dim=1).flatten()
        shrunk = shrinkage(expected_squares(g), self._spectral_units, ridge)
        if isinstance(penalty, NoPairs):
            shrunk = replace(shrunk, freedom=0.0)
        bias, bias_variance = self._bias(self._root * even.to(self._root), curvature, shrunk)
        constant, linear, pairs = self._to_monomials(float(constant), linear, curvature.double())
        return QuadraticFit(
            degree=1 if isinstance(penalty, NoPairs) else 2,
            constant=constant,
            linear=linear,
            pairs=pairs,
            residuals=residuals,
            strengths=g,
            shrinkage=shrunk,
            pair_bias=bias,
            pair_bias_variance=bias_variance,
        )

    def _fold(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Return half-sums and half-differences of pairs of masks, or ``values`` twice if masks are not paired."""
        if not self.paired:
            return values, values
        return (values[::2] + values[1::2]) / 2, (values[::2] - values[1::2]) / 2

    # -- pair coefficients: min ‖y − A V‖² + ridge Σ v²/(g g'), without the terms that are not penalised --------------
    # y, residuals and the rows of A include the roots of the units' weights

    def _fit_pairs(self, y: Tensor, penalty: Penalty) -> tuple[Tensor, Tensor, float]:
        """Return the pair coefficients, the strengths g, and the ridge."""
        nothing = torch.zeros(self.n, self.n, dtype=self.phi.dtype, device=self.phi.device)
        g = torch.ones(self.n, dtype=torch.float64, device=self.phi.device)
        if isinstance(penalty, NoPairs):
            return nothing, g, 0.0
        if self.orthonormal:
            return self._fit_orthonormal(y, g, penalty)
        if isinstance(penalty, Ridge):
            return self._solve(y, g, penalty.strength, _EXACT[y.dtype])[0], g, penalty.strength
        if not penalty.by_player:
            curvature, ridge = self._solve(y, g, None, _FINE)
            return curvature, g, ridge
        curvature, ridge = nothing, 0.0
        for tolerance in (_ROUGH, _FINE):
            residuals = self._off_affine(y - self._root * self._pair_values(curvature))
            # a step of gradient descent removes the bias of the fit, and has a known variance
            g = strengths(curvature + self._adjoint(residuals), self._noise(residuals))
            curvature, ridge = self._solve(y, g, None, tolerance)
        return 0.5 * (curvature + curvature.T), g, ridge  # symmetric but for rounding

    @cached_property
    def orthonormal(self) -> bool:
        """Whether the constant and the pairs are exactly orthonormal on these masks, as over whole arrays."""
        arrays = self.paired and self._equal and self.n <= MOST_PLAYERS and 2 * self.n_units % array_length(self.n) == 0
        if not arrays:
            return False
        probe = torch.randn(self.n, self.n, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        probe = (probe + probe.T).fill_diagonal_(0).to(self.phi)
        deviation = torch.linalg.vector_norm(self._normal(probe) - probe) / torch.linalg.vector_norm(probe)
        return bool(deviation <= _ORTHONORMAL[self.phi.dtype])

    @property
    def _spectral_units(self) -> float:
        """Number of rows of a random design whose Gram matrix deviates from the identity as this one does."""
        return math.inf if self.orthonormal else self._free_units

    def _fit_orthonormal(self, y: Tensor, g: Tensor, penalty: Ridge | CrossValidated) -> tuple[Tensor, Tensor, float]:
        """Return what :meth:`_fit_pairs` does, if the pairs are orthonormal."""
        plain = self._adjoint(y)
        if isinstance(penalty, Ridge):
            return shrink(plain, g, penalty.strength)[0], g, penalty.strength
        energy, curvature, freedom, ridge = float(y.double().square().sum()), torch.zeros_like(plain), 0.0, 0.0
        for _ in range(_ROUNDS if penalty.by_player else 1):
            if penalty.by_player:
                residuals = self._off_affine(y - self._root * self._pair_values(curvature))
                g = strengths(plain, self._noise(residuals) / (1 - freedom / self._free_units))
            ridge = cross_validated_ridge(plain, g, energy, self._free_units)
            curvature, freedom = shrink(plain, g, ridge)
        return curvature, g, ridge

    def _solve(self, y: Tensor, g: Tensor, ridge: float | None, tolerance: float) -> tuple[Tensor, float]:
        """Return the pair coefficients and the ridge, which is cross-validated if None."""
        spread = torch.outer(g, g).sqrt().to(y)
        krylov = Krylov(lambda pairs: spread * self._normal(spread * pairs), spread * self._adjoint(y))
        if krylov.norm == 0.0:
            return torch.zeros_like(spread), ridge or 0.0
        energy, strength = float(y.double().square().sum()), ridge or 0.0
        candidates = choices(expected_squares(g), self._free_units) if ridge is None else None
        while True:
            krylov.extend(2)
            if candidates is not None:
                strength = self._choose_ridge(krylov, energy, *candidates)
            coordinates = krylov.solve(strength)
            if krylov.exhausted or krylov.residual(coordinates) <= tolerance * krylov.norm:
                return spread * krylov.combine(coordinates), strength

    def _choose_ridge(self, krylov: Krylov, energy: float, ridges: Tensor, freedom: Tensor) -> float:
        """Minimise the generalised cross-validation score ``RSS(λ) / (1 − freedom(λ)/units)²`` over ``ridges``."""
        values, vectors = torch.linalg.eigh(krylov.tridiagonal)
        start = krylov.norm * vectors[0]
        solved = start / (values.clamp_min(1e-12) + ridges[:, None])
        rss = energy - 2 * (solved * start).sum(1) + (solved.square() * values).sum(1)
        left = (1 - freedom / self._free_units).clamp_min(1e-6)
        return float(ridges[int((rss.clamp_min(0) / left.square()).argmin())])

    def _bias(self, residuals: Tensor, curvature: Tensor, shrunk: Shrinkage) -> tuple[Tensor, Tensor]:
        """Return ``pair_bias`` and ``pair_bias_variance`` of the fit.

        A step of gradient descent from the residuals, divided by the factor by which the fit reduced them, removes the
        bias. Of the unbiased coefficients, the penalty takes the share ``lost`` away, and expects squares of
        ``noise / lost``.
        """
        if shrunk.ridge == 0:
            return torch.zeros_like(shrunk.lost), torch.zeros_like(shrunk.lost)
        residuals = self._off_affine(residuals)
        kept = 1 - shrunk.freedom / self._spectral_units
        unbiased = (curvature + self._adjoint(residuals) / kept).double()
        noise = self._noise(residuals).double() / kept**2
        return shrunk.lost * unbiased, shrunk.lost * noise

    def _noise(self, residuals: Tensor) -> Tensor:
        """Return (n, n) variances of the means ``Φᵀ diag(w r) Φ``."""
        return self._gram((self._root * residuals).square(), squared=True)

    def _normal(self, pairs: Tensor) -> Tensor:
        return self._adjoint(self._off_affine(self._root * self._pair_values(pairs)))

    def _pair_values(self, pairs: Tensor) -> Tensor:
        """Return (u,) ``½ φ_uᵀ V φ_u``."""
        out = torch.empty_like(self._root)
        for rows in chunks(self.n_units):
            phi = self.phi[rows]
            out[rows] = 0.5 * torch.linalg.vecdot(phi @ pairs, phi)
        return out

    def _adjoint(self, y: Tensor) -> Tensor:
        """Return (n, n) ``Φᵀ diag(√w y) Φ`` with a zero diagonal."""
        return self._gram(self._root * y).fill_diagonal_(0)

    def _gram(self, values: Tensor, squared: bool = False) -> Tensor:
        """Return (n, n) ``Φᵀ diag(values) Φ`` in the type of ``values``, or that of the squares of Φ."""
        out = torch.zeros(self.n, self.n, dtype=values.dtype, device=values.device)
        for rows in chunks(self.n_units):
            phi = self.phi[rows].to(values)
            phi = phi.square() if squared else phi
            out += phi.T @ (values[rows, None] * phi)
        return out

    def _off_affine(self, y: Tensor) -> Tensor:
        """Subtract from ``y`` its projection on the constant and, unless masks are paired, on the linear terms.

        The basis is centred, so the two are orthogonal; half-sums over pairs contain no linear terms.
        """
        weighted = self._root * y
        affine = weighted.sum()
        if not self.paired:
            affine = affine + self.phi @ (self._linear_inverse.to(y) @ (weighted @ self.phi))
        return y - self._root * affine

    def _to_monomials(self, constant: float, linear: Tensor, pairs: Tensor) -> tuple[float, Tensor, Tensor]:
        """Convert coefficients of 1, φ_i, φ_i φ_j to those of 1, z_i, z_i z_j."""
        scale, mean = self.inverse_spread, self.mean
        monomials = pairs * scale[:, None] * scale
        slopes = linear * scale
        curved = monomials @ mean
        return constant - float(slopes @ mean) + 0.5 * float(mean @ curved), slopes - curved, monomials


def weighted_mean(masks: Tensor, weights: Tensor) -> Tensor:
    """Return the (n,) float64 mean of (m, n) masks under (m,) weights that sum to 1."""
    mean = torch.zeros(masks.shape[1], dtype=torch.float64, device=masks.device)
    for rows in chunks(len(masks)):
        mean += weights[rows] @ masks[rows].double()
    return mean


def inverse_spread(mean: Tensor) -> Tensor:
    """Return (n,) 1/√(μ(1 − μ)) of players with means μ, or 0 for players that never change."""
    spread = (mean * (1 - mean)).clamp_min(0).sqrt()
    return torch.where(spread > _SMALLEST_SPREAD, 1 / spread, 0.0)


def chunks(count: int) -> Iterator[slice]:
    """Iterate over slices of ``count`` rows that bound the size of temporary arrays."""
    return (slice(start, min(start + _CHUNK_ROWS, count)) for start in range(0, count, _CHUNK_ROWS))
