"""Idea 3, fit: the best polynomial of degree ≤ 2 in the players of one modality, without its design matrix.

In the basis φ_i = (z_i − μ_i)/√(μ_i(1 − μ_i)) the monomials 1, φ_i, φ_i φ_j of independent masks are orthonormal, so the
normal equations are close to the identity and a Krylov method needs few steps. Their products need no column a pair:
with V the symmetric matrix of pair coefficients, ``(F V)_i = ½ φ_iᵀ V φ_i`` and ``Fᵀ r = Φᵀ diag(r) Φ``.
One Krylov space answers for every ridge strength at once (the shifted systems share it), and a second one, started
from a random sign vector, gives the trace that generalised cross-validation asks for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

_ROWS = 8192
"""Masks per product: bounds the temporary to this many rows."""
_RIDGES = torch.cat([torch.zeros(1, dtype=torch.float64), torch.logspace(-4, 2, 37, dtype=torch.float64)])
"""Ridge strengths that generalised cross-validation chooses from; eigenvalues of the Gram matrix are around 1."""
_PROBE_SEED = 20251


@dataclass(frozen=True)
class QuadraticFit:
    """A polynomial ``constant + z·linear + ½ zᵀ pairs z`` of one modality's masks.

    Attributes:
        constant: float.
        linear: (n,).
        pairs: (n, n) symmetric, zero diagonal.
        residuals: (m,) target minus fitted value of every mask.
        ridge: Strength of the penalty ``ridge · Σ_{i<j} v_ij²`` on pair coefficients in the orthonormal basis.
        pair_freedom: Effective degrees of freedom that the pair coefficients use.
    """

    constant: float
    linear: Tensor
    pairs: Tensor
    residuals: Tensor
    ridge: float
    pair_freedom: float


class QuadraticDesign:
    """Weighted masks of one modality, ready to fit any number of targets.

    Args:
        masks: (m, n) bool.
        weights: (m,) summing to 1.
        dtype: Of the products; float32 halves their time, float64 is exact.
    """

    def __init__(self, masks: Tensor, weights: Tensor, dtype: torch.dtype = torch.float64) -> None:
        exact = torch.float64
        self.count, self.n = masks.shape
        self.weights = weights.to(exact)
        self.effective_count = float(1.0 / self.weights.square().sum())
        self.mean = weighted_mean(masks, self.weights)
        spread = (self.mean * (1 - self.mean)).clamp_min(0).sqrt()
        # a player that is kept in all masks, or in none, explains nothing: its column is zero
        self.inverse_spread = torch.where(spread > 1e-9, 1 / spread, 0.0)
        self.phi = torch.empty(masks.shape, dtype=dtype, device=masks.device)
        for rows in chunks(self.count):
            self.phi[rows] = ((masks[rows].to(exact) - self.mean) * self.inverse_spread).to(dtype)
        self._root = self.weights.sqrt().to(dtype)
        self._affine_gram_inverse = torch.linalg.pinv(self._affine_gram(), hermitian=True).to(dtype)

    @property
    def n_unknowns(self) -> int:
        """Coefficients of the full polynomial: ``1 + n + n(n − 1)/2``."""
        return 1 + self.n + self.n * (self.n - 1) // 2

    def fit(self, targets: Tensor, ridge: float | None = 0.0) -> QuadraticFit:
        """Weighted least squares of ``targets`` (m,) on all monomials of degree ≤ 2.

        ``ridge`` penalises the pair coefficients alone: 0 is plain least squares (of smallest pair norm where masks
        are too few), None lets generalised cross-validation choose (Golub, Heath & Wahba 1979; trace by one random
        probe, Girard 1989).
        """
        scaled = self._off_affine(self._root * targets.to(self._root))
        pairs, strength = self._solve(scaled, ridge)
        curved = self._unscaled_pairs(pairs)
        affine = self._affine_gram_inverse.double() @ self._affine_adjoint(self.weights * (targets.double() - curved))
        residuals = targets.double() - curved - affine[0] - self._phi_times(affine[1:])
        constant, linear, monomials = self._to_monomials(float(affine[0]), affine[1:], pairs.double())
        freedom = float(self._freedom(torch.tensor([strength], dtype=torch.float64))[0])
        return QuadraticFit(constant, linear, monomials, residuals, strength, freedom)

    # -- the penalised pair problem: min ‖y − A V‖² + ridge ‖V‖², with the affine part projected out ----------------

    def _solve(self, scaled: Tensor, ridge: float | None) -> tuple[Tensor, float]:
        tolerance = 1e-5 if ridge is None else (1e-12 if scaled.dtype == torch.float64 else 1e-6)
        start = self._adjoint(scaled)
        if self.n < 2 or float(_norm(start)) == 0.0:
            return torch.zeros_like(start), 0.0
        energy = float(scaled.double().square().sum())
        strength = ridge or 0.0
        coordinates = torch.zeros(1, dtype=torch.float64)
        basis: list[Tensor] = []
        for step, (basis, tridiagonal, next_beta) in enumerate(lanczos(self._normal, start), 1):
            if step % 4 and step < 8 and next_beta > 0:
                continue
            first = torch.zeros(step, dtype=torch.float64)
            first[0] = float(_norm(start))
            if ridge is None:
                strength = self._choose_ridge(tridiagonal, first, energy)
            coordinates = torch.linalg.solve(tridiagonal + strength * torch.eye(step, dtype=torch.float64), first)
            if next_beta * abs(float(coordinates[-1])) <= tolerance * float(first[0]):
                break
        solution = torch.zeros_like(start)
        for coefficient, direction in zip(coordinates.tolist(), basis, strict=False):
            solution += coefficient * direction
        return solution, strength

    def _choose_ridge(self, tridiagonal: Tensor, first: Tensor, energy: float) -> float:
        """Minimiser of ``RSS(λ) / (1 − df(λ)/m)²`` over the grid, from the Krylov space built so far."""
        values, vectors = torch.linalg.eigh(tridiagonal)
        start = vectors.T @ first
        solved = start[None] / (values.clamp_min(1e-12)[None] + _RIDGES[:, None])
        residual = energy - 2 * (solved * start).sum(1) + (solved.square() * values[None]).sum(1)
        left = 1 - (self.n + 1 + self._freedom(_RIDGES)) / self.effective_count
        score = torch.where(left > 1e-3, residual.clamp_min(0) / left.square(), torch.inf)
        return float(_RIDGES[int(score.argmin())]) if bool(torch.isfinite(score).any()) else float(_RIDGES[-1])

    def _freedom(self, ridges: Tensor) -> Tensor:
        """(k,) estimated trace of the pair part's hat matrix, ``Σ g/(g + λ)`` over its eigenvalues g, per ridge."""
        values, weights = self._spectrum
        return (weights[None] * values[None] / (values[None] + ridges[:, None]).clamp_min(1e-12)).sum(1)

    @cached_property
    def _spectrum(self) -> tuple[Tensor, Tensor]:
        """Nodes and weights whose weighted sums of f(g) estimate ``trace f`` over the non-zero eigenvalues g."""
        generator = torch.Generator().manual_seed(_PROBE_SEED)
        signs = torch.randint(0, 2, (self.count,), generator=generator) * 2.0 - 1
        start = self._adjoint(self._off_affine(signs.to(self._root)))
        scale = float(_norm(start)) ** 2
        if scale == 0.0:
            return torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
        tridiagonal = torch.empty(0)
        for step, (_, tridiagonal, _) in enumerate(lanczos(self._normal, start), 1):
            if step == 16:
                break
        values, vectors = torch.linalg.eigh(tridiagonal)
        values = values.clamp_min(1e-9)
        return values, scale * vectors[0].square() / values

    def _normal(self, pairs: Tensor) -> Tensor:
        return self._adjoint(self._off_affine(self._root * self._pair_values(pairs)))

    def _pair_values(self, pairs: Tensor) -> Tensor:
        """(m,) ``½ φ_iᵀ V φ_i``."""
        out = torch.empty_like(self._root)
        for rows in chunks(self.count):
            phi = self.phi[rows]
            out[rows] = 0.5 * torch.einsum("mi,mi->m", phi @ pairs, phi)
        return out

    def _adjoint(self, scaled: Tensor) -> Tensor:
        """(n, n) ``Φᵀ diag(√w · r) Φ`` with a zero diagonal."""
        out = torch.zeros(self.n, self.n, dtype=scaled.dtype, device=scaled.device)
        values = self._root * scaled
        for rows in chunks(self.count):
            phi = self.phi[rows]
            out += phi.T @ (values[rows, None] * phi)
        return out.fill_diagonal_(0)

    # -- the affine part ---------------------------------------------------------------------------------------------

    def _affine_gram(self) -> Tensor:
        gram = torch.eye(self.n + 1, dtype=torch.float64, device=self.phi.device)
        inner = torch.zeros(self.n, self.n, dtype=torch.float64, device=self.phi.device)
        sums = torch.zeros(self.n, dtype=torch.float64, device=self.phi.device)
        for rows in chunks(self.count):
            phi = self.phi[rows].double()
            weighted = self.weights[rows, None] * phi
            inner += phi.T @ weighted
            sums += weighted.sum(0)
        gram[1:, 1:], gram[0, 1:], gram[1:, 0] = inner, sums, sums
        return gram

    def _affine_adjoint(self, values: Tensor) -> Tensor:
        """(n + 1,) sums of ``values`` (m,) times 1 and φ."""
        return torch.cat([values.sum()[None], (values.to(self.phi) @ self.phi).to(values)])

    def _phi_times(self, coefficients: Tensor) -> Tensor:
        return (self.phi @ coefficients.to(self.phi)).double()

    def _off_affine(self, scaled: Tensor) -> Tensor:
        """``scaled`` without its projection on the weighted constants and mains."""
        affine = self._affine_gram_inverse @ self._affine_adjoint(self._root * scaled)
        return scaled - self._root * (affine[0] + self.phi @ affine[1:])

    # -- bases -------------------------------------------------------------------------------------------------------

    def _unscaled_pairs(self, pairs: Tensor) -> Tensor:
        return self._pair_values(pairs).double()

    def _to_monomials(self, constant: float, linear: Tensor, pairs: Tensor) -> tuple[float, Tensor, Tensor]:
        """Coefficients of 1, z_i, z_i z_j from those of 1, φ_i, φ_i φ_j."""
        scale, mean = self.inverse_spread, self.mean
        monomials = pairs * scale[:, None] * scale[None]
        slopes = linear * scale
        curved = monomials @ mean
        return constant - float(slopes @ mean) + 0.5 * float(mean @ curved), slopes - curved, monomials


def weighted_mean(masks: Tensor, weights: Tensor) -> Tensor:
    """(n,) float64 weighted mean of the masks' columns."""
    mean = torch.zeros(masks.shape[1], dtype=torch.float64, device=masks.device)
    for rows in chunks(len(masks)):
        mean += weights[rows] @ masks[rows].double()
    return mean


def lanczos(apply: Callable[[Tensor], Tensor], start: Tensor, most: int = 400) -> Iterator[tuple[list[Tensor], Tensor, float]]:
    """Orthonormal Krylov basis of a symmetric operator on (n, n) matrices, fully reorthogonalised.

    Yields after every step the basis, the tridiagonal matrix (float64, on the CPU), and the norm that the next
    direction has left; ends when the space is exhausted.
    """
    basis = [start / _norm(start)]
    diagonal: list[float] = []
    beside: list[float] = []
    while True:
        direction = apply(basis[-1])
        diagonal.append(float(_dot(direction, basis[-1])))
        for _ in range(2):
            for earlier in basis:
                direction = direction - _dot(direction, earlier) * earlier
        beta = float(_norm(direction))
        step = torch.tensor(diagonal, dtype=torch.float64)
        off = torch.tensor(beside, dtype=torch.float64)
        exhausted = beta <= 1e-13 * max(map(abs, diagonal)) or len(diagonal) == most
        yield basis, torch.diag(step) + torch.diag(off, 1) + torch.diag(off, -1), 0.0 if exhausted else beta
        if exhausted:
            return
        beside.append(beta)
        basis.append(direction / beta)


def _dot(first: Tensor, second: Tensor) -> Tensor:
    """Inner product over unordered pairs: half of the symmetric matrices' entrywise product."""
    return 0.5 * torch.vdot(first.flatten(), second.flatten())


def _norm(pairs: Tensor) -> Tensor:
    return _dot(pairs, pairs).sqrt()


def chunks(count: int) -> Iterator[slice]:
    """Slices over ``count`` rows that bound every temporary array."""
    return (slice(start, min(start + _ROWS, count)) for start in range(0, count, _ROWS))
