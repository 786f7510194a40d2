"""Image towers: removed patches are replaced or dropped, depending on the masking method."""

from __future__ import annotations

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from fixlip_widgets.encoders.towers.customised import image_customisation
from fixlip_widgets.encoders.towers.maskings import Masking, replacement
from fixlip_widgets.encoders.towers.patches import Patches, is_apart, player_map, players_of_patches
from fixlip_widgets.encoders.towers.pooled_position import state_at
from fixlip_widgets.encoders.towers.sequence import MaskedPicture, SequenceTower
from fixlip_widgets.encoders.towers.timm_vit import TimmImageTower, timm_patches
from fixlip_widgets.encoders.towers.transformers_model import TransformersEncoder, TransformersImageTower
from fixlip_widgets.errors import InputError
from fixlip_widgets.support.open_clip import open_clip

__all__ = ["ImageTower", "PatchImageTower", "PixelImageTower", "image_tower", "patches_of", "player_map"]

VisionTransformer: Any = open_clip.transformer.VisionTransformer  # pyright: ignore[reportAttributeAccessIssue]


class ImageTower(Protocol):
    """Encoder of masked versions of one image."""

    n_players: int

    def encode(self, masks: Tensor) -> Tensor:
        """Encode (m, n_players) bool masks, True = kept, into (m, d) unit-norm embeddings."""
        ...


class PatchImageTower(SequenceTower):
    """Tower of open_clip's own vision transformer, with any of its pooling methods."""

    def __init__(self, clip: Any, picture: MaskedPicture) -> None:
        visual = self._visual = clip.visual
        kept, removed = (
            visual.conv1(pixels[None]).flatten(2).squeeze(0).T.contiguous()
            for pixels in (picture.pixels, picture.replacement)
        )
        self._reads_class = visual.pool_type == "tok" and visual.attn_pool is None
        super().__init__(picture, kept, removed, stands_alone=self._reads_class)
        self._positions = visual.positional_embedding.to(kept.dtype)
        self._class = visual.class_embedding.to(kept.dtype) + self._positions[0]

    def run(self, patches: Tensor, chosen: Tensor | None) -> Tensor:
        visual, tokens = self._visual, patches + self._positions[1:]
        if chosen is not None:
            tokens = tokens[0][chosen]
        tokens = torch.cat([self._class.expand(len(tokens), 1, -1), tokens], dim=1)
        inputs = visual.ln_pre(tokens)
        states = state_at(visual.transformer, inputs, 0) if self._reads_class else visual.transformer(inputs)
        pooled, _ = visual._pool(states)
        return pooled if visual.proj is None else pooled @ visual.proj


class PixelImageTower:
    """Tower of any image encoder, masked at the pixels: always exact, but each masked image is embedded anew."""

    def __init__(self, clip: Any, pixels: Tensor, removed: Tensor, labels: Tensor, n_players: int) -> None:
        """``removed``: (3, H, W) replacement of removed pixels; ``labels``: (H, W) player of each pixel."""
        self._clip, self._pixels, self._removed = clip, pixels, removed
        self._player_of_pixel = labels.to(pixels.device)
        self.n_players = n_players

    def encode(self, masks: Tensor) -> Tensor:
        """Encode (m, n_players) bool masks, True = kept, into (m, d) unit-norm embeddings."""
        keep = masks[:, self._player_of_pixel]
        masked = torch.where(keep[:, None], self._pixels[None], self._removed[None])
        return F.normalize(self._clip.encode_image(masked).float(), dim=-1)


def patches_of(clip: Any) -> Patches | None:
    """Return the patches of a model's image encoder, or ``None`` for encoders without patches, such as ResNets."""
    if isinstance(clip, TransformersEncoder):
        return clip.patches
    visual = clip.visual
    if isinstance(visual, VisionTransformer):
        return Patches(tuple(visual.grid_size), tuple(visual.patch_size), is_apart(visual.conv1))
    return timm_patches(visual)


def image_tower(clip: Any, pixels: Tensor, labels: Tensor, n_players: int, masking: Masking = "zero") -> ImageTower:
    """Return the fastest exact tower for an image encoder, masked after the patch embedding if possible.

    Args:
        clip: The model.
        pixels: (3, H, W) normalised pixels.
        labels: (H, W) player of each pixel.
        n_players: Number of players.
        masking: Masking method.

    Raises:
        InputError: ``masking="remove"``, but the encoder has no patches or is customised, or a player is not made of
            whole patches.
    """
    removed = replacement(masking, pixels)
    players = players_of_patches(labels, patches_of(clip))
    if customised := image_customisation(clip):
        if masking == "remove":
            raise InputError(
                f"masking='remove' runs the image encoder in part, but {customised} has hooks or a forward of its own, "
                "which that would skip. Remove them, or use masking='zero'."
            )
        players = None
    if players is None:
        if masking == "remove":
            raise InputError(
                "masking='remove' takes patches out of the encoder's sequence: it needs an encoder with patches and "
                "players made of whole patches. Use the encoder's own grid, or masking='zero'."
            )
        return PixelImageTower(clip, pixels, removed, labels, n_players)
    picture = MaskedPicture(pixels, removed, players, n_players, drops=masking == "remove")
    if isinstance(clip, TransformersEncoder):
        return TransformersImageTower(clip, picture)
    kind = PatchImageTower if isinstance(clip.visual, VisionTransformer) else TimmImageTower
    return kind(clip, picture)
