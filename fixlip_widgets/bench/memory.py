"""Peak memory above the loaded model at large budgets."""

from __future__ import annotations

from collections.abc import Iterator

from fixlip_widgets.bench.measure import Row, peak_memory

_SETUP = """
import fixlip_widgets as fx
model, scene = fx.load_model(), fx.demo.scene("dog_and_banana")
fx.explain(scene.image, "a dog next to a banana and apple", model=model, budget=2**8, progress=False)
"""
_WORK = (
    """fx.explain(scene.image, "a dog next to a banana and apple", model=model, budget=2**{power}, progress=False)"""
)


def rows() -> Iterator[Row]:
    """Yield peak memory and time at budgets 2^17, 2^20 and 2^24 on the demo model, with 64 patches and 8 tokens."""
    for power, allowed in ((17, None), (20, 600), (24, 1000)):
        megabytes, seconds = peak_memory(_SETUP, _WORK.format(power=power))
        yield Row(f"peak memory above the loaded model, budget 2^{power}", megabytes, "MB", allowed)
        yield Row("  wall time", seconds, "s")
