"""First-order explanations from one forward and backward pass: GAME and Grad-ECLIP.

Both assign every patch and token a relevance of at least 0. It is not a share of the logit: only its
order is meaningful.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fixlip_widgets.encoders.batches import plain_settings
from fixlip_widgets.errors import InputError
from fixlip_widgets.explainers.baselines.attention import (
    Attention,
    TowerAttention,
    gradients_of,
    pytorch_attention,
    record_attention,
)
from fixlip_widgets.explainers.baselines.positions import positions_of
from fixlip_widgets.explainers.game import Modality, VisionLanguageGame
from fixlip_widgets.explanation.explanation import Explanation

TEXT_LAYERS = 8
"""Number of last text-tower layers that Grad-ECLIP sums: word relevance forms earlier than patch relevance."""

Relevance = Callable[[TowerAttention, Tensor, Modality], Tensor]
"""Function of a tower, the similarity and the modality that returns the (length,) relevance of every position."""


def game_attention(game: VisionLanguageGame) -> Explanation:
    """Compute GAME relevance, propagated through attention weights that are weighted by their gradients.

    Args:
        game: The pair to explain.

    Returns:
        An explanation of order 1 with ``method="game_attention"``; ``main`` (n,) is the relevance, at least 0, without
        unit.

    Raises:
        ModelError: A tower is no stack of self-attentions over patches or tokens.

    Source: Chefer, Gur & Wolf, "Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder
    Transformers", ICCV 2021: equations 5 (weights), 6 (self-attention), 8–10 (pooling attention).
    """
    return _first_order(game, "game_attention", lambda tower, similarity, _: propagate_relevance(tower, similarity))


def grad_eclip(game: VisionLanguageGame, text_layers: int = TEXT_LAYERS) -> Explanation:
    """Compute Grad-ECLIP relevance: attention values, weighted by gradient and by query–key similarity.

    Args:
        game: The pair to explain.
        text_layers: Number of last text-tower layers to sum; the image tower uses its last layer only.

    Returns:
        An explanation of order 1 with ``method="grad_eclip"``; ``main`` (n,) is the relevance, at least 0, without
        unit.

    Raises:
        InputError: ``text_layers`` is less than 1.
        ModelError: A tower is no stack of self-attentions over patches or tokens.

    Source: Zhao, Wang, Zeng, Zhao & Chan, "Gradient-based Visual Explanation for Transformer-based CLIP", ICML 2024,
    and its extension to text (arXiv 2502.18816). The authors' code runs the explained layers with a single head,
    which changes the model; here the forward pass and its gradient are those of the model, and only the query–key
    similarity is computed over the whole width.
    """
    if text_layers < 1:
        raise InputError(f"text_layers is {text_layers}; it must be at least 1.")

    def relevance(tower: TowerAttention, similarity: Tensor, modality: Modality) -> Tensor:
        if tower.pool is not None:
            return _align_end(channel_relevance([tower.pool], similarity), tower.length)
        return channel_relevance(tower.layers[-1 if modality == "image" else -text_layers :], similarity)

    return _first_order(game, "grad_eclip", relevance)


@plain_settings
def _first_order(game: VisionLanguageGame, method: str, relevance: Relevance) -> Explanation:
    def record(modality: Modality, n: int) -> TowerAttention:
        return record_attention(game.encoder(modality), torch.ones(n, dtype=torch.bool, device=game.model.device))

    with gradients_of(game.model.clip), pytorch_attention(game.model.clip):
        image, text = record("image", game.n_image), record("text", game.n_text)
        similarity = game.scale * (image.embedding @ text.embedding) + game.bias
        main = [
            positions_of(game, "image", image.length).gather(relevance(image, similarity, "image")),
            positions_of(game, "text", text.length).gather(relevance(text, similarity, "text")),
        ]
    return Explanation(
        baseline=0.0,
        main=torch.cat(main).cpu().double().numpy(),
        interactions=np.zeros((game.n_players, game.n_players)),
        **game.explanation_fields(),
        method=method,
        order=1,
        budget=1,
        image_encodes=1,
        text_encodes=1,
    )


# -- GAME ------------------------------------------------------------------------------------------------------------


def propagate_relevance(tower: TowerAttention, similarity: Tensor) -> Tensor:
    """Return the (length,) relevance of every position for the positions from which the embedding is read.

    Rules of Chefer et al. 2021: ``Ā = mean over heads of (∇A ⊙ A)⁺`` (5); ``R ← R + Ā R`` from ``R = 1`` (6), layer
    by layer; a pooling attention adds ``Ā R̄`` (10, with queries from one modality), where R̄ is R − 1 with rows
    normalised to sum 1, plus 1 (8, 9). Rows are read where the last attention has a gradient: at the class or end
    token, or at all positions if the tower averages them.
    """
    every = [*tower.layers, *([tower.pool] if tower.pool is not None else [])]
    gradients = torch.autograd.grad(similarity, [layer.weights for layer in every], retain_graph=True)
    weighted = [_weighted(layer, gradient) for layer, gradient in zip(every, gradients, strict=True)]
    own = torch.eye(tower.length, dtype=weighted[0].dtype, device=weighted[0].device)
    relevance = own
    for weights in weighted[: len(tower.layers)]:
        relevance = relevance + weights @ relevance
    read = gradients[-1][0].abs().sum(dim=(0, 2)) > 0
    if tower.pool is None:
        return (relevance - own)[read].sum(dim=0) / max(int(read.sum()), 1)
    passed = relevance - own
    passed = passed / passed.sum(dim=1, keepdim=True).clamp_min(torch.finfo(passed.dtype).tiny) + own
    return (_align_end(weighted[-1], tower.length) @ passed)[read].sum(dim=0) / max(int(read.sum()), 1)


def _weighted(layer: Attention, gradient: Tensor) -> Tensor:
    """Return Ā of one layer, (n_queries, n_keys)."""
    return (gradient * layer.weights.detach())[0].clamp_min(0).mean(dim=0)


def _align_end(values: Tensor, length: int) -> Tensor:
    """Pad (..., n_keys) with leading 0 to (..., length): a pooling attention may omit a leading class token."""
    return F.pad(values, (length - values.shape[-1], 0))


# -- Grad-ECLIP ------------------------------------------------------------------------------------------------------


def channel_relevance(layers: Sequence[Attention], similarity: Tensor) -> Tensor:
    """Return the (length,) sum over layers of ``ReLU(Σ_c w_c λ_i v_ic)`` at every position i.

    w (channels) is the gradient of the similarity with respect to the attention's output at the position that is read;
    λ_i is the cosine of that position's query with key i, min–max scaled to [0, 1] over the visible keys; v_i is the
    value of position i with all heads concatenated. If several positions are read (average pooling), they are summed
    before the ReLU.
    """
    gradients = torch.autograd.grad(similarity, [layer.output for layer in layers], retain_graph=True)
    read = _concat_heads(gradients[-1][0]).abs().sum(dim=1) > 0
    relevance = [_layer_relevance(layer, gradient[0], read) for layer, gradient in zip(layers, gradients, strict=True)]
    return torch.stack(relevance).sum(dim=0)


def _layer_relevance(layer: Attention, gradient: Tensor, read: Tensor) -> Tensor:
    channels = _concat_heads(gradient)[read]
    values = _concat_heads(layer.values.detach())
    return (_key_similarity(layer, read) * (channels @ values.T)).sum(dim=0).clamp_min(0)


def _key_similarity(layer: Attention, read: Tensor) -> Tensor:
    """Return λ, (n_read, n_keys), 0 for hidden keys; unlike attention, it does not concentrate on a few keys."""
    queries = F.normalize(_concat_heads(layer.queries.detach())[read], dim=1)
    keys = F.normalize(_concat_heads(layer.keys.detach()), dim=1)
    similarity = queries @ keys.T
    hidden = (layer.weights.detach()[0] == 0).all(dim=0)[read]
    lowest = similarity.masked_fill(hidden, float("inf")).amin(dim=1, keepdim=True)
    highest = similarity.masked_fill(hidden, float("-inf")).amax(dim=1, keepdim=True)
    scaled = (similarity - lowest) / (highest - lowest).clamp_min(torch.finfo(similarity.dtype).eps)
    return scaled.masked_fill(hidden, 0.0)


def _concat_heads(split: Tensor) -> Tensor:
    """Reshape (heads, length, width) to (length, heads · width)."""
    return split.permute(1, 0, 2).flatten(1)
