"""A thousand classes with eighty templates each: time, memory, and the cost of one more class and of a choice."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

from fixlip_widgets import Model, demo, explain_classes, load_model
from fixlip_widgets.bench.measure import Row, best_of, peak_memory
from fixlip_widgets.demo.concepts import CONCEPTS
from fixlip_widgets.explainers.classes import DEFAULT_MASKS, Classes

_KINDS = ("big", "small", "red", "green", "blue", "old", "new", "young", "dark", "bright", "real", "toy", "wild")
NAMES = tuple(f"{kind} {name}" for kind, name in product(_KINDS, CONCEPTS))[:1000]
TEMPLATES = tuple(f"photo {number} of a {{}}." for number in range(1, 81))  # as many as CLIP has for ImageNet
_ROUNDS = 5


def rows() -> Iterator[Row]:
    """Yield measurements on the demo model, with 64 patches."""
    masks = f"{DEFAULT_MASKS:,} masks"
    for count in (100, 1000):
        cost = peak_memory(_loaded, _explain, count)
        yield Row(f"{count:,} classes × {len(TEMPLATES)} templates, {masks}", cost.seconds, "s")
        yield Row("  peak memory above the loaded model", cost.megabytes, "MB", at_most=300)
    model, image, _ = _loaded(0)
    classes = explain_classes(image, NAMES, model=model, progress=False)
    before, names = classes.image_encodes, (f"wolf {number}" for number in range(100))
    yield _adding("a class to 1,000, one template", classes, names)
    few = explain_classes(image, NAMES[:2], model=model, templates=TEMPLATES, budget=64, progress=False)
    yield _adding(f"a class with {len(TEMPLATES)} templates", few, names)
    others = iter(NAMES)
    (seconds,) = best_of(_ROUNDS, lambda: classes.contrast(next(others), next(others)))
    yield Row("choosing two of 1,000: both fits and the contrast", 1000 * seconds, "ms", at_most=100)
    yield Row("  image encodings of all that was added and chosen", classes.image_encodes - before, "", at_most=0)


def _adding(what: str, classes: Classes, names: Iterator[str]) -> Row:
    (seconds,) = best_of(_ROUNDS, lambda: classes.add([next(names)]))
    return Row(f"adding {what}", 1000 * seconds, "ms", at_most=100)


def _loaded(count: int) -> tuple[Model, Any, int]:
    """Return the model, the image and ``count``, after a small explanation."""
    model, image = load_model(), demo.scene("dog_and_banana").image
    explain_classes(image, NAMES[:2], model=model, budget=64, progress=False)
    return model, image, count


def _explain(model: Model, image: Any, count: int) -> None:
    classes = explain_classes(image, NAMES[:count], model=model, templates=TEMPLATES, progress=False)
    classes.contrast(*NAMES[:2])
