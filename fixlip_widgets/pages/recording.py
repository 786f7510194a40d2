"""The contents of a page without a kernel: explanations over a grid of p, budgets and captions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.comparison import same_regions
from fixlip_widgets.explanation.surrogate import Surrogate

GRID = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Values of p that a page offers by default."""


@dataclass(frozen=True)
class Step:
    """Progress of a recording.

    Attributes:
        done, total: Numbers of explanations.
        p, budget, caption: Settings of the explanation that is being computed.
        fraction: Share of its encodings that is done.
    """

    done: int
    total: int
    p: float
    budget: int
    caption: str
    fraction: float = 0.0


@dataclass(frozen=True)
class Recording:
    """The contents of a page.

    Attributes:
        explanations: One for each p, budget and caption, of one image, grid and method; the first is shown first.
        without: Caption to (n,) values of the model, in logits, with each single player removed.
        measured: Measurements of explanations, in the view's format.
        classes: For a page of classes, in the view's format: ``candidates``, ``maps``, ``choices``, which the first
            explanations explain, in the same order, and ``without``, (n, k) probabilities with each single patch
            hidden, or None.
    """

    explanations: tuple[Surrogate, ...]
    without: dict[str, NDArray[np.float64]] = field(default_factory=lambda: {})
    measured: tuple[dict[str, Any], ...] = ()
    classes: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if not self.explanations:
            raise InputError("A recording needs at least one explanation.")
        first = self.explanations[0]
        for other in self.explanations:
            same = (other.grid, other.method, other.order) == (first.grid, first.method, first.order)
            if not (same and same_regions(first, other)):
                raise InputError(
                    "The explanations of a recording must have one grid, method and order, and the same regions; make "
                    "separate recordings of the others."
                )

    @classmethod
    def of(cls, explanation: Surrogate) -> Recording:
        """Return a recording of one finished explanation."""
        return cls((explanation,))
