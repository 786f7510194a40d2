"""Image towers: a removed patch's pixels are 0 after the model's normalisation."""

from __future__ import annotations

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from fixlip_widgets._open_clip import open_clip

VisionTransformer: Any = open_clip.transformer.VisionTransformer  # pyright: ignore[reportAttributeAccessIssue]


class ImageTower(Protocol):
    """Encodes masked versions of one image."""

    n_players: int

    def encode(self, masks: Tensor) -> Tensor:
        """(m, n_players) bool masks, True = kept, to (m, d) unit-norm embeddings."""
        ...


def player_map(size: tuple[int, int], grid: tuple[int, int]) -> Tensor:
    """(height, width) index of the grid cell that each position of a ``size`` raster belongs to, row-major."""
    rows = torch.arange(size[0]) * grid[0] // size[0]
    columns = torch.arange(size[1]) * grid[1] // size[1]
    return rows[:, None] * grid[1] + columns[None, :]


class PatchImageTower:
    """A vision transformer, masked where it is cheapest: after its linear, bias-free patch embedding.

    The embedding of a patch of zeros is zero, so zeroing embeddings equals zeroing pixels exactly, and the image is
    embedded once however many masks follow.
    """

    def __init__(self, visual: Any, pixels: Tensor, grid: tuple[int, int]) -> None:
        self._visual = visual
        with torch.inference_mode():
            patches = visual.conv1(pixels[None])
            self._positions = visual.positional_embedding.to(patches.dtype)
            self._class = visual.class_embedding.to(patches.dtype) + self._positions[0]
            self._patches = patches.flatten(2).squeeze(0).T.contiguous()
        self._player_of_patch = player_map(visual.grid_size, grid).flatten().to(pixels.device)
        self.n_players = grid[0] * grid[1]

    def encode(self, masks: Tensor) -> Tensor:
        visual = self._visual
        keep = masks[:, self._player_of_patch].to(self._patches.dtype)
        tokens = keep[:, :, None] * self._patches + self._positions[1:]
        tokens = torch.cat([self._class.expand(len(masks), 1, -1), tokens], dim=1)
        pooled, _ = visual._pool(visual.transformer(visual.ln_pre(tokens)))
        if visual.proj is not None:
            pooled = pooled @ visual.proj
        return F.normalize(pooled.float(), dim=-1)


class PixelImageTower:
    """Any image encoder, masked at its pixels: right for every kind, at the cost of embedding each masked picture."""

    def __init__(self, clip: Any, pixels: Tensor, grid: tuple[int, int]) -> None:
        self._clip = clip
        self._pixels = pixels
        self._player_of_pixel = player_map((pixels.shape[1], pixels.shape[2]), grid).to(pixels.device)
        self.n_players = grid[0] * grid[1]

    def encode(self, masks: Tensor) -> Tensor:
        keep = masks[:, self._player_of_pixel]
        masked = torch.where(keep[:, None], self._pixels[None], self._pixels.new_zeros(()))
        return F.normalize(self._clip.encode_image(masked).float(), dim=-1)


def image_tower(clip: Any, pixels: Tensor, grid: tuple[int, int]) -> ImageTower:
    """The fastest exact tower for what the encoder is: patches of a vision transformer, or else pixels."""
    visual = clip.visual
    if (
        isinstance(visual, VisionTransformer)
        and visual.conv1.bias is None
        and all(fine % coarse == 0 for fine, coarse in zip(visual.grid_size, grid, strict=True))
    ):
        return PatchImageTower(visual, pixels, grid)
    return PixelImageTower(clip, pixels, grid)
