"""Peak memory above the loaded model at large budgets."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fixlip_widgets import Model, demo, explain, load_model
from fixlip_widgets.bench.measure import Row, peak_memory

CAPTION = "a dog next to a banana and apple"


def rows() -> Iterator[Row]:
    """Yield peak memory and time at budgets 2^17, 2^20 and 2^24 on the demo model, with 64 patches and 8 tokens."""
    for power, allowed in ((17, None), (20, 600), (24, 1000)):
        cost = peak_memory(_loaded, _explain, power)
        yield Row(f"peak memory above the loaded model, budget 2^{power}", cost.megabytes, "MB", allowed)
        yield Row("  wall time", cost.seconds, "s")


def _loaded(power: int) -> tuple[Model, Any, int]:
    """Return the model, the image and the power, after a small explanation."""
    model, image = load_model(), demo.scene("dog_and_banana").image
    _explain(model, image, 8)
    return model, image, power


def _explain(model: Model, image: Any, power: int) -> None:
    explain(image, CAPTION, model=model, budget=2**power, progress=False)
