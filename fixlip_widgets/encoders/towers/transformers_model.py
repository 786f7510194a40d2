"""A common interface to the CLIP, SigLIP and SigLIP-2 models of transformers, and their towers."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fixlip_widgets.encoders.towers.patches import Patches
from fixlip_widgets.encoders.towers.replaced_modules import PassThrough, with_replaced
from fixlip_widgets.encoders.towers.sequence import MaskedPicture, SequenceTower
from fixlip_widgets.errors import ModelError


class TransformersEncoder(nn.Module):
    """Common interface to a ``CLIPModel``, ``SiglipModel`` or ``Siglip2Model``.

    Differences are read from the modules: a class token, a projection after pooling, and a patch embedding whose input
    is already cut into patches (SigLIP-2, which accepts images of any shape; here they are square).

    Attributes:
        model: The transformers model.
        patches: Patches of the image encoder.
        prefix: Number of tokens before the patches.
        image_size: (height, width) of the input, in pixels.
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
        """Logarithm of the factor of the cosine similarity."""
        return self.model.logit_scale

    @property
    def logit_bias(self) -> Tensor | None:
        """Bias of the logit, learned for SigLIP; ``None`` for CLIP."""
        return getattr(self.model, "logit_bias", None)

    @property
    def cuts_patches(self) -> bool:
        """Whether the input of the patch embedding is already cut into patches."""
        return self._cuts

    @property
    def context_length(self) -> int:
        """Maximum number of tokens that the text encoder reads."""
        config = self.model.config.text_config
        positions = int(config.max_position_embeddings)
        # RoBERTa numbers positions from the padding token's id + 1
        return positions - int(config.pad_token_id) - 1 if hasattr(self.model.text_model, "roberta") else positions

    @property
    def is_causal(self) -> bool:
        """Whether the text encoder is causal and pools at the end token, as in CLIP."""
        return hasattr(self.model.text_model, "eos_token_id")

    @property
    def padding(self) -> int | None:
        """Id of the padding token, if the text encoder pools its class token and does not read padding."""
        pools_class = not self.is_causal and hasattr(self.model, "text_projection")
        return int(self.model.config.text_config.pad_token_id) if pools_class else None

    def image_inputs(self, pixels: Tensor) -> dict[str, Tensor]:
        """Return the arguments of the model's forward pass for (m, 3, H, W) pixels."""
        if not self._cuts:
            return {"pixel_values": pixels}
        (rows, columns), (height, width) = self.patches.grid, self.patches.size
        cut = pixels.reshape(len(pixels), 3, rows, height, columns, width).permute(0, 2, 4, 3, 5, 1)
        return {
            "pixel_values": cut.reshape(len(pixels), rows * columns, -1),
            "pixel_attention_mask": torch.ones(len(pixels), rows * columns, dtype=torch.long, device=pixels.device),
            "spatial_shapes": torch.tensor([[rows, columns]] * len(pixels), device=pixels.device),
        }

    def text_inputs(self, ids: Tensor) -> dict[str, Tensor]:
        """Return the arguments of the model's forward pass for (m, length) token ids."""
        mask = {} if self.padding is None else {"attention_mask": (ids != self.padding).long()}
        return {"input_ids": ids, **mask}

    def embed(self, pixels: Tensor) -> Tensor:
        """Embed (m, 3, H, W) pixels as (m, prefix + P, D) tokens, including positions."""
        embeddings, inputs = self.model.vision_model.embeddings, self.image_inputs(pixels)
        shapes = [inputs["spatial_shapes"]] if self._cuts else []
        return embeddings(inputs["pixel_values"], *shapes)

    def encode_embedded(self, tokens: Tensor) -> Tensor:
        """Encode (m, prefix + k, D) tokens, including positions, into (m, d) image embeddings, not normalised."""
        vision = self.model.vision_model
        rest = with_replaced(vision, {"embeddings": PassThrough(vision.embeddings)})
        extra = {"pixel_attention_mask": None, "spatial_shapes": None} if self._cuts else {}
        pooled = rest(pixel_values=tokens, **extra).pooler_output
        projection = getattr(self.model, "visual_projection", None)
        return pooled if projection is None else projection(pooled)

    def encode_image(self, pixels: Tensor) -> Tensor:
        """Encode (m, 3, H, W) pixels into (m, d) image embeddings, not normalised."""
        if not self._cuts:
            return _pooled(self.model.get_image_features(pixel_values=pixels))
        return self.encode_embedded(self.embed(pixels))

    def encode_text(self, ids: Tensor, attention_mask: Tensor | None = None) -> Tensor:
        """Encode (m, length) token ids into (m, d) text embeddings, not normalised; the mask applies in every layer."""
        mask = {} if attention_mask is None else {"attention_mask": attention_mask}
        return _pooled(self.model.get_text_features(**self.text_inputs(ids) | mask))

    def forward(self, inputs: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Run the model's own forward pass on m pairs, as its processor prepares them.

        Returns:
            (m, d) embeddings of the images and of the captions, and the (m, m) logits.
        """
        found = self.model(**inputs)
        return found.image_embeds, found.text_embeds, found.logits_per_image

    def end_of(self, ids: Tensor) -> int:
        """Return the pooled position of (length,) ids: that of the end token if causal, otherwise the last read.

        Raises:
            ModelError: The ids contain no end token.
        """
        if self.padding is not None:  # everything before the padding is read
            return int((ids != self.padding).nonzero().max())
        if not self.is_causal:
            return len(ids) - 1
        end = self.model.text_model.eos_token_id
        # configs of the first CLIP models have a wrong end token, 2; like transformers, use the largest id instead
        if end == 2 and any(each.__name__ == "CLIPModel" for each in type(self.model).__mro__):
            return int(ids.argmax())
        if not bool((ids == end).any()):
            raise ModelError(
                f"The model pools at its end token, {end}, which is missing from the tokenized caption: the tokenizer "
                "belongs to another model. Pass the model's own processor."
            )
        return int((ids == end).int().argmax())


def _pooled(output: Any) -> Tensor:
    """Return the embeddings of a model's output, which was a tensor before transformers 5."""
    return output if isinstance(output, Tensor) else output.pooler_output


class TransformersImageTower(SequenceTower):
    """Tower of a transformers image encoder, run after its embedding layer."""

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
    """Tower that hides tokens with the text encoder's own attention mask; SigLIP's padding stays visible."""

    def __init__(self, clip: TransformersEncoder, ids: Tensor, players: Tensor, owners: Tensor) -> None:
        """See :class:`fixlip_widgets.encoders.towers.text.TextTower`.

        Raises:
            ModelError: The tokens contain no end token, or no caption token before it.
        """
        self._clip, self._ids = clip, ids[: clip.end_of(ids) + 1]
        is_read = players < len(self._ids)  # an end token in the caption itself hides the rest
        if not bool(is_read.any()):
            raise ModelError(
                "The model reads none of the caption's tokens: the tokenizer puts an end token before them, for "
                "example as left padding. Pass the model's own processor."
            )
        self.players, self.owners, self.n_players = players[is_read], owners[is_read], int(owners.max()) + 1

    def encode(self, masks: Tensor) -> Tensor:
        """Encode (m, n_players) bool masks, True = kept, into (m, d) unit-norm embeddings."""
        keep = torch.ones(len(masks), len(self._ids), dtype=torch.bool, device=masks.device)
        keep[:, self.players] = masks[:, self.owners]
        features = self._clip.encode_text(self._ids.expand(len(masks), -1), keep.to(torch.long))
        return F.normalize(features.float(), dim=-1)
