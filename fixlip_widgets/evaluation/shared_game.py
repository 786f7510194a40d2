"""One game for all methods: each mask is encoded once, but each method is charged as if it ran alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.encoders.models import Model
from fixlip_widgets.explainers.game import Modality, VisionLanguageGame
from fixlip_widgets.explainers.memoized_game import RememberingGame
from fixlip_widgets.support.meter import metered


class SharedGame(RememberingGame):
    """A game that caches the embedding of every mask, and counts the time that the cache saves.

    Shapley values and Shapley interactions draw the same masks, as do Banzhaf values and FIxLIP at the same p. Each
    metric uses the same masks for all methods.

    Attributes:
        plain: The same game without a cache, for methods that differentiate the encoders.
    """

    def __init__(self, model: Model, image: Any, text: Any, grid: tuple[int, int] | None = None) -> None:
        self.plain = VisionLanguageGame(model, image, text, grid)
        super().__init__(self.plain)
        self._hits: dict[Modality, int] = {"image": 0, "text": 0}
        self._runs: dict[Modality, int] = {"image": 0, "text": 0}
        self._spent: dict[Modality, NDArray[np.float64]] = {"image": np.zeros(2), "text": np.zeros(2)}

    def _encode_new(self, modality: Modality, encode: Callable[[Tensor], Tensor], masks: Tensor) -> Tensor:
        with metered(masks.device) as cost:
            embeddings = super()._encode_new(modality, encode, masks)
        self._spent[modality] += (cost.seconds, cost.cpu_seconds)
        return embeddings

    def _count(self, modality: Modality, asked: int, new: int) -> None:
        self._runs[modality] += new
        self._hits[modality] += asked - new

    def saved(self) -> NDArray[np.float64]:
        """Return the wall and CPU seconds (2,) that the cache saved, at the average time of the computed embeddings."""
        total = np.zeros(2)
        for name, spent in self._spent.items():
            total += spent * self._hits[name] / max(self._runs[name], 1)
        return total
