"""exCLIP: cross-modal interactions from both towers' Jacobians, integrated from a reference to the pair."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fixlip_widgets.encoders.batches import home, plain_settings
from fixlip_widgets.encoders.models import Model
from fixlip_widgets.encoders.towers.text import text_tower
from fixlip_widgets.encoders.towers.transformers_model import TransformersEncoder
from fixlip_widgets.errors import CancelledError, InputError, ModelError
from fixlip_widgets.explainers.baselines.attention import gradients_of, pytorch_attention
from fixlip_widgets.explainers.baselines.positions import positions_of
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.support.progress import Progress

_ANY_LENGTH = 2**20
_NEGLIGIBLE = 1e-9
"""Singular values below this fraction of the largest are rounding errors."""
Advance = Callable[[float], None]
"""Function of the share of an integral that is done; it may raise to cancel the work."""


@plain_settings
def exclip(
    game: VisionLanguageGame,
    steps: int = 10,
    chunk: int = 10,
    layer: int = -1,
    *,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Explanation:
    """Compute the exCLIP interaction of every token with every patch, from second-order path integrals.

    For towers g (image a) and h (text b) with unit-norm outputs, references r and straight paths x(α) = r + α (x − r),
    the second difference of the similarity is a double path integral, which factors into one integral per tower::

        s·⟨g(a) − g(r_a), h(b) − h(r_b)⟩ = s·(a − r_a)ᵀ J_aᵀ J_b (b − r_b),   J = ∫₀¹ ∂(tower)/∂x (x(α)) dα

    The term of patch i and token j is their interaction. a and b are the sequences that enter block ``layer`` of each
    tower. The image reference is the picture with every patch removed; the text reference has the padding token in
    place of every player. The midpoint rule approximates the integrals with an error that decreases as ``1/steps²``.

    Only the products of the image Jacobian with the n_text integrated token directions are needed. They take n_text
    backward passes per chunk instead of one for each of the d output dimensions, and the memory of a single chunk.

    Args:
        game: The pair to explain.
        steps: Number of points on the path of each tower.
        chunk: Number of points per pass; smaller values take less memory.
        layer: Index of the block whose input is explained: 0 is the first, -1 the last (the authors' default).
        progress: Called between backward passes; its counts are points of the two paths.
        cancelled: Checked between backward passes.

    Returns:
        An explanation of order 2 with ``method="exclip"``: cross-modal interactions in logits. Main effects and
        interactions within a modality are 0, because the method does not define them. ``baseline`` is the empty pair's
        logit. The share of class, start, end and padding positions in the second difference is not attributed to any
        player; at ``layer=0`` the image has no such share.

    Raises:
        InputError: ``steps``, ``chunk`` or ``layer`` is out of range.
        ModelError: A tower is not a stack of blocks over a fixed number of patches or tokens.
        CancelledError: ``cancelled()`` returned True; there is no partial result.

    Source: Moeller, Tilli, Vu & Padó, "Explaining Caption-Image Interactions in CLIP Models with Second-Order
    Attributions", TMLR 2025, section 3. They divide by the norms of the pair's embeddings after integration; here
    the normalisation is part of the integrand, so that exCLIP explains the same game as the other methods.
    """
    for name, value in (("steps", steps), ("chunk", chunk)):
        if value < 1:
            raise InputError(f"{name} is {value}; it must be at least 1.")
    positions_of(game, "image", _ANY_LENGTH)  # raises ModelError for encoders without patches
    with gradients_of(game.model.clip), pytorch_attention(game.model.clip):
        advance = partial(_advance, time.monotonic(), steps, progress, cancelled)
        image, text = interaction_factors(game, steps, chunk, layer, advance)
    cross = game.scale * text[:, :-1].T @ positions_of(game, "image", image.shape[1]).gather(image)
    n = game.n_players
    interactions = np.zeros((n, n))
    interactions[game.n_image :, : game.n_image] = cross.cpu().numpy()
    return Explanation(
        baseline=game.empty_similarity,
        main=np.zeros(n),
        interactions=interactions + interactions.T,
        **game.explanation_fields(),
        method="exclip",
        scope="cross",
        budget=steps * steps,
        image_encodes=steps + 2,
        text_encodes=steps + 2,
    )


def _advance(
    started: float,
    steps: int,
    progress: Callable[[Progress], None] | None,
    cancelled: Callable[[], bool] | None,
    image: float,
    text: float,
) -> None:
    """Report the share of each tower's integral that is done; raise CancelledError if the work is cancelled."""
    if cancelled is not None and cancelled():
        raise CancelledError("exCLIP was cancelled; it has no partial result.")
    if progress is not None:
        progress(Progress.since(started, int(image * steps), steps, int(text * steps), steps))


def interaction_factors(
    game: VisionLanguageGame,
    steps: int,
    chunk: int,
    layer: int,
    advance: Callable[[float, float], None] = lambda image, text: None,
) -> tuple[Tensor, Tensor]:
    """Return the factors of the interactions: U (d, length of the image sequence) and W (d, n_text + 1), float64.

    Column j of W is ``J_b (b − r_b)`` restricted to the positions of token j; the last column sums all other positions.
    Column i of U is the same for position i of the image, projected onto the span of W, which suffices for ``WᵀU``.
    ``advance`` receives the shares of the image's and of the text's integral that are done.
    """
    text = _text_path(game, layer)
    axes = torch.eye(text.dimensions, device=game.model.device)
    every = text.integrate(axes, steps, chunk, lambda done: advance(0.0, done))
    words = positions_of(game, "text", every.shape[1]).gather(every)
    w = torch.cat([words, (every.sum(dim=1) - words.sum(dim=1))[:, None]], dim=1)
    span = torch.linalg.svd(w, full_matrices=False)
    basis = span.U[:, (span.S / span.S[0]) > _NEGLIGIBLE]
    image = _image_path(game, layer).integrate(basis.T, steps, chunk, lambda done: advance(done, 1.0))
    return basis @ image, w


@dataclass(frozen=True)
class Path:
    """A tower from one block on, and a straight path of that block's input.

    Attributes:
        encode: Function from (k, length, width) inputs of the block to (k, d) unit-norm embeddings.
        reference, change: (length, width) start of the path, and the difference from its start to its end.
        dimensions: Embedding dimension d.
    """

    encode: Callable[[Tensor], Tensor]
    reference: Tensor
    change: Tensor
    dimensions: int

    def integrate(self, directions: Tensor, steps: int, chunk: int, advance: Advance = lambda done: None) -> Tensor:
        """Return (k, length) float64 ``∫ dᵀ ∂encode/∂x_i (x_i − r_i) dα`` for (k, d) directions d and positions i."""
        passes, done = len(directions) * -(-steps // chunk), 0
        integrals = torch.zeros(len(directions), len(self.change), dtype=torch.float64, device=home(self.change.device))
        alphas = (torch.arange(steps, device=self.change.device) + 0.5) / steps
        with torch.inference_mode(False), torch.enable_grad():
            for part in alphas.split(chunk):
                points = self.reference + part.to(self.change.dtype)[:, None, None] * self.change
                points.requires_grad_()
                embeddings = self.encode(points)
                for row, direction in enumerate(directions):
                    advance(done / passes)
                    done += 1
                    projection = (embeddings @ direction.to(embeddings)).sum()
                    (gradient,) = torch.autograd.grad(projection, points, retain_graph=True)
                    integrals[row] += (gradient * self.change).sum(dim=(0, 2)).to(integrals.device).double()
        advance(1.0)
        return integrals / steps


# -- the paths of a game ---------------------------------------------------------------------------------------------


def _image_path(game: VisionLanguageGame, layer: int) -> Path:
    """Return the path of the image tower, from the picture with every patch removed."""
    encode, n, device, clip = game.encoder("image"), game.n_image, game.model.device, game.model.clip
    encoder = clip.model.vision_model if isinstance(clip, TransformersEncoder) else clip.visual
    everything, nothing = (torch.full((1, n), kept, dtype=torch.bool, device=device) for kept in (True, False))
    return _path(_block(encoder, layer), lambda count: encode(everything.expand(count, -1)), lambda: encode(nothing))


def _text_path(game: VisionLanguageGame, layer: int) -> Path:
    """Return the path of the text tower, from the caption with padding in place of every player's tokens."""
    encode, device, clip = game.encoder("text"), game.model.device, game.model.clip
    text: Any = clip.model.text_model if isinstance(clip, TransformersEncoder) else getattr(clip, "text", clip)
    ids, players, owners = game.text_inputs
    padded = ids.clone()
    padded[players] = _padding(game.model)
    reference = text_tower(clip, padded, players, owners)
    everything = torch.ones(1, game.n_text, dtype=torch.bool, device=device)
    block = _block(getattr(text, "transformer", text), layer)
    return _path(block, lambda count: encode(everything.expand(count, -1)), lambda: reference.encode(everything))


def _padding(model: Model) -> int:
    """Return the id of the padding token.

    For CLIP it is 0, as in the authors' code: transformers pads CLIP's captions with the end token, which would end the
    caption at its first token.
    """
    if isinstance(model.clip, TransformersEncoder) and model.clip.is_causal:
        return 0
    return int(getattr(getattr(model.tokenizer, "tokenizer", None), "pad_token_id", None) or 0)


def _path(block: nn.Module, encode: Callable[[int], Tensor], reference: Callable[[], Tensor]) -> Path:
    """Return the path from the input of ``block`` in ``reference()`` to its input in ``encode(1)``."""
    with torch.inference_mode(False), torch.enable_grad():  # with gradients, the last block computes all positions
        with _input_of(block) as inputs:
            dimensions = encode(1).shape[1]
        with _input_of(block) as reference_inputs:
            reference()
    if not inputs or not reference_inputs or inputs[0].shape != reference_inputs[0].shape:
        raise ModelError(
            "exCLIP needs a sequence of the same length in every block, for the reference and for the pair, which this "
            "encoder does not have. Use a plain vision transformer with masking='zero', or method='banzhaf'."
        )
    start, end = reference_inputs[0][0].detach().clone(), inputs[0][0].detach().clone()

    def encode_from(points: Tensor) -> Tensor:
        with _input_of(block, points):
            return encode(len(points))

    return Path(encode_from, start, end - start, dimensions)


@contextmanager
def _input_of(block: nn.Module, instead: Tensor | None = None) -> Generator[list[Tensor]]:
    """Record the (batch, length, width) inputs of ``block``, and replace them by ``instead`` unless it is None."""
    entered: list[Tensor] = []
    thread = threading.get_ident()  # other threads may run the same model concurrently
    batch_first = getattr(getattr(block, "attn", None), "batch_first", True)

    def enter(_: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
        if threading.get_ident() != thread or not args:
            return None
        sequence: Tensor = args[0]
        entered.append(sequence if batch_first else sequence.transpose(0, 1))
        if instead is None:
            return None
        return (instead if batch_first else instead.transpose(0, 1), *args[1:])

    handle = block.register_forward_pre_hook(enter)
    try:
        yield entered
    finally:
        handle.remove()


def _block(encoder: nn.Module, layer: int) -> nn.Module:
    """Return block ``layer`` of the encoder's stack: its longest list of modules of one class with attention.

    Raises:
        ModelError: The encoder has no such list.
        InputError: ``layer`` is out of range.
    """
    lists = [[*part.children()] for part in encoder.modules() if isinstance(part, (nn.ModuleList, nn.Sequential))]
    stacks = [blocks for blocks in lists if len({type(block) for block in blocks}) == 1 and _attends(blocks[0])]
    if not stacks:
        raise ModelError(
            f"exCLIP needs a stack of transformer blocks, which the encoder {type(encoder).__name__} does not have. "
            "Use a vision transformer, or method='banzhaf'."
        )
    blocks = max(stacks, key=len)
    if not -len(blocks) <= layer < len(blocks):
        raise InputError(f"layer is {layer}; the encoder has blocks 0 to {len(blocks) - 1} (-1 is the last).")
    return blocks[layer]


def _attends(block: nn.Module) -> bool:
    """Return whether a child of ``block`` has an attention name, as in open_clip, timm and transformers."""
    return any("att" in name for name, _ in block.named_children())
