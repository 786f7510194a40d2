"""Compare a game's complete image and caption with the model's own forward pass, and its weights with earlier ones."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fixlip_widgets.encoders.batches import BatchSize, Encoder, encode_all
from fixlip_widgets.encoders.loading.precision import full_convolutions, full_products
from fixlip_widgets.encoders.models import Model
from fixlip_widgets.errors import EncodingError

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


def agree(embedding: Tensor, own: Tensor, model: Model) -> bool:
    """Return whether two (d,) unit-norm embeddings of ``model`` differ by rounding alone.

    In float32, distances up to 1e-4 are accepted (``tests/encoders/towers/test_families.py`` asserts that those of all
    families are below 1e-6 on a CPU), or 1e-3 if PyTorch may round the factors of matrix products to TF32 or bfloat16.
    In float16 and bfloat16, 1e-2 and 6e-2 are accepted.
    """
    rounding = _TOLERANCE if full_products(model.device) else _TOLERANCE_OF_TF32
    return distance(embedding, own) <= _TOLERANCES.get(model.dtype, rounding)


def distance(embedding: Tensor, own: Tensor) -> float:
    """Return the Euclidean distance of two (d,) embeddings."""
    return float((embedding - own).norm())


def check_agreement(model: Model, complete: dict[str, Tensor], own: dict[str, Tensor]) -> None:
    """Raise unless the embeddings of the complete image and caption are the model's own.

    Raises:
        EncodingError: They differ by more than rounding; the message has both similarities.
    """
    wrong = [name for name in own if not agree(complete[name], own[name], model)]
    if not wrong:
        return
    game, forward = (
        model.scale * float(each["image"].double() @ each["text"].double()) + model.bias for each in (complete, own)
    )
    raise EncodingError(
        f"The masked encoders give the complete pair a similarity of {game:.4f}, but the model itself gives "
        f"{forward:.4f}; the {' and '.join(wrong)} embedding differs. Explanations would not be those of {model.name}. "
        "Remove hooks and replaced methods from its modules, or pass check=False to accept the difference."
    )
