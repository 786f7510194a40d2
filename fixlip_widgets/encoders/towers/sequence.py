"""Image encoders that read a sequence of patches: masked after the patch embedding, which is computed once a picture.

A patch's embedding depends on that patch alone (:class:`~.patches.Patches`), so choosing between
the embeddings of two pictures equals embedding the picture that is chosen from them pixel by pixel: exactly, whether
the embedding is linear or not.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from fixlip_widgets.encoders.towers.pieces import pieces


@dataclass(frozen=True)
class MaskedPicture:
    """A picture, what stands for it where it is removed, and whose the patches are.

    Attributes:
        pixels: (3, H, W) normalised.
        replacement: (3, H, W) what removed pixels become.
        players: (P,) the player of each patch, row-major.
        n_players: Number of players.
        drops: Whether removed patches leave the sequence in place of being replaced.
    """

    pixels: Tensor
    replacement: Tensor
    players: Tensor
    n_players: int
    drops: bool = False


class SequenceTower(ABC):
    """The part that these encoders share: from masks to the patches that each run reads."""

    def __init__(self, picture: MaskedPicture, kept: Tensor, removed: Tensor, *, stands_alone: bool) -> None:
        """``kept``, ``removed``: (P, D) embeddings of the picture and of its replacement.

        ``stands_alone``: whether there is a class token that can be pooled where no patch is left.
        """
        # a convolution leaves them channels first; every activation would inherit that order, and be copied
        self._patches, self._removed = kept.contiguous(), removed.contiguous()
        self._player_of_patch = picture.players.to(kept.device)
        self._drops, self._stands_alone = picture.drops, stands_alone
        self.n_players = picture.n_players

    def encode(self, masks: Tensor) -> Tensor:
        """(m, n_players) bool masks, True = kept, to (m, d) unit-norm embeddings."""
        keep = masks[:, self._player_of_patch]
        features = self._shortened(keep) if self._drops else self._replaced(keep)
        return F.normalize(features.float(), dim=-1)

    def _replaced(self, keep: Tensor) -> Tensor:
        patches, removed = self._patches, self._removed
        parts = pieces(keep, patches)
        return torch.cat([self.run(torch.where(some[:, :, None], patches, removed), None) for some in parts])

    def _shortened(self, keep: Tensor) -> Tensor:
        """Masks that keep equally many patches run together: their sequences are equally long, without padding."""
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
        """Everything after the patch embedding.

        Args:
            patches: (m, P, D) embeddings of all patches, or (1, P, D) where ``chosen`` is given.
            chosen: (m, k) numbers of the patches that stay in the sequence, ascending; all of them by default.

        Returns:
            (m, d) embeddings, not normalised.
        """
