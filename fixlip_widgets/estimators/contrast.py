"""Standard errors of the difference of two fits, such as those of two captions on one image.

The two fits share masks, so their errors are correlated. The influences of each sampling unit on the two estimates are
subtracted before squaring: ``Var(b − a) = Σ_u (ψ_u(b) − ψ_u(a))²``. Masks that the fits do not share are independent,
and their variances are added.

For terms that a ridge shrinks, influences include the bias that the penalty expects (:mod:`.standard_errors`). The
biases of the two fits are taken to be correlated as their sampling errors are.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.estimators.crossmodal_regression import CrossModalFit, Modality
from fixlip_widgets.estimators.influence import Bias, Chunk, rests_on_few
from fixlip_widgets.estimators.standard_errors import EXACT_UP_TO, PROBES, Errors, Sampling, pair_coefficients

Indices = NDArray[np.intp]


class Match(NamedTuple):
    """Players of two fits that correspond to each other.

    Attributes:
        into: (k,) players of B.
        source: (k,) the corresponding players of A.
    """

    into: Indices
    source: Indices

    def split(self, n_image_b: int, n_image_a: int) -> tuple[Match, Match]:
        """Return the matches of image players and of text players, each numbered from 0."""
        image = self.into < n_image_b
        return Match(self.into[image], self.source[image]), Match(
            self.into[~image] - n_image_b, self.source[~image] - n_image_a
        )


def contrast_errors(
    b: CrossModalFit, a: CrossModalFit, match: Match, scale_b: float = 1.0, scale_a: float = 1.0
) -> Errors:
    """Compute standard errors of ``b.assemble(scale_b, …) − a.assemble(scale_a, …)``, for the players of B.

    Coefficients of players that A lacks count as zero in A. Enumerated modalities contribute no error. Terms that were
    not fitted, in B or in A, are NaN.

    Args:
        b: First fit.
        a: Fit to subtract.
        match: Corresponding players, image players first.
        scale_b: Factor of B's values.
        scale_a: Factor of A's values.
    """
    image, text = match.split(b.image.n, a.image.n)
    n = b.image.n + b.text.n
    baseline, main, pairs = 0.0, torch.zeros(n, dtype=torch.float64), torch.zeros(n, n, dtype=torch.float64)
    modalities: tuple[Literal["image", "text"], ...] = ("image", "text")
    for modality in modalities:
        if not (getattr(b, modality).sampled or getattr(a, modality).sampled):
            continue
        own, others = (image, text) if modality == "image" else (text, image)
        size = getattr(b, modality).n, getattr(b, _other(modality)).n
        exact = max(size[1], getattr(a, _other(modality)).n) <= EXACT_UP_TO
        options: dict[str, Any] = {"size": size, "exact": exact}
        of_b = _Part(b, modality, scale_b, own=_same(b, modality), others=_same(b, _other(modality)), **options)
        of_a = _Part(a, modality, -scale_a, own=own, others=others, **options)
        parts = [part for part in (of_b, of_a) if part.sampling.side.sampled]
        together = len(parts) == 2 and shares_units(b, a, modality)
        for group in [parts] if together else [[part] for part in parts]:
            of_baseline, of_main, of_pairs = _variances(group)
            baseline += of_baseline
            main[of_b.sampling.own] += of_main[0].cpu()
            main[of_b.sampling.others] += of_main[1].cpu()
            for block, values in zip(_blocks(of_b.sampling), of_pairs, strict=True):
                pairs[block] += values.cpu()
    _leave_out(pairs, b, _same(b, "image"), _same(b, "text"))
    _leave_out(pairs, a, image, text, offset=b.image.n)
    pairs.fill_diagonal_(0)
    return Errors(baseline=math.sqrt(baseline), main=main.sqrt().numpy(), interactions=pairs.sqrt().numpy())


def shares_units(b: CrossModalFit, a: CrossModalFit, modality: Literal["image", "text"]) -> bool:
    """Return whether the masks of ``modality`` are the same draws in both fits."""
    of_b: Modality = getattr(b, modality)
    of_a: Modality = getattr(a, modality)
    return of_b.paired == of_a.paired and torch.equal(of_b.masks.cpu(), of_a.masks.cpu())


def _other(modality: Literal["image", "text"]) -> Literal["image", "text"]:
    return "text" if modality == "image" else "image"


def _same(fit: CrossModalFit, modality: Literal["image", "text"]) -> Match:
    players = np.arange(getattr(fit, modality).n)
    return Match(players, players)


def _blocks(sampling: Sampling) -> list[tuple[slice, slice]]:
    own, others = sampling.own, sampling.others
    return [(own, own), (own, others), (others, own), (others, others)]


def _leave_out(pairs: Tensor, fit: CrossModalFit, image: Match, text: Match, offset: int | None = None) -> None:
    """Mark pairs within a modality as unknown if ``fit`` has none."""
    if not fit.pairs:
        for players in (image.into, text.into + (fit.image.n if offset is None else offset)):
            pairs[np.ix_(players, players)] = torch.nan


@dataclass(frozen=True, eq=False)
class _Influences:
    """Influences of some units on B's coefficients: those of one fit, times its factor; players that it lacks have 0.

    Attributes:
        baseline, own, others: (u,), (u, n) and (u, n_other) influences on the affine terms.
        slope, residuals: (u, n) and (u, n_other) factors of the influences on cross-modal terms.
        phi, even: (u, n) and (u,) factors of those on pair terms within the modality.
        moved: (u, n_other²) influences on the other modality's pair terms, or (d, probes) random sums.
    """

    baseline: Tensor
    own: Tensor
    others: Tensor
    slope: Tensor
    residuals: Tensor
    phi: Tensor
    even: Tensor
    moved: Tensor


class _Part:
    """One of the fits, from drawing the masks of one modality, with its players numbered as in B."""

    def __init__(
        self,
        fit: CrossModalFit,
        modality: Literal["image", "text"],
        factor: float,
        *,
        own: Match,
        others: Match,
        size: tuple[int, int],
        exact: bool,
    ) -> None:
        self.sampling = sampling = Sampling(fit, modality)
        self.factor, self.own, self.others, self.size, self.exact = factor, own, others, size, exact
        if exact and sampling.side.sampled:
            identity = torch.eye(len(sampling.constant), dtype=torch.float64, device=sampling.constant.device)
            along = pair_coefficients(sampling.other, identity)
            self._along = self.other_pairs(along).flatten(1).to(sampling.side.dtype)
        self._random = torch.Generator().manual_seed(0)

    def influences(self, chunk: Chunk) -> _Influences:
        """Compute the influences of some of the units."""
        sampling, factor = self.sampling, self.factor
        flow = sampling.flow(chunk)
        baseline, own, others = sampling.affine_influences(chunk, flow)
        if self.exact:
            moved = factor * flow.moved @ self._along
        else:
            signs = torch.randint(0, 2, (len(flow.moved), PROBES), generator=self._random).to(flow.moved) * 2 - 1
            moved = factor * (flow.moved.T @ signs).double()
        return _Influences(
            baseline=factor * baseline,
            own=factor * self._placed(own, self.own, self.size[0]),
            others=factor * self._placed(others, self.others, self.size[1]),
            slope=self._placed(flow.slope, self.own, self.size[0]),
            residuals=factor * self._placed(flow.residuals, self.others, self.size[1]),
            phi=self._placed(chunk.scaled, self.own, self.size[0]),
            even=factor * chunk.even,
            moved=moved,
        )

    def own_pairs(self, values: Tensor) -> Tensor:
        """Place (n, n) values of pairs of this fit's own players among those of B."""
        return _placed_pairs(values[None], self.own, self.size[0])[0]

    def other_pairs(self, values: Tensor) -> Tensor:
        """Place (k, n_other, n_other) values of pairs of the other players among those of B."""
        return _placed_pairs(values, self.others, self.size[1])

    def mean_mask(self) -> Tensor:
        """Return the (n,) mean mask; 0 for players that this fit lacks."""
        return self._placed(self.sampling.side.moments.mean_mask[None], self.own, self.size[0])[0]

    @staticmethod
    def _placed(values: Tensor, match: Match, count: int) -> Tensor:
        if _unmoved(values, match, count):
            return values
        out = values.new_zeros(len(values), count)
        out[:, match.into] = values[:, match.source]
        return out


def _unmoved(values: Tensor, match: Match, count: int) -> bool:
    """Return whether all players of ``values`` are those of B, in the same order."""
    return len(match.into) == count == values.shape[-1] and np.array_equal(match.into, match.source)


def _placed_pairs(values: Tensor, match: Match, count: int) -> Tensor:
    if _unmoved(values, match, count):
        return values
    out = values.new_zeros(len(values), count, count)
    into, source = np.ix_(match.into, match.into), np.ix_(match.source, match.source)
    out[:, into[0], into[1]] = values[:, source[0], source[1]]
    return out


def _variances(parts: list[_Part]) -> tuple[float, tuple[Tensor, Tensor], tuple[Tensor, Tensor, Tensor, Tensor]]:
    """Return variances of the baseline, of own and others' main effects, and of the four blocks of pairs.

    ``parts`` are one fit, or two fits to the same masks.
    """
    n, n_other = parts[0].size
    new = parts[0].sampling.cross.double().new_zeros
    baseline, own, others, cross = 0.0, new(n), new(n_other), new(n, n_other)
    grams = {(i, j): new(n, n) for i in range(len(parts)) for j in range(i, len(parts))}
    moved = new(n_other * n_other) if parts[0].exact else [new(()) for _ in parts]
    for chunks in _together(parts):
        found = [part.influences(chunk) for part, chunk in zip(parts, chunks, strict=True)]
        baseline += float(_sum([each.baseline for each in found]).square().sum())
        own += _sum([each.own for each in found]).square().sum(0)
        others += _sum([each.others for each in found]).square().sum(0)
        for (i, j), gram in grams.items():
            one, two, times = found[i], found[j], 1 if i == j else 2
            cross += times * ((one.slope * two.slope).T @ (one.residuals * two.residuals)).double()
            squared = one.phi * two.phi
            gram += (squared.T @ ((one.even * two.even)[:, None] * squared)).double()
        if isinstance(moved, Tensor):
            moved += _sum([each.moved for each in found]).square().sum(0)
        else:
            moved = [before + each.moved for before, each in zip(moved, found, strict=True)]
    if isinstance(moved, Tensor):
        other_pairs = moved.reshape(n_other, n_other)
    else:
        along = [
            part.other_pairs(pair_coefficients(part.sampling.other, sums))
            for part, sums in zip(parts, moved, strict=True)
        ]
        other_pairs = _sum(along).square().mean(0)
    own_pairs, bias = _shrunk(parts, grams)
    if bias is not None:
        baseline += bias.constant()
        own += bias.linear()
    cross.clamp_min_(0)
    for part in parts:
        side, units = part.sampling.side, part.sampling.units
        if units.few:
            other_pairs = other_pairs + torch.nan
        if rests_on_few(side, "constant", units.part):
            baseline = math.nan
        if rests_on_few(side, "linear", units.part):
            own[part.own.into] = torch.nan
    return baseline, (own, others), (own_pairs, cross, cross.T, other_pairs)


def _together(parts: list[_Part]) -> Iterator[tuple[Chunk, ...]]:
    return zip(*(part.sampling.units.chunks() for part in parts), strict=True)


def _sum(tensors: list[Tensor]) -> Tensor:
    return tensors[0] if len(tensors) == 1 else tensors[0] + tensors[1]


def _shrunk(parts: list[_Part], grams: dict[tuple[int, int], Tensor]) -> tuple[Tensor, Bias | None]:
    """Return (n, n) variances of own pair terms, and the excess bias, from the sums of products of influences."""
    factors = [part.own_pairs(part.sampling.units.shrinkage) for part in parts]
    variances = torch.zeros_like(factors[0])
    for (i, j), gram in grams.items():
        variances += (1 if i == j else 2) * factors[i] * factors[j] * gram
    variances.clamp_min_(0)
    bias = _bias(parts, grams)
    if bias is not None:
        variances += bias.pairs()
    for part in parts:
        if part.sampling.units.unsure:
            variances[np.ix_(part.own.into, part.own.into)] = torch.nan
    return variances, bias


def _bias(parts: list[_Part], grams: dict[tuple[int, int], Tensor]) -> Bias | None:
    """Return the bias of the difference; the biases of the two fits are correlated as their sampling errors."""
    known = [(part, part.sampling.units.bias) for part in parts]
    estimates = [part.factor * part.own_pairs(bias.estimate) for part, bias in known if bias is not None]
    roots = [part.factor * part.own_pairs(bias.expected).sqrt() for part, bias in known if bias is not None]
    if len(estimates) < len(parts):
        return None
    expected = _sum([root.square() for root in roots])
    if len(parts) == 2:
        spread = (grams[0, 0] * grams[1, 1]).sqrt()
        correlation = torch.where(spread > 0, grams[0, 1] / spread, 0.0)  # of influences times factors, as the roots
        expected = expected + 2 * correlation * (roots[0] * roots[1]).abs()
    return Bias(_sum(estimates), expected.clamp_min(0), parts[0].mean_mask())
