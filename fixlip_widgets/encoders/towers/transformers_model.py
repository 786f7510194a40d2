"""CLIP, SigLIP and SigLIP-2 models of transformers, seen through one small interface, and their towers."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fixlip_widgets.encoders.towers.patches import Patches
from fixlip_widgets.encoders.towers.sequence import MaskedPicture, SequenceTower
from fixlip_widgets.encoders.towers.stand_in import Given, twin
from fixlip_widgets.errors import ModelError


class TransformersEncoder(nn.Module):
    """What the towers ask of a ``CLIPModel``, ``SiglipModel`` or ``Siglip2Model``.

    What differs between the three is read from their modules: a class token, a projection after pooling, a patch
    embedding that takes patches which are cut already (SigLIP-2's, for pictures of any shape; they are square here).

    Attributes:
        model: The model itself.
        patches: Of its image encoder.
        prefix: Tokens before the patches.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        config, embeddings = model.config.vision_config, model.vision_model.embeddings
        self._cuts = isinstance(embeddings.patch_embedding, nn.Linear)
        side = math.isqrt(config.num_patches) if self._cuts else config.image_size // config.patch_size
        self.patches = Patches((side, side), (config.patch_size, config.patch_size), apart=True)
        self.prefix = int(hasattr(embeddings, "class_embedding"))
        self.image_size = (side * config.patch_size,) * 2 if self._cuts else (config.image_size,) * 2

    @property
    def logit_scale(self) -> Tensor:
        """Logarithm of the factor of the cosine."""
        return self.model.logit_scale

    @property
    def logit_bias(self) -> Tensor | None:
        """Summand of the logit, which SigLIP learns."""
        return getattr(self.model, "logit_bias", None)

    @property
    def context_length(self) -> int:
        """Tokens that the text encoder reads at most."""
        return int(self.model.config.text_config.max_position_embeddings)

    @property
    def is_causal(self) -> bool:
        """Whether the text encoder pools at the end token and sees nothing behind it: CLIP's, which projects after."""
        return hasattr(self.model, "text_projection")

    def embed(self, pixels: Tensor) -> Tensor:
        """(m, 3, H, W) pixels to (m, prefix + P, D) embeddings, positions included."""
        embeddings = self.model.vision_model.embeddings
        if not self._cuts:
            return embeddings(pixels)
        (rows, columns), (height, width) = self.patches.grid, self.patches.size
        cut = pixels.reshape(len(pixels), 3, rows, height, columns, width).permute(0, 2, 4, 3, 5, 1)
        shapes = torch.tensor([[rows, columns]] * len(pixels), device=pixels.device)
        return embeddings(cut.reshape(len(pixels), rows * columns, -1), shapes)

    def encode_embedded(self, tokens: Tensor) -> Tensor:
        """(m, prefix + k, D) embeddings, positions included, to (m, d) image embeddings, not normalised."""
        vision = self.model.vision_model
        rest = twin(vision, {"embeddings": Given(vision.embeddings)})
        extra = {"pixel_attention_mask": None, "spatial_shapes": None} if self._cuts else {}
        pooled = rest(pixel_values=tokens, **extra).pooler_output
        projection = getattr(self.model, "visual_projection", None)
        return pooled if projection is None else projection(pooled)

    def encode_image(self, pixels: Tensor) -> Tensor:
        """(m, 3, H, W) pixels to (m, d) image embeddings, not normalised."""
        return self.encode_embedded(self.embed(pixels))

    def encode_text(self, ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """(m, length) token ids to (m, d) text embeddings, not normalised; what the mask hides is hidden everywhere."""
        pooled = self.model.text_model(input_ids=ids, attention_mask=attention_mask).pooler_output
        return self.model.text_projection(pooled) if self.is_causal else pooled

    def end_of(self, ids: Tensor) -> int:
        """Where the text encoder pools: at the end token of (length,) ids where it is causal, or else at the last."""
        if not self.is_causal:
            return len(ids) - 1
        end = self.model.text_model.eos_token_id
        # Configs of the first CLIP models name a wrong end token, 2; theirs is the largest id, and the library knows.
        if end == 2:
            return int(ids.argmax())
        if not bool((ids == end).any()):
            raise ModelError(
                f"The model reads a caption at its end token, {end}, which the tokenizer does not give; it is another "
                "model's. Pass the model's own processor."
            )
        return int((ids == end).int().argmax())


class TransformersImageTower(SequenceTower):
    """An image encoder of transformers, run from its embeddings on."""

    def __init__(self, clip: TransformersEncoder, picture: MaskedPicture) -> None:
        self._clip = clip
        kept, removed = (clip.embed(pixels[None])[0] for pixels in (picture.pixels, picture.replacement))
        super().__init__(picture, kept[clip.prefix :], removed[clip.prefix :], stands_alone=clip.prefix > 0)
        self._before = kept[: clip.prefix]

    def run(self, patches: Tensor, chosen: Tensor | None) -> Tensor:
        tokens = patches if chosen is None else patches[0][chosen]
        tokens = torch.cat([self._before.expand(len(tokens), -1, -1), tokens], dim=1)
        return self._clip.encode_embedded(tokens)


class TransformersTextTower:
    """A text encoder of transformers: hides tokens with its own attention mask; SigLIP's padding stays visible."""

    def __init__(self, clip: TransformersEncoder, ids: Tensor, players: Tensor, owners: Tensor) -> None:
        """As :class:`fixlip_widgets.encoders.towers.text.TextTower`.

        Raises:
            ModelError: The tokens are another model's: no end token, or none of a caption before it.
        """
        self._clip, self._ids = clip, ids[: clip.end_of(ids) + 1]
        read = players < len(self._ids)  # nothing behind the end token, where a caption names that
        if not bool(read.any()):
            raise ModelError(
                "The model reads none of the caption's tokens: the tokenizer puts an end token before them, as padding "
                "on the left may be. Pass the model's own processor."
            )
        self.players, self.owners, self.n_players = players[read], owners[read], int(owners.max()) + 1

    def encode(self, masks: Tensor) -> Tensor:
        """(m, n_players) bool masks, True = kept, to (m, d) unit-norm embeddings."""
        keep = torch.ones(len(masks), len(self._ids), dtype=torch.bool, device=masks.device)
        keep[:, self.players] = masks[:, self.owners]
        features = self._clip.encode_text(self._ids.expand(len(masks), -1), keep.to(torch.long))
        return F.normalize(features.float(), dim=-1)
