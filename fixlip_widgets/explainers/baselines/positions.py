"""Where the players sit in the towers' sequences: what a method finds for positions, in terms of patches and tokens."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from fixlip_widgets.encoders.towers.image import patches_of
from fixlip_widgets.errors import ModelError
from fixlip_widgets.explainers.game import Modality, VisionLanguageGame

_NOBODY = -1


@dataclass(frozen=True)
class Positions:
    """Which player each position of a sequence belongs to.

    Attributes:
        player: (length,) number of the player within its modality; -1 for class, start, end and padding positions.
        count: Number of players of the modality.
    """

    player: Tensor
    count: int

    def gather(self, found: Tensor) -> Tensor:
        """(..., length) per position to (..., count): the sum over each player's positions."""
        kept = self.player != _NOBODY
        gathered = found.new_zeros(*found.shape[:-1], self.count)
        return gathered.index_add_(-1, self.player[kept].to(found.device), found[..., kept.to(found.device)])


def positions_of(game: VisionLanguageGame, modality: Modality, length: int) -> Positions:
    """The players of a sequence of ``length``.

    A patch belongs to the player at its centre, and stands at the end of the image's sequence, after class tokens and
    registers if there are any.

    Raises:
        ModelError: The image encoder has no patches, or another number of them.
    """
    player = torch.full((length,), _NOBODY)
    if modality == "text":
        tower = game.text_tower
        places, owners = tower.players.cpu(), tower.owners.cpu()
        player[places] = owners
        return Positions(player, game.n_text)
    patches = patches_of(game.model.clip)
    if patches is None or patches.grid[0] * patches.grid[1] > length:
        raise ModelError(
            f"The image encoder of {game.model.name} has no sequence of patches, and GAME, Grad-ECLIP and exCLIP "
            "explain patches. Use a vision transformer, or explain with method='banzhaf'."
        )
    (rows, columns), (height, width) = patches.grid, patches.size
    labels = game.labels
    down, across = torch.arange(rows) * height + height // 2, torch.arange(columns) * width + width // 2
    player[length - rows * columns :] = labels[down[:, None], across[None, :]].flatten().to(player)
    return Positions(player, game.n_image)
