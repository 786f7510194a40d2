"""timm's vision transformers in open_clip models: SigLIP, EVA-02, PE-Core and others."""

from __future__ import annotations

from typing import Any

import torch
from timm.layers.patch_embed import PatchEmbed
from timm.models.eva import Eva
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from fixlip_widgets.encoders.towers.patches import Patches, is_apart
from fixlip_widgets.encoders.towers.replaced_modules import PassThrough, with_replaced
from fixlip_widgets.encoders.towers.sequence import MaskedPicture, SequenceTower


def timm_patches(visual: Any) -> Patches | None:
    """Return the patches of a timm encoder, or ``None`` if it has none or merges them, as Swin does."""
    trunk: Any = getattr(visual, "trunk", None)
    embed = getattr(trunk, "patch_embed", None)
    grid = getattr(embed, "grid_size", None)
    if grid is None:
        return None
    rows, columns = int(grid[0]), int(grid[1])
    if isinstance(trunk, (VisionTransformer, Eva)) and isinstance(embed, PatchEmbed) and not embed.dynamic_img_pad:
        size: Any = embed.patch_size
        return Patches((rows, columns), (int(size[0]), int(size[1])), is_apart(embed.proj))
    native_size: Any = getattr(embed, "img_size", visual.image_size)  # open_clip may use another size
    size = (int(native_size[0]) // rows, int(native_size[1]) // columns)
    merges = trunk.feature_info[-1]["reduction"] > max(size)
    grid = (visual.image_size[0] // size[0], visual.image_size[1] // size[1])
    return None if merges else Patches(grid, size, apart=False)


def required_size(visual: Any) -> tuple[int, int] | None:
    """Return the only (height, width) in pixels that a timm encoder accepts, or ``None`` if it accepts others too."""
    embed = getattr(getattr(visual, "trunk", None), "patch_embed", None)
    if not isinstance(embed, PatchEmbed) or not embed.strict_img_size:
        return None
    size: Any = embed.img_size
    return size and (int(size[0]), int(size[1]))


class TimmImageTower(SequenceTower):
    """Tower of a timm transformer: the model's own code runs after the patch embedding, rotary positions included.

    Patches are dropped from the sequence in place of the model's patch dropout.
    """

    def __init__(self, clip: Any, picture: MaskedPicture) -> None:
        self._visual = visual = clip.visual
        embedded = [visual.trunk.patch_embed(pixels[None])[0] for pixels in (picture.pixels, picture.replacement)]
        self._shape = embedded[0].shape  # (P, D), or (rows, columns, D) if positions adapt to the input
        trunk = visual.trunk
        stands_alone = getattr(trunk, "attn_pool", None) is None and trunk.global_pool == "token"
        kept, removed = (each.flatten(0, -2) for each in embedded)
        super().__init__(picture, kept, removed, stands_alone=stands_alone)

    def run(self, patches: Tensor, chosen: Tensor | None) -> Tensor:
        replacements: dict[str, nn.Module] = {"trunk.patch_embed": PassThrough(self._visual.trunk.patch_embed)}
        if chosen is not None:
            patches = patches.expand(len(chosen), -1, -1)
            trunk = self._visual.trunk
            replacements["trunk.patch_drop"] = _PatchSelection(chosen, trunk.num_prefix_tokens, isinstance(trunk, Eva))
        return with_replaced(self._visual, replacements)(patches.reshape(len(patches), *self._shape))


class _PatchSelection(nn.Module):
    """Replacement of a patch dropout that keeps the class token, registers and chosen patches."""

    def __init__(self, chosen: Tensor, prefix: int, returns_indices: bool) -> None:
        """``returns_indices``: Whether the model needs the indices of kept patches, as for rotary positions."""
        super().__init__()
        self._chosen, self._prefix, self._returns_indices = chosen, prefix, returns_indices

    def forward(self, tokens: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """Select (m, prefix + k, D) of (m, prefix + P, D) tokens."""
        patches = tokens[:, self._prefix :]
        patches = patches.gather(1, self._chosen[:, :, None].expand(-1, -1, patches.shape[2]))
        kept = torch.cat([tokens[:, : self._prefix], patches], dim=1)
        return (kept, self._chosen) if self._returns_indices else kept
