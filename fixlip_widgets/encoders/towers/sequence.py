"""Base of image towers that are masked after the patch embedding, which is computed once per image.

The embedding of a patch depends only on that patch (:class:`~.patches.Patches`). Selecting between the patch embeddings
of two images is therefore exactly equivalent to embedding an image composed of their patches, whether or not the
embedding is linear.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from fixlip_widgets.encoders.towers.cpu_chunks import chunks


@dataclass(frozen=True)
class MaskedPicture:
    """An image, the replacement of its removed pixels, and the players of its patches.

    Attributes:
        pixels: (3, H, W) normalised pixels.
        replacement: (3, H, W) values of removed pixels.
        players: (P,) player of each patch, row-major.
        n_players: Number of players.
        drops: Whether removed patches are dropped from the sequence instead of replaced.
    """

    pixels: Tensor
    replacement: Tensor
    players: Tensor
    n_players: int
    drops: bool = False


class SequenceTower(ABC):
    """Base class that selects, for each mask, the patches that the encoder reads."""

    def __init__(self, picture: MaskedPicture, kept: Tensor, removed: Tensor, *, stands_alone: bool) -> None:
        """``kept``, ``removed``: (P, D) embeddings of the image and of its replacement.

        ``stands_alone``: Whether a class token can be pooled if no patch remains.
        """
        # a convolution returns them channels first; every activation would inherit that order and be copied
        self._patches, self._removed = kept.contiguous(), removed.contiguous()
        self._player_of_patch = picture.players.to(kept.device)
        self._drops, self._stands_alone = picture.drops, stands_alone
        self.n_players = picture.n_players

    def encode(self, masks: Tensor) -> Tensor:
        """Encode (m, n_players) bool masks, True = kept, into (m, d) unit-norm embeddings."""
        keep = masks[:, self._player_of_patch]
        features = self._shortened(keep) if self._drops else self._replaced(keep)
        return F.normalize(features.float(), dim=-1)

    def _replaced(self, keep: Tensor) -> Tensor:
        patches, removed = self._patches, self._removed
        parts = chunks(keep, patches)
        return torch.cat([self.run(torch.where(part[:, :, None], patches, removed), None) for part in parts])

    def _shortened(self, keep: Tensor) -> Tensor:
        """Encode masks that keep the same number of patches together, so that sequences need no padding."""
        sizes = keep.sum(dim=1)
        rows, features = [], []
        for size in sizes.unique().tolist():
            row = (sizes == size).nonzero()[:, 0]
            rows.append(row)
            if size == 0 and not self._stands_alone:
                features.append(self._replaced(keep[row]))
                continue
            chosen = keep[row].nonzero()[:, 1].view(len(row), size)
            features.append(self.run(self._patches[None], chosen))
        return torch.cat(features)[torch.cat(rows).argsort()]

    @abstractmethod
    def run(self, patches: Tensor, chosen: Tensor | None) -> Tensor:
        """Run the encoder after its patch embedding.

        Args:
            patches: (m, P, D) embeddings of all patches, or (1, P, D) with ``chosen``.
            chosen: (m, k) ascending indices of the patches that stay in the sequence; None for all.

        Returns:
            (m, d) embeddings, not normalised.
        """
