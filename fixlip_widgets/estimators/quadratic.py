"""Idea 3, fit: the best polynomial of degree ≤ 2 in the players of one modality, without its design matrix.

In the basis φ_i = (z_i − μ_i)/√(μ_i(1 − μ_i)) the monomials 1, φ_i, φ_i φ_j of independent masks are orthonormal, so
the normal equations are close to the identity and a Krylov method needs few steps. Their products need no column for
each pair: with V the symmetric matrix of pair coefficients, ``(F V)_i = ½ φ_iᵀ V φ_i`` and ``Fᵀ r = Φᵀ diag(r) Φ``.
One Krylov space answers for every ridge strength at once, since the shifted systems share it. A ridge that leans on the
players' strengths (:mod:`.heredity`) is one on ``v_ij / √(g_i g_j)``: the same problem with every column of Φ scaled.

Where masks come as complement pairs, linear terms see only the half-difference of a pair's targets and all other terms
only the half-sum: the two problems separate, and each has half as many rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from fixlip_widgets.estimators.heredity import even_strengths, expected_squares, strengths
from fixlip_widgets.estimators.krylov import Krylov, norm_of
from fixlip_widgets.estimators.penalties import CrossValidated, NoPairs, Penalty, Ridge
from fixlip_widgets.estimators.shrinkage import Shrinkage, choices, shrinkage

LEAST_SQUARES = Ridge(0.0)
_ROWS = 8192
"""Masks per product: bounds the temporary to this many rows."""
_ROUNDS = (0.1, 3e-3)
"""Tolerances of the solves after each estimate of the players' strengths: from the raw data, and from the first fit."""


@dataclass(frozen=True)
class QuadraticFit:
    """A polynomial ``constant + z·linear + ½ zᵀ pairs z`` of one modality's masks.

    Attributes:
        constant: float.
        linear: (n,).
        pairs: (n, n) symmetric, zero diagonal.
        residuals: (m,) target minus fitted value of every mask.
        ridge: Strength of the penalty ``ridge · Σ_{i<j} v_ij²/(g_i g_j)`` on pair coefficients v in the orthonormal
            basis.
        strengths: (n,) g, what the penalty expects of each player; all ones where it treats them alike.
        pair_freedom: Effective degrees of freedom that the pair coefficients use.
        pair_variance: (n, n) what sampling and the penalty do to each pair coefficient's variance.
        pair_loss: (n, n) share of each pair coefficient that the penalty takes away; 0 without one.
        pair_bias: (n, n) estimate of what the penalty took from each pair coefficient v; zero without a penalty.
        pair_bias_variance: (n, n) mean square that such an estimate has where the penalty expects the right thing.
    """

    constant: float
    linear: Tensor
    pairs: Tensor
    residuals: Tensor
    ridge: float
    strengths: Tensor
    pair_freedom: float
    pair_variance: Tensor
    pair_loss: Tensor
    pair_bias: Tensor
    pair_bias_variance: Tensor


class QuadraticDesign:
    """Weighted masks of one modality, ready to fit any number of targets.

    Args:
        masks: (m, n) bool.
        weights: (m,) summing to 1; equal within a pair where ``paired``.
        paired: Masks 2i and 2i + 1 are complements of each other.
        dtype: Of the products; float32 halves their time, float64 is exact.

    Attributes:
        mean: (n,) μ, the weighted mean of the masks.
        inverse_spread: (n,) 1/√(μ(1 − μ)); 0 for a player that never changes, which explains nothing.
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
        spread = (self.mean * (1 - self.mean)).clamp_min(0).sqrt()
        self.inverse_spread = torch.where(spread > 1e-6, 1 / spread, 0.0)
        firsts = masks[::2] if paired else masks
        self.unit_weights = weights[::2] + weights[1::2] if paired else weights
        self.units = float(1 / self.unit_weights.square().sum())
        self.n_units, self.n = firsts.shape
        self.n_pairs = self.n * (self.n - 1) // 2
        self.phi = torch.empty(firsts.shape, dtype=dtype, device=masks.device)
        for rows in chunks(self.n_units):
            self.phi[rows] = ((firsts[rows].double() - self.mean) * self.inverse_spread).to(dtype)
        self._root = self.unit_weights.sqrt().to(dtype)
        # constants and mains are never penalised: they are projected out of the pair problem
        self._affine_inverse = torch.linalg.pinv(self._affine_gram(), hermitian=True)
        self._projector = self._affine_inverse.to(dtype)
        if paired:
            self._projector = torch.zeros_like(self._projector)
            self._projector[0, 0] = 1

    def fit(self, targets: Tensor, penalty: Penalty = LEAST_SQUARES) -> QuadraticFit:
        """Fit ``targets`` (m,) by weighted least squares on all monomials of degree ≤ 2, or ≤ 1 for :class:`NoPairs`.

        Args:
            targets: (m,) a value for each mask.
            penalty: On the pair coefficients; see :mod:`.penalties`.
        """
        pairs = not isinstance(penalty, NoPairs)
        targets = targets.double()
        even, odd = self.fold(targets)
        curvature = torch.zeros(self.n, self.n, dtype=self.phi.dtype, device=self.phi.device)
        g, strength = even_strengths(self.n, self.phi.device), 0.0
        if not isinstance(penalty, NoPairs):
            curvature, g, strength = self._fit_pairs(self._off_affine(self._root * even.to(self._root)), penalty)
        curved = self._pair_values(curvature).double()
        constant, linear = self._affine(even - curved, odd - (0 if self.paired else curved))
        straight = self._phi_times(linear)
        fitted = constant + curved
        residuals = (
            torch.stack([fitted + straight, fitted - straight], dim=1).flatten() if self.paired else fitted + straight
        )
        shrunk = shrinkage(expected_squares(g), self._free_units, strength)
        bias = self._bias(self._root * (even - curved).to(self._root), curvature, shrunk)
        monomials = self._to_monomials(constant, linear, curvature.double())
        freedom = shrunk.freedom if pairs else 0.0
        return QuadraticFit(*monomials, targets - residuals, strength, g, freedom, shrunk.variance, shrunk.lost, *bias)

    def fold(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Half-sums and half-differences over each pair of rows; (values, values) where masks do not pair up."""
        if not self.paired:
            return values, values
        return (values[::2] + values[1::2]) / 2, (values[::2] - values[1::2]) / 2

    # -- the penalised pair problem: min ‖y − A V‖² + ridge Σ v²/(g g'), with the affine part projected out ----------

    def _fit_pairs(self, scaled: Tensor, penalty: Ridge | CrossValidated) -> tuple[Tensor, Tensor, float]:
        """Pair coefficients, the strengths that the penalty leaned on, and the ridge."""
        nothing = torch.zeros(self.n, self.n, dtype=self.phi.dtype, device=self.phi.device)
        g = even_strengths(self.n, self.phi.device)
        if isinstance(penalty, Ridge):
            tolerance = 1e-12 if scaled.dtype == torch.float64 else 1e-6
            return self._solve(scaled, g, penalty.strength, tolerance)[0], g, penalty.strength
        if not penalty.by_player:
            curvature, strength = self._solve(scaled, g, None, _ROUNDS[-1])
            return curvature, g, strength
        curvature, strength = nothing, 0.0
        for tolerance in _ROUNDS:
            left = self._off_affine(scaled - self._root * self._pair_values(curvature))
            # one step of descent makes the estimate unbiased again, and its noise known
            g = strengths(curvature + self._adjoint(left), self._noise(left))
            curvature, strength = self._solve(scaled, g, None, tolerance)
        return 0.5 * (curvature + curvature.T), g, strength  # rounding has its own idea of symmetry

    def _bias(self, left: Tensor, curvature: Tensor, shrunk: Shrinkage) -> tuple[Tensor, Tensor]:
        """What the penalty took from each pair coefficient, and the mean square of that estimate if it does no harm.

        A step of descent from the residuals, as much longer as the fit made them small, takes the bias out again.
        """
        if shrunk.ridge == 0:
            return torch.zeros_like(shrunk.lost), torch.zeros_like(shrunk.lost)
        left = self._off_affine(left)
        kept = 1 - shrunk.freedom / self._free_units
        unbiased = (curvature + self._adjoint(left) / kept).double()
        noise = self._noise(left).double() / kept**2
        # expected squares are noise · t/κ: the ratio of the two is what makes the penalty take its share away
        return shrunk.lost * unbiased, shrunk.lost * noise

    def _noise(self, left: Tensor) -> Tensor:
        """(n, n) variances of the means ``Φᵀ diag(w r) Φ``, from what is left of the targets."""
        out = torch.zeros(self.n, self.n, dtype=left.dtype, device=left.device)
        values = (self._root * left).square()
        for rows in chunks(self.n_units):
            squared = self.phi[rows].square()
            out += squared.T @ (values[rows, None] * squared)
        return out

    def _solve(self, scaled: Tensor, g: Tensor, ridge: float | None, tolerance: float) -> tuple[Tensor, float]:
        columns = g.sqrt().to(self.phi.dtype)
        spread = columns[:, None] * columns
        start = spread * self._adjoint(scaled)
        norm = float(norm_of(start))
        if self.n < 2 or norm == 0.0:
            return torch.zeros_like(start), ridge or 0.0
        energy, strength = float(scaled.double().square().sum()), ridge or 0.0
        candidates = None if ridge is not None else choices(expected_squares(g), self._free_units)
        coordinates = torch.zeros(1, dtype=torch.float64)
        krylov = Krylov(lambda pairs: spread * self._normal(spread * pairs), start)
        while krylov.extend():
            if krylov.size % 2 and not krylov.exhausted:
                continue
            first = torch.zeros(krylov.size, dtype=torch.float64)
            first[0] = norm
            if candidates is not None:
                strength = self._choose_ridge(*candidates, krylov.tridiagonal, first, energy)
            shifted = krylov.tridiagonal + strength * torch.eye(krylov.size, dtype=torch.float64)
            coordinates = torch.linalg.lstsq(shifted, first[:, None], driver="gelsd").solution[:, 0]
            if krylov.beta * abs(float(coordinates[-1])) <= tolerance * norm:
                break
        return spread * krylov.combine(coordinates), strength

    def _choose_ridge(
        self, ridges: Tensor, freedom: Tensor, tridiagonal: Tensor, first: Tensor, energy: float
    ) -> float:
        """Minimiser of ``RSS(λ) / (1 − freedom(λ)/u)²`` over ``ridges``, from the Krylov space built so far."""
        values, vectors = torch.linalg.eigh(tridiagonal)
        start = vectors.T @ first
        solved = start / (values.clamp_min(1e-12) + ridges[:, None])
        residual = energy - 2 * (solved * start).sum(1) + (solved.square() * values).sum(1)
        left = (1 - freedom / self._free_units).clamp_min(1e-6)
        return float(ridges[int((residual.clamp_min(0) / left.square()).argmin())])

    @property
    def _free_units(self) -> float:
        """Units that are left for the pair coefficients once constant and mains have taken theirs."""
        return max(self.units - (1 if self.paired else self.n + 1), 1.0)

    def _normal(self, pairs: Tensor) -> Tensor:
        return self._adjoint(self._off_affine(self._root * self._pair_values(pairs)))

    def _pair_values(self, pairs: Tensor) -> Tensor:
        """(u,) ``½ φ_iᵀ V φ_i``."""
        out = torch.empty_like(self._root)
        for rows in chunks(self.n_units):
            phi = self.phi[rows]
            out[rows] = 0.5 * torch.linalg.vecdot(phi @ pairs, phi)
        return out

    def _adjoint(self, scaled: Tensor) -> Tensor:
        """(n, n) ``Φᵀ diag(√w · r) Φ`` with a zero diagonal."""
        out = torch.zeros(self.n, self.n, dtype=scaled.dtype, device=scaled.device)
        values = self._root * scaled
        for rows in chunks(self.n_units):
            phi = self.phi[rows]
            out += phi.T @ (values[rows, None] * phi)
        return out.fill_diagonal_(0)

    # -- constants and mains -----------------------------------------------------------------------------------------

    def _affine(self, even: Tensor, odd: Tensor) -> tuple[float, Tensor]:
        """Constant and (n,) linear coefficients that fit what the pairs leave."""
        if self.paired:
            linear = self._affine_inverse[1:, 1:] @ self._affine_sums(self.unit_weights * odd)[1:]
            return float(self.unit_weights @ even), linear
        affine = self._affine_inverse @ self._affine_sums(self.unit_weights * even)
        return float(affine[0]), affine[1:]

    def _affine_gram(self) -> Tensor:
        """(1 + n, 1 + n) float64 weighted Gram matrix of 1 and φ; without their product for pairs, where it cancels."""
        gram = torch.zeros(self.n + 1, self.n + 1, dtype=torch.float64, device=self.phi.device)
        for rows in chunks(self.n_units):
            phi = self.phi[rows].double()
            weighted = self.unit_weights[rows, None] * phi
            gram[1:, 1:] += phi.T @ weighted
            gram[0, 1:] += 0 if self.paired else weighted.sum(0)
        gram[1:, 0], gram[0, 0] = gram[0, 1:], 1
        return gram

    def _affine_sums(self, values: Tensor) -> Tensor:
        """(n + 1,) sums of ``values`` (u,) times 1 and φ."""
        return torch.cat([values.sum()[None], (values.to(self.phi) @ self.phi).to(values)])

    def _phi_times(self, coefficients: Tensor) -> Tensor:
        return (self.phi @ coefficients.to(self.phi)).double()

    def _off_affine(self, scaled: Tensor) -> Tensor:
        """``scaled`` without its projection on the weighted constants and (where they are not odd) mains."""
        affine = self._projector @ self._affine_sums(self._root * scaled)
        return scaled - self._root * (affine[0] + self.phi @ affine[1:])

    def _to_monomials(self, constant: float, linear: Tensor, pairs: Tensor) -> tuple[float, Tensor, Tensor]:
        """Coefficients of 1, z_i, z_i z_j from those of 1, φ_i, φ_i φ_j."""
        scale, mean = self.inverse_spread, self.mean
        monomials = pairs * scale[:, None] * scale
        slopes = linear * scale
        curved = monomials @ mean
        return constant - float(slopes @ mean) + 0.5 * float(mean @ curved), slopes - curved, monomials


def weighted_mean(masks: Tensor, weights: Tensor) -> Tensor:
    """(n,) float64 weighted mean of the masks' columns."""
    mean = torch.zeros(masks.shape[1], dtype=torch.float64, device=masks.device)
    for rows in chunks(len(masks)):
        mean += weights[rows] @ masks[rows].double()
    return mean


def chunks(count: int) -> Iterator[slice]:
    """Slices over ``count`` rows, an even number each, that bound every temporary array."""
    return (slice(start, min(start + _ROWS, count)) for start in range(0, count, _ROWS))
