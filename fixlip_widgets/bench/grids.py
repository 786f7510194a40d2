"""Image–image terms on large grids, with random embeddings in place of the encoder."""

from __future__ import annotations

from collections.abc import Iterator

from fixlip_widgets.bench.measure import Row, peak_memory

_SETUP = """
import torch
from fixlip_widgets.estimators.quadratic import QuadraticDesign
from fixlip_widgets.estimators.penalties import CrossValidated
from fixlip_widgets.estimators.masks import draw_masks
torch.manual_seed(0)
masks = torch.from_numpy(draw_masks({n}, 0.5, 0, {count}, seed=0, stream=0))
pairs = torch.randn({n}, {n}) * (torch.rand({n}, {n}) < 0.1)
z = masks.float() - 0.5
targets = (z @ torch.randn({n}) + ((z @ pairs) * z).sum(1) + torch.randn({count})).double()
del z
weights = torch.full(({count},), 1 / {count}, dtype=torch.float64)
torch.randn(512, 512) @ torch.randn(512, 512)
"""
_WORK = "QuadraticDesign(masks, weights, paired=True, dtype=torch.float32).fit(targets, CrossValidated())"


def rows() -> Iterator[Row]:
    """Yield time and memory of the full second-order solve at 196, 256 and 576 patches."""
    for n, count, seconds_allowed in ((196, 40_000, 5), (256, 40_000, None), (576, 60_000, 30)):
        megabytes, seconds = peak_memory(_SETUP.format(n=n, count=count), _WORK)
        yield Row(
            f"solve at {n} patches, {1 + n + n * (n - 1) // 2:,} terms, {count:,} masks", seconds, "s", seconds_allowed
        )
        yield Row("  peak memory", megabytes, "MB", at_most=1000)
