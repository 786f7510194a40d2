"""Positions of patches and tokens in the towers' sequences."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fixlip_widgets.encoders.towers.image import patches_of
from fixlip_widgets.errors import ModelError
from fixlip_widgets.explainers.game import Modality, VisionLanguageGame

_NO_PLAYER = -1


@dataclass(frozen=True)
class Positions:
    """The player at each position of a sequence.

    Attributes:
        player: (length,) index of the player within its modality; -1 for class, start, end and padding positions.
        count: Number of players of the modality.
    """

    player: Tensor
    count: int

    def gather(self, values: Tensor) -> Tensor:
        """Sum (..., length) values over the positions of each player, to (..., count)."""
        kept = self.player != _NO_PLAYER
        gathered = values.new_zeros(*values.shape[:-1], self.count)
        return gathered.index_add_(-1, self.player[kept].to(values.device), values[..., kept.to(values.device)])


def positions_of(game: VisionLanguageGame, modality: Modality, length: int) -> Positions:
    """Return the players of a sequence of ``length`` positions.

    A patch belongs to the player at its centre. Patches are at the end of the image sequence, after any class and
    register tokens.

    Raises:
        ModelError: The image encoder has no patches, or more patches than ``length``.
    """
    player = torch.full((length,), _NO_PLAYER)
    if modality == "text":
        tower = game.text_tower
        places, owners = tower.players.cpu(), tower.owners.cpu()
        player[places] = owners
        return Positions(player, game.n_text)
    patches = patches_of(game.model.clip)
    if patches is None or patches.grid[0] * patches.grid[1] > length:
        raise ModelError(
            f"GAME, Grad-ECLIP and exCLIP need a sequence of patches, which the image encoder of {game.model.name} "
            "does not have. Use a vision transformer, or method='banzhaf'."
        )
    (rows, columns), (height, width) = patches.grid, patches.size
    labels = game.labels
    down, across = torch.arange(rows) * height + height // 2, torch.arange(columns) * width + width // 2
    player[length - rows * columns :] = labels[down[:, None], across[None, :]].flatten().to(player)
    return Positions(player, game.n_image)
