"""Patches of image encoders, and the players that patches and pixels belong to."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Patches:
    """The patches of an image encoder.

    Attributes:
        grid: (rows, columns) of patches.
        size: (height, width) of a patch, in pixels.
        apart: Whether the embedding of a patch depends only on that patch's pixels. If so, masking embeddings is
            equivalent to masking pixels, and each image is embedded only once.
    """

    grid: tuple[int, int]
    size: tuple[int, int]
    apart: bool


def is_apart(embed: nn.Module) -> bool:
    """Return whether a module is a convolution that cuts its input into patches without shared pixels."""
    return (
        isinstance(embed, nn.Conv2d)
        and tuple(embed.kernel_size) == tuple(embed.stride)
        and embed.padding in ((0, 0), "valid")
        and tuple(embed.dilation) == (1, 1)
    )


def player_map(size: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    """Return the (height, width) index of the grid cell of each pixel, row-major, for an image of ``size``."""
    rows = torch.arange(size[0]) * grid[0] // size[0]
    columns = torch.arange(size[1]) * grid[1] // size[1]
    return rows[:, None] * grid[1] + columns[None, :]


def grid_labels(size: tuple[int, int], grid: tuple[int, int], patches: Patches | None) -> Tensor:
    """Return the (height, width) player of each pixel, for players on a grid.

    Cells consist of whole patches if the grid divides the patch grid. Pixels beyond the last whole patch, which the
    encoder does not read, belong to the nearest cell.
    """
    if patches is None or any(fine % coarse for fine, coarse in zip(patches.grid, grid, strict=True)):
        return player_map(size, grid)
    rows, columns = (
        (torch.arange(side) // patch).clamp(max=count - 1)
        for side, patch, count in zip(size, patches.size, patches.grid, strict=True)
    )
    return player_map(patches.grid, grid)[rows[:, None], columns[None, :]]


def players_of_patches(labels: Tensor, patches: Patches | None) -> Tensor | None:
    """Return the (rows · columns,) player of each patch; ``None`` if players share a patch or patches are not apart."""
    if patches is None or not patches.apart:
        return None
    (rows, columns), (height, width) = patches.grid, patches.size
    cells = labels[: rows * height, : columns * width].reshape(rows, height, columns, width)
    cells = cells.permute(0, 2, 1, 3).reshape(rows * columns, height * width)
    return cells[:, 0].contiguous() if bool((cells == cells[:, :1]).all()) else None
