"""One game for all methods: a mask that several ask for is encoded once, and each is charged as if it ran alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor

from fixlip_widgets.encoders.models import Model
from fixlip_widgets.evaluation.cost import Spent, counted
from fixlip_widgets.explainers.game import Modality, VisionLanguageGame
from fixlip_widgets.explainers.remembering_game import RememberingGame


class SharedGame(RememberingGame):
    """A game that remembers the embedding of every mask, and what those from memory would have cost.

    Shapley values and Shapley interactions draw the same masks, Banzhaf values and FIxLIP at the same p too; every
    metric asks for the same ones of each method.

    Attributes:
        plain: The same game without memory, for methods that differentiate the towers.
    """

    def __init__(self, model: Model, image: Any, text: Any, grid: tuple[int, int] | None = None) -> None:
        self.plain = VisionLanguageGame(model, image, text, grid)
        super().__init__(self.plain)
        self._hits = dict.fromkeys(("image", "text"), 0)
        self._runs = dict.fromkeys(("image", "text"), 0)
        self._spent = {"image": Spent(), "text": Spent()}

    def _encode_new(self, modality: Modality, encode: Callable[[Tensor], Tensor], masks: Tensor) -> Tensor:
        with counted(masks.device) as cost:
            embeddings = super()._encode_new(modality, encode, masks)
        self._spent[modality] += cost.spent
        return embeddings

    def _count(self, modality: Modality, asked: int, new: int) -> None:
        self._runs[modality] += new
        self._hits[modality] += asked - new

    def saved(self) -> Spent:
        """What encodings taken from memory would have taken, at the pace of those that were computed."""
        every = Spent()
        for name in ("image", "text"):
            every += self._spent[name] * (self._hits[name] / max(self._runs[name], 1))
        return every
