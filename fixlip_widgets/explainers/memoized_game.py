"""A game that encodes each mask once and caches its embedding."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fixlip_widgets.encoders.batches import distinct, home
from fixlip_widgets.encoders.images import ImageLike
from fixlip_widgets.estimators.masks import packed_rows
from fixlip_widgets.explainers.game import Modality, VisionLanguageGame

if TYPE_CHECKING:
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer

Embeddings = dict[bytes, Tensor]
"""Embeddings by mask, packed eight players to a byte."""


class RememberingGame(VisionLanguageGame):
    """A copy of ``game`` that caches the embedding of every mask; setting its caption does not change ``game``.

    Args:
        game: The game to copy; no other thread may change it during the copy.
        known: Initial embeddings of the image and of the caption; new ones are added to the same dictionaries.
    """

    def __init__(self, game: VisionLanguageGame, known: dict[Modality, Embeddings] | None = None) -> None:
        self.__dict__.update(game.__dict__)
        self._known: dict[Modality, Embeddings] = dict(known) if known else {"image": {}, "text": {}}

    @classmethod
    def of(cls, explainer: IncrementalExplainer) -> RememberingGame:
        """Return the game of ``explainer`` with all embeddings computed so far."""
        with explainer.pair():
            image, text = pool_embeddings(explainer, "image"), pool_embeddings(explainer, "text")
            return cls(explainer.game, {"image": image, "text": text})

    def _changed(self, modality: Modality, given: ImageLike | Tensor) -> None:
        super()._changed(modality, given)
        self._known = {**self._known, modality: {}}  # copies of this game keep theirs

    def missing(self, modality: Modality, masks: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the distinct (m, n) ``masks`` of one modality that are not encoded yet."""
        rows, known = distinct(masks)[0], self._known[modality]
        return rows[[key not in known for key in packed_rows(rows)]]

    def encode(self, modality: Modality, masks: NDArray[np.bool_]) -> Iterator[int]:
        """Encode (m, n) ``masks`` of one modality, and yield the size of each batch once it is encoded."""
        start = 0
        while start < len(masks):
            batch = masks[start : start + self.batch.size]
            self._embeddings(modality, batch)
            start += len(batch)
            yield len(batch)

    def encoder(self, modality: Modality) -> Callable[[Tensor], Tensor]:
        """Return the encoder of one modality; the tower runs only on masks that are not cached."""
        encode, known = super().encoder(modality), self._known[modality]

        def remember(masks: Tensor) -> Tensor:
            keys = packed_rows(masks.cpu().numpy())
            new = list({key: row for row, key in enumerate(keys) if key not in known}.values())
            if new:
                rows = masks if len(new) == len(masks) else masks[torch.tensor(new, device=masks.device)]
                known.update(zip((keys[row] for row in new), self._encode_new(modality, encode, rows), strict=True))
            self._count(modality, len(keys), len(new))
            return torch.stack([known[key] for key in keys])

        return remember

    def _encode_new(self, modality: Modality, encode: Callable[[Tensor], Tensor], masks: Tensor) -> Tensor:
        """Run the tower; subclasses may time it."""
        return encode(masks).to(home(masks.device))

    def _count(self, modality: Modality, asked: int, new: int) -> None:
        """Record that ``new`` of ``asked`` masks had to be encoded; a hook for subclasses."""


def pool_embeddings(explainer: IncrementalExplainer, modality: Modality) -> Embeddings:
    """Return the embeddings of one modality that ``explainer`` has computed."""
    return {mask.tobytes(): row for mask, row in zip(*explainer.encoded(modality), strict=True)}
