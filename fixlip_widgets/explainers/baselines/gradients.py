"""First-order explanations from one pass through each tower: GAME and Grad-ECLIP.

Both give every patch and token a relevance of at least 0. It is no share of the logit: only its order means something.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fixlip_widgets.errors import InputError
from fixlip_widgets.explainers.baselines.attention import Attended, Attention, watch
from fixlip_widgets.explainers.baselines.positions import positions_of
from fixlip_widgets.explainers.game import Modality, VisionLanguageGame
from fixlip_widgets.explanation.explanation import Explanation

TEXT_LAYERS = 8
"""Last layers of the text tower that Grad-ECLIP adds up: relevance of words forms earlier than that of patches."""

Relevance = Callable[[Attended, Tensor, Modality], Tensor]


def game_attention(game: VisionLanguageGame) -> Explanation:
    """GAME: relevance propagated through attention weights, each weighted by its gradient.

    Args:
        game: The pair to explain.

    Returns:
        An explanation of order 1 with ``method="game_attention"``; ``main`` (n,) is the relevance, at least 0, without
        unit.

    Raises:
        ModelError: A tower is no stack of self-attentions over patches or tokens.

    Source: Chefer, Gur & Wolf, "Generic Attention-model Explainability for Interpreting Bi-Modal and Encoder-Decoder
    Transformers", ICCV 2021: equations 5 (weights), 6 (self-attention), 8–10 (the attention that pools).
    """
    return _first_order(game, "game_attention", lambda attended, similarity, _: propagated(attended, similarity))


def grad_eclip(game: VisionLanguageGame, text_layers: int = TEXT_LAYERS) -> Explanation:
    """Grad-ECLIP: values of the last attention, weighted by gradient (channels) and by likeness of query and key.

    Args:
        game: The pair to explain.
        text_layers: Last layers of the text tower to add up; of the image tower it is the last alone.

    Returns:
        An explanation of order 1 with ``method="grad_eclip"``; ``main`` (n,) is the relevance, at least 0, without
        unit.

    Raises:
        InputError: ``text_layers`` is less than 1.
        ModelError: A tower is no stack of self-attentions over patches or tokens.

    Source: Zhao, Wang, Zeng, Zhao & Chan, "Gradient-based Visual Explanation for Transformer-based CLIP", ICML 2024,
    and its extension to text (arXiv 2502.18816). The authors' code runs the explained layers with a single head,
    which is another model; here the forward pass and its gradient are the model's own, and only the likeness of
    query and key is taken over the whole width.
    """
    if text_layers < 1:
        raise InputError(f"text_layers is {text_layers}; it counts layers of the text tower, at least 1.")

    def relevance(attended: Attended, similarity: Tensor, modality: Modality) -> Tensor:
        if attended.pool is not None:
            return _from_the_end(channel_weighted([attended.pool], similarity), attended.length)
        return channel_weighted(attended.layers[-1 if modality == "image" else -text_layers :], similarity)

    return _first_order(game, "grad_eclip", relevance)


def _first_order(game: VisionLanguageGame, method: str, relevance: Relevance) -> Explanation:
    device = game.model.device
    image = watch(game.encoder("image"), torch.ones(game.n_image, dtype=torch.bool, device=device))
    text = watch(game.encoder("text"), torch.ones(game.n_text, dtype=torch.bool, device=device))
    modalities: tuple[Modality, Modality] = ("image", "text")
    places = [positions_of(game, name, seen.length) for name, seen in zip(modalities, (image, text), strict=True)]
    similarity = game.scale * (image.embedding @ text.embedding) + game.bias
    found = [
        place.gather(relevance(seen, similarity, name))
        for name, seen, place in zip(modalities, (image, text), places, strict=True)
    ]
    return Explanation(
        baseline=0.0,
        main=torch.cat(found).cpu().double().numpy(),
        interactions=np.zeros((game.n_players, game.n_players)),
        **game.described(),
        model=game.model.describe(),
        similarity=game.similarity,
        empty_similarity=game.empty_similarity,
        method=method,
        order=1,
        budget=1,
        image_encodes=1,
        text_encodes=1,
    )


# -- GAME ------------------------------------------------------------------------------------------------------------


def propagated(attended: Attended, similarity: Tensor) -> Tensor:
    """(length,) relevance of every position to the positions that the embedding is read from.

    Rules of Chefer et al. 2021: ``Ā = mean over heads of (∇A ⊙ A)⁺`` (5); ``R ← R + Ā R`` from ``R = 1`` (6), layer
    by layer; an attention that pools adds ``Ā R̄`` (10, with one modality asking), where R̄ has the rows of R − 1
    normalised to sum 1, plus 1 (8, 9). Rows are read where the last attention has a gradient: that is the class or
    end token, or all positions of a tower that averages them.
    """
    every = [*attended.layers, *([attended.pool] if attended.pool is not None else [])]
    gradients = torch.autograd.grad(similarity, [layer.weights for layer in every], retain_graph=True)
    weighted = [_weighted(layer, gradient) for layer, gradient in zip(every, gradients, strict=True)]
    own = torch.eye(attended.length, dtype=weighted[0].dtype, device=weighted[0].device)
    relevance = own
    for weights in weighted[: len(attended.layers)]:
        relevance = relevance + weights @ relevance
    read = gradients[-1][0].abs().sum(dim=(0, 2)) > 0
    if attended.pool is None:
        return (relevance - own)[read].sum(dim=0) / max(int(read.sum()), 1)
    passed = relevance - own
    passed = passed / passed.sum(dim=1, keepdim=True).clamp_min(torch.finfo(passed.dtype).tiny) + own
    return (_from_the_end(weighted[-1], attended.length) @ passed)[read].sum(dim=0) / max(int(read.sum()), 1)


def _weighted(layer: Attention, gradient: Tensor) -> Tensor:
    """(n_queries, n_keys) Ā of one layer."""
    return (gradient * layer.weights.detach())[0].clamp_min(0).mean(dim=0)


def _from_the_end(found: Tensor, length: int) -> Tensor:
    """(..., length) what a pooling attention found; a class token before the patches may be left out of it."""
    return F.pad(found, (length - found.shape[-1], 0))


# -- Grad-ECLIP ------------------------------------------------------------------------------------------------------


def channel_weighted(layers: Sequence[Attention], similarity: Tensor) -> Tensor:
    """(length,) Σ over layers of ``ReLU(Σ_c w_c λ_i v_ic)`` of every position i.

    w (channels) is the gradient of the similarity with respect to the attention's output at the position that is read;
    λ_i the cosine of that position's query with key i, scaled from its smallest to its largest to [0, 1] over the keys
    that it can see; v_i the value of position i, all heads side by side. Several positions read (average pooling) are
    added before the ReLU.
    """
    gradients = torch.autograd.grad(similarity, [layer.output for layer in layers], retain_graph=True)
    read = _heads_together(gradients[-1][0]).abs().sum(dim=1) > 0
    found = [_one_layer(layer, gradient[0], read) for layer, gradient in zip(layers, gradients, strict=True)]
    return torch.stack(found).sum(dim=0)


def _one_layer(layer: Attention, gradient: Tensor, read: Tensor) -> Tensor:
    channels = _heads_together(gradient)[read]
    values = _heads_together(layer.values.detach())
    return (_loosened(layer, read) * (channels @ values.T)).sum(dim=0).clamp_min(0)


def _loosened(layer: Attention, read: Tensor) -> Tensor:
    """(n_read, n_keys) λ: unlike attention weights, it does not concentrate on a few keys; 0 where a key is hidden."""
    queries = F.normalize(_heads_together(layer.queries.detach())[read], dim=1)
    keys = F.normalize(_heads_together(layer.keys.detach()), dim=1)
    likeness = queries @ keys.T
    hidden = (layer.weights.detach()[0] == 0).all(dim=0)[read]
    lowest = likeness.masked_fill(hidden, float("inf")).amin(dim=1, keepdim=True)
    highest = likeness.masked_fill(hidden, float("-inf")).amax(dim=1, keepdim=True)
    scaled = (likeness - lowest) / (highest - lowest).clamp_min(torch.finfo(likeness.dtype).eps)
    return scaled.masked_fill(hidden, 0.0)


def _heads_together(split: Tensor) -> Tensor:
    """(heads, length, width) to (length, heads · width)."""
    return split.permute(1, 0, 2).flatten(1)
