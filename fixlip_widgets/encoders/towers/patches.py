"""Where an image encoder turns patches into tokens, and which player each patch belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Patches:
    """The patches of an image encoder.

    Attributes:
        grid: (rows, columns) of patches.
        size: (height, width) of one, in pixels.
        apart: Whether a patch's embedding depends on that patch's pixels alone. Then embeddings can be masked in place
            of pixels, with equal results, and each picture is embedded once however many masks follow.
    """

    grid: tuple[int, int]
    size: tuple[int, int]
    apart: bool


def is_apart(embed: nn.Module) -> bool:
    """Whether a convolution cuts its input into patches that share no pixel."""
    return (
        isinstance(embed, nn.Conv2d)
        and tuple(embed.kernel_size) == tuple(embed.stride)
        and embed.padding in ((0, 0), "valid")
        and tuple(embed.dilation) == (1, 1)
    )


def player_map(size: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    """(height, width) index of the grid cell that each position of a ``size`` raster belongs to, row-major."""
    rows = torch.arange(size[0]) * grid[0] // size[0]
    columns = torch.arange(size[1]) * grid[1] // size[1]
    return rows[:, None] * grid[1] + columns[None, :]


def grid_labels(size: tuple[int, int], grid: tuple[int, int], patches: Patches | None) -> Tensor:
    """(height, width) index of the player that each pixel belongs to, for players on a grid.

    Cells follow the encoder's patches where the grid divides them; pixels beyond the last whole patch, which such an
    encoder does not see, belong to the nearest cell.
    """
    if patches is None or any(fine % coarse for fine, coarse in zip(patches.grid, grid, strict=True)):
        return player_map(size, grid)
    rows, columns = (
        (torch.arange(side) // patch).clamp(max=count - 1)
        for side, patch, count in zip(size, patches.size, patches.grid, strict=True)
    )
    return player_map(patches.grid, grid)[rows[:, None], columns[None, :]]


def players_of_patches(labels: Tensor, patches: Patches | None) -> Tensor | None:
    """(rows · columns,) the player of each patch; ``None`` where a patch is shared or there are no patches apart."""
    if patches is None or not patches.apart:
        return None
    (rows, columns), (height, width) = patches.grid, patches.size
    cells = labels[: rows * height, : columns * width].reshape(rows, height, columns, width)
    cells = cells.permute(0, 2, 1, 3).reshape(rows * columns, height * width)
    return cells[:, 0].contiguous() if bool((cells == cells[:, :1]).all()) else None
