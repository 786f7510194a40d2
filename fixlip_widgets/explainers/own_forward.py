"""Compare a game's complete image and caption with the model's own forward pass, and its weights with earlier ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fixlip_widgets.encoders.batches import BatchSize, Encoder, encode_all
from fixlip_widgets.encoders.images import ImageLike, open_image
from fixlip_widgets.encoders.loading.parts import first_line
from fixlip_widgets.encoders.loading.precision import full_convolutions, full_products
from fixlip_widgets.encoders.models import Model
from fixlip_widgets.encoders.towers import TransformersEncoder
from fixlip_widgets.errors import EncodingError
from fixlip_widgets.support.notices import warn

_TOLERANCES = {torch.float16: 1e-2, torch.bfloat16: 6e-2}
_TOLERANCE, _TOLERANCE_OF_TF32 = 1e-4, 1e-3
"""See :func:`agree`."""


def complete_embedding(tower: Any, model: Model, modality: str) -> Tensor:
    """Encode the complete image or caption with a masked encoder, (d,).

    Raises:
        EncodingError: The embedding is not finite, or memory is too small.
    """
    everything = np.ones((1, tower.n_players), dtype=bool)
    with full_convolutions(model.device):
        return encode_all(Encoder(tower.encode, model.dtype), everything, BatchSize(1), model.device, modality)[0]


def own_embedding(model: Model, inputs: Tensor, modality: str) -> Tensor:
    """Encode (3, H, W) pixels or (context,) token ids with the model's own forward pass, (d,) of unit norm.

    Raises:
        EncodingError: The embedding is not finite, or memory is too small.
    """
    forward = model.clip.encode_image if modality == "image" else model.clip.encode_text

    def encode(_: Tensor) -> Tensor:
        return F.normalize(forward(inputs[None]).float(), dim=-1)

    one = np.ones((1, 1), dtype=bool)
    with full_convolutions(model.device):
        return encode_all(Encoder(encode, model.dtype), one, BatchSize(1), model.device, modality)[0]


def own_pair(
    model: Model, image: ImageLike, text: str | Tensor, pixels: Tensor, ids: Tensor
) -> tuple[dict[str, Tensor], float | None]:
    """Encode a complete pair with the model's own forward pass.

    For a transformers model this is ``model(**processor(…))``, for open_clip ``encode_image`` and ``encode_text``.

    Args:
        model: The model.
        image: The image as passed by the user; a preprocessed tensor skips the processor.
        text: The caption as passed by the user; token ids skip the processor.
        pixels: (3, H, W) pixels that the game prepared from the image.
        ids: (context,) token ids that the game prepared from the caption.

    Returns:
        The unit-norm embeddings (d,) of ``"image"`` and ``"text"``, and the logit if the forward pass returns one.

    Raises:
        EncodingError: An embedding is not finite, or memory is too small.
    """
    if not isinstance(model.clip, TransformersEncoder):
        return {"image": own_embedding(model, pixels, "image"), "text": own_embedding(model, ids, "text")}, None
    ours = {**model.clip.image_inputs(pixels[None]), **model.clip.text_inputs(ids[None])}
    theirs = ours | _processed(model, image, text)
    found = _run(model, theirs)
    shapes = [each.get("spatial_shapes", torch.empty(0)).tolist() for each in (ours, theirs)]
    if shapes[0] == shapes[1]:
        return found
    (rows, columns), logit = shapes[1][0], found[1]
    found = _run(model, ours | _processed(model, pixels, text))
    warn(
        f"With the picture in {rows} × {columns} patches, as the processor cuts it, the similarity is {logit:.4f}; "
        f"explained is {found[1]:.4f}, that of {shapes[0][0][0]} × {shapes[0][0][1]} patches."
    )
    return found


def _run(model: Model, inputs: dict[str, Tensor]) -> tuple[dict[str, Tensor], float]:
    """Return the unit-norm embeddings (d,) and the logit of one pair from a transformers model's forward pass."""
    inputs = {
        name: each.to(model.device, model.dtype if each.is_floating_point() else each.dtype)
        for name, each in inputs.items()
    }

    def encode(_: Tensor) -> Tensor:
        images, texts, logits = model.clip(inputs)
        return torch.cat([F.normalize(images.float(), dim=-1), F.normalize(texts.float(), dim=-1), logits], dim=-1)

    one = np.ones((1, 1), dtype=bool)
    with full_convolutions(model.device):
        found = encode_all(Encoder(encode, model.dtype), one, BatchSize(1), model.device, "complete")[0]
    image, text = found[:-1].chunk(2)
    return {"image": image, "text": text}, float(found[-1])


def _processed(model: Model, image: ImageLike, text: str | Tensor) -> dict[str, Tensor]:
    """Return the inputs that the model's processor prepares from a picture and a caption, unless they are tensors."""
    given: dict[str, Any] = {}
    if not isinstance(image, Tensor):
        given["images"] = open_image(image)
        if model.clip.cuts_patches:  # transformers' default, 256, takes precedence over the image processor's setting
            given["max_num_patches"] = model.processor.image_processor.max_num_patches
    if isinstance(text, str):
        given |= {"text": [text], "padding": "max_length", "truncation": True}
        given["max_length"] = model.tokenizer.context_length
    if not {"images", "text"} & given.keys() or not callable(model.processor):
        return {}
    try:
        prepared: Any = model.processor(**given, return_tensors="pt")
        return {**prepared}
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise EncodingError(
            f"The processor could not prepare the complete pair, which is compared with the model's own forward pass: "
            f"{first_line(error)} Pass check=False to omit the comparison."
        ) from error


def agree(embedding: Tensor, own: Tensor, model: Model) -> bool:
    """Return whether two (d,) unit-norm embeddings of ``model`` differ by rounding alone.

    In float32, distances up to 1e-4 are accepted (``tests/encoders/towers/test_families.py`` asserts that those of all
    families are below 1e-6 on a CPU), or 1e-3 if PyTorch may round the factors of matrix products to TF32 or bfloat16.
    In float16 and bfloat16, 1e-2 and 6e-2 are accepted.
    """
    return distance(embedding, own) <= _tolerance(model)


def _tolerance(model: Model) -> float:
    rounding = _TOLERANCE if full_products(model.device) else _TOLERANCE_OF_TF32
    return _TOLERANCES.get(model.dtype, rounding)


def distance(embedding: Tensor, own: Tensor) -> float:
    """Return the Euclidean distance of two (d,) embeddings."""
    return float((embedding - own).norm())


def check_agreement(
    model: Model, complete: dict[str, Tensor], own: dict[str, Tensor], own_logit: float | None = None
) -> None:
    """Raise unless the embeddings of the complete image and caption, and the logit, are the model's own.

    Args:
        model: The model.
        complete: Unit-norm embeddings (d,) from the masked encoders.
        own: The same from the model's own forward pass.
        own_logit: The logit of that pass, if it returns one.

    Raises:
        EncodingError: They differ by more than rounding; the message has both similarities.
    """
    wrong = [f"{name} embedding" for name in own if not agree(complete[name], own[name], model)]
    game, forward = (
        model.scale * float(each["image"].double() @ each["text"].double()) + model.bias for each in (complete, own)
    )
    if own_logit is not None:
        forward = own_logit
        if not wrong and abs(game - own_logit) > 2 * _tolerance(model) * model.scale:
            wrong = ["logit"]
    if not wrong:
        return
    raise EncodingError(
        f"The masked encoders give the complete pair a similarity of {game:.4f}, but the model itself gives "
        f"{forward:.4f}; the {' and the '.join(wrong)} differ{'s' * (len(wrong) == 1)}. Explanations would not be "
        f"those of {model.name}. Remove hooks and replaced methods from its modules, "
        + (
            "let its processor omit the attention_mask of SigLIP's captions, "
            if model.sigmoid and model.processor
            else ""
        )
        + "or pass check=False to accept the difference."
    )
