"""One game for all methods: a mask that several ask for is encoded once, and everyone's bill is written as if alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fixlip_widgets.encoders.models import Model
from fixlip_widgets.evaluation.cost import Spent, counted
from fixlip_widgets.explainers.game import Modality, VisionLanguageGame


class SharedGame(VisionLanguageGame):
    """A game that remembers the embedding of every mask.

    Shapley values and Shapley interactions draw the same masks, Banzhaf values and FIxLIP at the same p too; every
    metric asks for the same ones of each method.

    Attributes:
        plain: The same game without memory, for methods that differentiate the towers.
    """

    def __init__(self, model: Model, image: Any, text: Any, grid: tuple[int, int] | None = None) -> None:
        self._known: dict[Modality, dict[bytes, Tensor]] = {"image": {}, "text": {}}
        self._hits = dict.fromkeys(("image", "text"), 0)
        self._runs = dict.fromkeys(("image", "text"), 0)
        self._spent = {"image": Spent(), "text": Spent()}
        super().__init__(model, image, text, grid)
        self.plain = VisionLanguageGame(model, image, text, grid)

    def _changed(self, modality: Modality) -> None:
        super()._changed(modality)
        self._known[modality] = {}

    def encoder(self, modality: Modality) -> Callable[[Tensor], Tensor]:
        """The tower, asked only for masks that it has not seen."""
        encode, known = super().encoder(modality), self._known[modality]

        def remembered(masks: Tensor) -> Tensor:
            keys = [row.tobytes() for row in np.packbits(masks.cpu().numpy(), axis=1)]
            fresh = list({key: row for row, key in enumerate(keys) if key not in known}.values())
            if fresh:
                with counted(masks.device) as cost:
                    embeddings = encode(masks[fresh])
                self._spent[modality] += cost.spent
                known.update(zip((keys[row] for row in fresh), embeddings, strict=True))
            self._runs[modality] += len(fresh)
            self._hits[modality] += len(keys) - len(fresh)
            return torch.stack([known[key] for key in keys])

        return remembered

    def saved(self) -> Spent:
        """What encodings taken from memory would have taken, at the pace of those that were computed."""
        every = Spent()
        for name in ("image", "text"):
            every += self._spent[name] * (self._hits[name] / max(self._runs[name], 1))
        return every
