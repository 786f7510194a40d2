"""Image–image terms on large grids, with random embeddings in place of the encoder."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from fixlip_widgets.bench.measure import Row, peak_memory
from fixlip_widgets.estimators.masks import draw_masks
from fixlip_widgets.estimators.penalties import CrossValidated
from fixlip_widgets.estimators.quadratic import QuadraticDesign


def rows() -> Iterator[Row]:
    """Yield time and memory of the full second-order solve at 196, 256 and 576 patches."""
    for n, count, seconds_allowed in ((196, 40_000, 5), (256, 40_000, None), (576, 60_000, 30)):
        cost = peak_memory(_regression, _solve, n, count)
        terms = f"{1 + n + n * (n - 1) // 2:,} terms"
        yield Row(f"solve at {n} patches, {terms}, {count:,} masks", cost.seconds, "s", seconds_allowed)
        yield Row("  peak memory", cost.megabytes, "MB", at_most=1000)


def _regression(n: int, count: int) -> tuple[Tensor, Tensor]:
    """Return masks (count, n) and targets (count,) with sparse interactions and noise."""
    torch.manual_seed(0)
    masks = torch.from_numpy(draw_masks(n, 0.5, 0, count, seed=0, stream=0))
    pairs = torch.randn(n, n) * (torch.rand(n, n) < 0.1)
    z = masks.float() - 0.5
    targets = z @ torch.randn(n) + ((z @ pairs) * z).sum(1) + torch.randn(count)
    return masks, targets.double()


def _solve(masks: Tensor, targets: Tensor) -> None:
    weights = torch.full((len(masks),), 1 / len(masks), dtype=torch.float64)
    QuadraticDesign(masks, weights, paired=True, dtype=torch.float32).fit(targets, CrossValidated())
