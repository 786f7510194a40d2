"""Vision transformers of timm, as open_clip uses them for SigLIP, EVA-02, PE-Core and others."""

from __future__ import annotations

from typing import Any

import torch
from timm.layers.patch_embed import PatchEmbed
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from fixlip_widgets.encoders.towers.patches import Patches, is_apart
from fixlip_widgets.encoders.towers.sequence import MaskedPicture, SequenceTower
from fixlip_widgets.encoders.towers.stand_in import Given, twin


def timm_patches(visual: Any) -> Patches | None:
    """The patches of a timm encoder; ``None`` where it has none, or merges them on its way, as Swin does."""
    trunk: Any = getattr(visual, "trunk", None)
    embed = getattr(trunk, "patch_embed", None)
    grid = getattr(embed, "grid_size", None)
    if grid is None:
        return None
    rows, columns = int(grid[0]), int(grid[1])
    if isinstance(trunk, (VisionTransformer, Eva)) and isinstance(embed, PatchEmbed) and not embed.dynamic_img_pad:
        size: Any = embed.patch_size
        return Patches((rows, columns), (int(size[0]), int(size[1])), is_apart(embed.proj))
    made_for: Any = getattr(embed, "img_size", visual.image_size)  # open_clip may show it another size
    size = (int(made_for[0]) // rows, int(made_for[1]) // columns)
    merges = trunk.feature_info[-1]["reduction"] > max(size)
    grid = (visual.image_size[0] // size[0], visual.image_size[1] // size[1])
    return None if merges else Patches(grid, size, apart=False)


def size_insisted_on(visual: Any) -> tuple[int, int] | None:
    """(height, width) of the only pixels that a timm encoder takes; ``None`` for one that takes others too."""
    embed = getattr(getattr(visual, "trunk", None), "patch_embed", None)
    if not isinstance(embed, PatchEmbed) or not embed.strict_img_size:
        return None
    size: Any = embed.img_size
    return size and (int(size[0]), int(size[1]))


class TimmImageTower(SequenceTower):
    """A timm transformer, run from its patch embedding on by the model's own code, rotary positions and all.

    Where patches leave the sequence they do so at the place that the model has for it, its patch dropout.
    """

    def __init__(self, clip: Any, picture: MaskedPicture) -> None:
        self._visual = visual = clip.visual
        embedded = [visual.trunk.patch_embed(pixels[None])[0] for pixels in (picture.pixels, picture.replacement)]
        self._shape = embedded[0].shape  # (P, D), or (rows, columns, D) where positions are fitted to the input
        trunk = visual.trunk
        stands_alone = getattr(trunk, "attn_pool", None) is None and trunk.global_pool == "token"
        kept, removed = (each.flatten(0, -2) for each in embedded)
        super().__init__(picture, kept, removed, stands_alone=stands_alone)

    def run(self, patches: Tensor, chosen: Tensor | None) -> Tensor:
        replaced: dict[str, nn.Module] = {"trunk.patch_embed": Given(self._visual.trunk.patch_embed)}
        if chosen is not None:
            patches = patches.expand(len(chosen), -1, -1)
            trunk = self._visual.trunk
            replaced["trunk.patch_drop"] = _Choose(chosen, trunk.num_prefix_tokens, isinstance(trunk, Eva))
        return twin(self._visual, replaced)(patches.reshape(len(patches), *self._shape))


class _Choose(nn.Module):
    """In place of a patch dropout: keeps the class token and registers, and the chosen patches."""

    def __init__(self, chosen: Tensor, prefix: int, tells: bool) -> None:
        """``tells``: whether the model asks which were kept, as those with rotary positions do."""
        super().__init__()
        self._chosen, self._prefix, self._tells = chosen, prefix, tells

    def forward(self, tokens: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """(m, prefix + P, D) to (m, prefix + k, D)."""
        patches = tokens[:, self._prefix :]
        patches = patches.gather(1, self._chosen[:, :, None].expand(-1, -1, patches.shape[2]))
        kept = torch.cat([tokens[:, : self._prefix], patches], dim=1)
        return (kept, self._chosen) if self._tells else kept
