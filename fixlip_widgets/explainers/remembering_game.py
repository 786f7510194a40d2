"""A game that remembers: what was encoded before is answered from memory, and costs nothing again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.encoders.batches import distinct, home
from fixlip_widgets.estimators.masks import packed_rows
from fixlip_widgets.explainers.game import Modality, VisionLanguageGame

if TYPE_CHECKING:
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer


Known = dict[bytes, Tensor]
"""Masks, eight players to a byte, to their embeddings."""


class RememberingGame(VisionLanguageGame):
    """The game of ``explainer``, with what is ``known`` already; its own new encodings are kept there too.

    Changing the caption here leaves the explainer's own game as it is.

    Args:
        explainer: Must not be computing meanwhile.
        known: Encodings of this image and this caption; by default all that the explainer has computed so far.
    """

    def __init__(self, explainer: IncrementalExplainer, known: dict[Modality, Known] | None = None) -> None:
        modalities: tuple[Modality, ...] = ("image", "text")
        with explainer.pair():
            self.__dict__.update(explainer.game.__dict__)
            self._known = dict(known or {modality: known_to(explainer, modality) for modality in modalities})

    def _changed(self, modality: Modality) -> None:
        super()._changed(modality)
        self._known[modality] = {}

    def missing(self, modality: Modality, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The distinct ones among (m, n) ``masks`` of one modality that were not encoded yet."""
        rows, known = distinct(masks)[0], self._known[modality]
        return rows[[key not in known for key in packed_rows(rows)]]

    def encode(self, modality: Modality, masks: NDArray[np.bool_]) -> Iterator[int]:
        """Encode (m, n) ``masks`` of one modality; yields after every batch how many it had."""
        start = 0
        while start < len(masks):
            batch = masks[start : start + self.batch.size]
            self._embeddings(modality, batch)
            start += len(batch)
            yield len(batch)

    def encoder(self, modality: Modality) -> Callable[[Tensor], Tensor]:
        encode, known = super().encoder(modality), self._known[modality]

        def remember(masks: Tensor) -> Tensor:
            keys = packed_rows(masks.cpu().numpy())
            new = [position for position, key in enumerate(keys) if key not in known]
            if new:
                fresh = encode(masks[torch.tensor(new, device=masks.device)]).to(home(masks.device))
                known.update((keys[position], row) for position, row in zip(new, fresh, strict=True))
            return torch.stack([known[key] for key in keys])

        return remember


def known_to(explainer: IncrementalExplainer, modality: Modality) -> Known:
    """What ``explainer`` has encoded of one modality."""
    return {mask.tobytes(): row for mask, row in zip(*explainer.encoded(modality), strict=True)}
