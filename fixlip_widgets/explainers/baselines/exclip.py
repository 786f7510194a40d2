"""exCLIP: cross-modal interactions by integrating both towers' Jacobians from a reference to the pair."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fixlip_widgets.encoders.batches import home
from fixlip_widgets.encoders.models import Model
from fixlip_widgets.encoders.towers.text import text_tower
from fixlip_widgets.encoders.towers.transformers_model import TransformersEncoder
from fixlip_widgets.errors import InputError, ModelError
from fixlip_widgets.explainers.baselines.positions import positions_of
from fixlip_widgets.explainers.game import VisionLanguageGame
from fixlip_widgets.explanation.explanation import Explanation

_ANY_LENGTH = 2**20
_NEGLIGIBLE = 1e-9
"""Singular values below this share of the largest are rounding."""


def exclip(game: VisionLanguageGame, steps: int = 10, chunk: int = 10, layer: int = -1) -> Explanation:
    """exCLIP: the interaction of every token with every patch, from second-order path integrals.

    With towers g (image a) and h (text b), unit-norm outputs, references r and straight paths x(α) = r + α (x − r),
    the similarity's second difference is a double path integral, which falls apart into one integral a tower::

        s·⟨g(a) − g(r_a), h(b) − h(r_b)⟩ = s·(a − r_a)ᵀ J_aᵀ J_b (b − r_b),   J = ∫₀¹ ∂(tower)/∂x (x(α)) dα

    The summand of patch i and token j is their interaction. a and b are the sequences that enter block ``layer`` of
    each tower. The image reference is the picture with every patch removed; the text reference has the padding token in
    every player's place. The integral is taken by the midpoint rule, whose error falls with ``1/steps²``.

    Of the image's Jacobian only its products with the n_text integrated token directions are needed: n_text backward
    passes per chunk instead of one for each of the d output dimensions, and memory for one chunk's pass alone.

    Args:
        game: The pair to explain.
        steps: Points of the path, in each tower.
        chunk: Points in one pass; fewer take less memory.
        layer: The block whose input is explained, as an index: 0 is the first, -1 the last, the authors' default.

    Returns:
        An explanation of order 2 with ``method="exclip"``: cross-modal interactions in logits; main effects and
        interactions within a modality are 0, because the method has none. ``baseline`` is the empty pair's logit. What
        class, start, end and padding positions take of the second difference belongs to no player; at ``layer=0`` the
        image has none of it.

    Raises:
        InputError: ``steps``, ``chunk`` or ``layer`` is out of range.
        ModelError: A tower is no stack of blocks over patches or tokens.

    Source: Moeller, Tilli, Vu & Padó, "Explaining Caption-Image Interactions in CLIP Models with Second-Order
    Attributions", TMLR 2025, section 3. They divide by the norms of the pair's embeddings after integrating; here
    the towers' normalisation is part of what is integrated, so that it explains the game that every method explains.
    """
    for name, value in (("steps", steps), ("chunk", chunk)):
        if value < 1:
            raise InputError(f"{name} is {value}; it counts points of the path, at least 1.")
    positions_of(game, "image", _ANY_LENGTH)  # refuses an encoder without patches
    image, text = integrated(game, steps, chunk, layer)
    cross = game.scale * text[:, :-1].T @ positions_of(game, "image", image.shape[1]).gather(image)
    n = game.n_players
    interactions = np.zeros((n, n))
    interactions[game.n_image :, : game.n_image] = cross.cpu().numpy()
    return Explanation(
        baseline=game.empty_similarity,
        main=np.zeros(n),
        interactions=interactions + interactions.T,
        **game.described(),
        model=game.model.describe(),
        similarity=game.similarity,
        empty_similarity=game.empty_similarity,
        method="exclip",
        scope="cross",
        budget=steps * steps,
        image_encodes=steps + 2,
        text_encodes=steps + 2,
    )


def integrated(game: VisionLanguageGame, steps: int, chunk: int, layer: int) -> tuple[Tensor, Tensor]:
    """U (d, length of the image's sequence) and W (d, n_text + 1), float64: the factors of the interactions.

    Column j of W is ``J_b (b − r_b)`` restricted to the position of token j; its last column is all other positions'.
    Column i of U is the same of the image, projected to the span of W, which is all that ``WᵀU`` asks for.
    """
    text = _text_path(game, layer)
    every = text.contracted(torch.eye(text.dimensions, device=game.model.device), steps, chunk)
    words = positions_of(game, "text", every.shape[1]).gather(every)
    w = torch.cat([words, (every.sum(dim=1) - words.sum(dim=1))[:, None]], dim=1)
    span = torch.linalg.svd(w, full_matrices=False)
    basis = span.U[:, (span.S / span.S[0]) > _NEGLIGIBLE]
    return basis @ _image_path(game, layer).contracted(basis.T, steps, chunk), w


@dataclass(frozen=True)
class Path:
    """A tower from one block on, and the straight path that its input takes.

    Attributes:
        encode: ``k`` inputs of the block, (k, length, width), to (k, d) unit-norm embeddings.
        reference, change: (length, width) where the path begins, and the way from there to its end.
        dimensions: d.
    """

    encode: Callable[[Tensor], Tensor]
    reference: Tensor
    change: Tensor
    dimensions: int

    def contracted(self, directions: Tensor, steps: int, chunk: int) -> Tensor:
        """(k, length) float64 ``∫ dᵀ ∂encode/∂x_i (x_i − r_i) dα`` of k directions d, (k, d), at every position i."""
        found = torch.zeros(len(directions), len(self.change), dtype=torch.float64, device=home(self.change.device))
        along = (torch.arange(steps, device=self.change.device) + 0.5) / steps
        with torch.inference_mode(False), torch.enable_grad():
            for some in along.split(chunk):
                points = self.reference + some.to(self.change.dtype)[:, None, None] * self.change
                points.requires_grad_()
                embeddings = self.encode(points)
                for row, direction in enumerate(directions):
                    along_it = (embeddings @ direction.to(embeddings)).sum()
                    (gradient,) = torch.autograd.grad(along_it, points, retain_graph=True)
                    found[row] += (gradient * self.change).sum(dim=(0, 2)).to(found.device).double()
        return found / steps


# -- the paths of a game ---------------------------------------------------------------------------------------------


def _image_path(game: VisionLanguageGame, layer: int) -> Path:
    """From the picture with every patch removed."""
    encode, n, device, clip = game.encoder("image"), game.n_image, game.model.device, game.model.clip
    encoder = clip.model.vision_model if isinstance(clip, TransformersEncoder) else clip.visual
    everything, nothing = (torch.full((1, n), kept, dtype=torch.bool, device=device) for kept in (True, False))
    return _path(_block(encoder, layer), lambda count: encode(everything.expand(count, -1)), lambda: encode(nothing))


def _text_path(game: VisionLanguageGame, layer: int) -> Path:
    """From the caption with the padding token in the place of every player's tokens."""
    encode, device, clip = game.encoder("text"), game.model.device, game.model.clip
    text: Any = clip.model.text_model if isinstance(clip, TransformersEncoder) else getattr(clip, "text", clip)
    ids, players, owners = game.text_inputs
    silent = ids.clone()
    silent[players] = _padding(game.model)
    reference = text_tower(clip, silent, players, owners)
    everything = torch.ones(1, game.n_text, dtype=torch.bool, device=device)
    block = _block(getattr(text, "transformer", text), layer)
    return _path(block, lambda count: encode(everything.expand(count, -1)), lambda: reference.encode(everything))


def _padding(model: Model) -> int:
    """The id of the token that says nothing.

    CLIP's is 0, as in the authors' code: transformers pads CLIP's captions with the end token, and a caption full of
    those would end at its beginning.
    """
    if isinstance(model.clip, TransformersEncoder) and model.clip.is_causal:
        return 0
    return int(getattr(getattr(model.tokenizer, "tokenizer", None), "pad_token_id", None) or 0)


def _path(block: nn.Module, encode: Callable[[int], Tensor], reference: Callable[[], Tensor]) -> Path:
    """From the input that ``block`` has during ``reference()`` to the one that it has during ``encode(1)``."""
    with torch.inference_mode(False), torch.enable_grad():  # as below: the last block runs whole then
        with _input_of(block) as seen:
            dimensions = encode(1).shape[1]
        with _input_of(block) as before:
            reference()
    if not seen or not before or seen[0].shape != before[0].shape:
        raise ModelError(
            "exCLIP follows a sequence that keeps its length from block to block and from the reference to the pair; "
            "this encoder's does not. Use a plain vision transformer with masking='zero', or method='banzhaf'."
        )
    start, end = before[0][0].detach().clone(), seen[0][0].detach().clone()

    def encode_from(points: Tensor) -> Tensor:
        with _input_of(block, points):
            return encode(len(points))

    return Path(encode_from, start, end - start, dimensions)


@contextmanager
def _input_of(block: nn.Module, instead: Tensor | None = None) -> Generator[list[Tensor]]:
    """Note the sequences that enter ``block``, (batch, length, width), and let ``instead`` enter in their place."""
    entered: list[Tensor] = []
    thread = threading.get_ident()  # others may run the same model meanwhile, on inputs of their own
    batch_first = getattr(getattr(block, "attn", None), "batch_first", True)

    def enter(_: nn.Module, given: tuple[Any, ...]) -> tuple[Any, ...] | None:
        if threading.get_ident() != thread or not given:
            return None
        sequence: Tensor = given[0]
        entered.append(sequence if batch_first else sequence.transpose(0, 1))
        if instead is None:
            return None
        return (instead if batch_first else instead.transpose(0, 1), *given[1:])

    handle = block.register_forward_pre_hook(enter)
    try:
        yield entered
    finally:
        handle.remove()


def _block(encoder: nn.Module, layer: int) -> nn.Module:
    """The block of that index in an encoder's stack: its longest list of modules of one kind that each attend.

    Raises:
        ModelError: There is no such list.
        InputError: There is no block of that index.
    """
    lists = [[*part.children()] for part in encoder.modules() if isinstance(part, (nn.ModuleList, nn.Sequential))]
    stacks = [blocks for blocks in lists if len({type(block) for block in blocks}) == 1 and _attends(blocks[0])]
    if not stacks:
        raise ModelError(
            f"The encoder {type(encoder).__name__} is no stack of transformer blocks, which exCLIP needs. "
            "Use a vision transformer, or explain with method='banzhaf'."
        )
    blocks = max(stacks, key=len)
    if not -len(blocks) <= layer < len(blocks):
        raise InputError(f"layer is {layer}; the encoder has blocks 0 to {len(blocks) - 1} (-1 is the last).")
    return blocks[layer]


def _attends(block: nn.Module) -> bool:
    """Whether a part of the block is named for attention, as in open_clip, timm and transformers."""
    return any("att" in name for name, _ in block.named_children())
