"""The demo model: its sizes, a fast forward pass for training, and its export to open_clip's format.

During training, the token embedding contains only the tokens of captions (a few hundred rows instead of 49,408). The
export moves each row to its token id in open_clip's tokenizer and leaves the other rows zero, which compress well.
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any, cast

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional

from fixlip_widgets.demo.captions import NUMBERS, PREFIXES, RELATIONS
from fixlip_widgets.demo.concepts import BACKGROUNDS, CONCEPTS, article, plural
from fixlip_widgets.demo.drawing import CELLS, GRID
from fixlip_widgets.support.files import replacing
from fixlip_widgets.support.open_clip import open_clip

VOCABULARY = 49408

Config = dict[str, Any]

SIZES: dict[str, Config] = {
    "demo": {
        "embed_dim": 128,
        "vision_cfg": {"image_size": 128, "patch_size": 16, "layers": 5, "width": 160, "head_width": 32},
        "text_cfg": {"context_length": 32, "vocab_size": VOCABULARY, "width": 128, "heads": 4, "layers": 3},
    },
    "tiny": {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "patch_size": 4, "layers": 2, "width": 64, "head_width": 16},
        "text_cfg": {"context_length": 32, "vocab_size": VOCABULARY, "width": 32, "heads": 2, "layers": 1},
    },
}


@cache
def _tokenizer() -> open_clip.SimpleTokenizer:
    return open_clip.SimpleTokenizer(context_length=32)


def tokenize(texts: list[str]) -> Tensor:
    """Return the (n, 32) int64 token ids of open_clip's tokenizer."""
    return _tokenizer()(texts)


@cache
def vocabulary() -> tuple[int, ...]:
    """Return the token ids of captions in ascending order, with padding first and the end token last."""
    words = [*RELATIONS, *NUMBERS.values(), *PREFIXES, "and , on a an background"]
    words += [f"{article(name)} {name} {plural(name)} {name}," for name in CONCEPTS]
    words += [*BACKGROUNDS, *(f"{plural(name)}," for name in CONCEPTS)]
    return tuple(sorted(set(tokenize(words).flatten().tolist()) | {0}))


def compact(ids: Tensor) -> Tensor:
    """Map token ids to rows of the compact vocabulary, truncated after the longest caption."""
    longest = int(ids.argmax(dim=1).max()) + 1
    return torch.searchsorted(torch.tensor(vocabulary()), ids[:, :longest].contiguous())


def build(size: str) -> open_clip.CLIP:
    """Build a model of the named size with the compact vocabulary and random weights."""
    config = SIZES[size]
    text: Any = {**config["text_cfg"], "vocab_size": len(vocabulary())}
    model = open_clip.CLIP(embed_dim=config["embed_dim"], vision_cfg=config["vision_cfg"], text_cfg=text)
    _separate_cells(model)
    return model


@torch.no_grad()
def _separate_cells(model: open_clip.CLIP, strength: float = 8.0, preference: float = 2.5) -> None:
    """Initialise the image encoder so that it distinguishes the four cells of a scene.

    Patch contents are many times larger than open_clip's initial position embeddings. A short training run that must
    learn both position and binding stays on a plateau at which the model recognises objects but not their places.
    Therefore the position embeddings of each cell share one random direction of length `strength`. In each of the last
    two blocks, one head per cell prefers its cell: the attention logit there is about `preference` higher.
    """
    visual = cast(Any, model.visual)
    width = visual.positional_embedding.shape[1]
    codes = torch.randn(CELLS**2, width)
    codes = functional.normalize(codes - codes.mean(dim=0), dim=1)
    patch = torch.arange(GRID**2)
    side = GRID // CELLS
    visual.positional_embedding[1:] += strength * codes[(patch // GRID // side) * CELLS + patch % GRID // side]
    for block in visual.transformer.resblocks[-2:]:
        head = width // int(block.attn.num_heads)
        scale = math.sqrt(preference * math.sqrt(head))
        for cell in range(CELLS**2):
            match = functional.normalize(torch.randn(head), dim=0)
            rows = slice(cell * head, (cell + 1) * head)
            block.attn.in_proj_bias[rows] += scale * match
            # The cell's code makes up about two thirds of a normalised state (length sqrt(width)).
            reading = codes[cell] / (0.67 * math.sqrt(width))
            block.attn.in_proj_weight[width:][rows] += scale * match[:, None] * reading


def _block(block: nn.Module, x: Tensor, visible: Tensor | None = None) -> Tensor:
    module = cast(Any, block)
    n, length, width = x.shape
    heads = int(module.attn.num_heads)
    joint = functional.linear(module.ln_1(x), module.attn.in_proj_weight, module.attn.in_proj_bias)
    q, k, v = joint.view(n, length, 3, heads, width // heads).permute(2, 0, 3, 1, 4).unbind(0)
    mixed = (
        functional.scaled_dot_product_attention(q, k, v, attn_mask=visible).transpose(1, 2).reshape(n, length, width)
    )
    x = x + module.attn.out_proj(mixed)
    return x + module.mlp(module.ln_2(x))


def vision_states(model: open_clip.CLIP, pixels: Tensor) -> Tensor:
    """Return the (n, 1 + 64, width) final states of class token and patches, about twice as fast as open_clip.

    Args:
        model: an `open_clip.CLIP` with a plain ViT.
        pixels: (n, 3, side, side) normalised pixels.
    """
    visual = cast(Any, model.visual)
    n, side = pixels.shape[0], pixels.shape[-1] // GRID
    patches = pixels.view(n, 3, GRID, side, GRID, side).permute(0, 2, 4, 1, 3, 5).reshape(n, GRID**2, 3 * side**2)
    x = functional.linear(patches, visual.conv1.weight.flatten(1))
    x = torch.cat([visual.class_embedding.expand(n, 1, -1), x], dim=1) + visual.positional_embedding
    x = visual.ln_pre(x)
    for block in visual.transformer.resblocks:
        x = _block(block, x)
    return visual.ln_post(x)


def embed_images(model: open_clip.CLIP, states: Tensor) -> Tensor:
    """Return (n, d) unit image embeddings from `vision_states`."""
    return functional.normalize(states[:, 0] @ cast(Any, model.visual).proj, dim=-1)


def embed_texts(model: open_clip.CLIP, ids: Tensor, kept: Tensor | None = None) -> Tensor:
    """Return (n, d) unit text embeddings of compact token ids (n, length), padded after the end token.

    Tokens that are False in `kept` (n, length) are hidden from attention in every layer, as in an explanation.
    """
    module = cast(Any, model)
    length = ids.shape[1]
    visible = torch.ones(length, length, dtype=torch.bool).tril()
    if kept is not None:
        # A hidden token still sees itself; nothing sees it.
        visible = (visible & kept[:, None, None, :]) | torch.eye(length, dtype=torch.bool)
    x = module.token_embedding(ids) + module.positional_embedding[:length]
    for block in module.transformer.resblocks:
        x = _block(block, x, visible)
    end = x[torch.arange(len(ids)), ids.argmax(dim=1)]
    return functional.normalize(module.ln_final(end) @ module.text_projection, dim=-1)


def normalise(pixels: Tensor, kept: Tensor | None = None) -> Tensor:
    """Normalise uint8 scenes (n, side, side, 3) to model inputs (n, 3, side, side).

    Patches that are False in `kept` (n, 64) become zero after normalisation, as in an explanation.
    """
    scaled = pixels.permute(0, 3, 1, 2).float().div_(255.0)
    normalised = open_clip.transform.Normalize(open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)(scaled)
    if kept is None:
        return normalised
    side = normalised.shape[-1] // GRID
    mask = kept.view(-1, 1, GRID, GRID).float()
    return normalised * mask.repeat_interleave(side, dim=2).repeat_interleave(side, dim=3)


def export(state: dict[str, Tensor], size: str, folder: Path) -> None:
    """Write `open_clip_config.json` and `open_clip.safetensors` (float16), which open_clip can load.

    Args:
        state: state dict of a model from `build`.
        size: the model's size.
        folder: output folder; created if missing.
    """
    full = {name: tensor.detach().clone() for name, tensor in state.items()}
    rows = full["token_embedding.weight"]
    table = torch.zeros(VOCABULARY, rows.shape[1])
    table[torch.tensor(vocabulary())] = rows
    full["token_embedding.weight"] = table
    halves = {name: (tensor.half() if tensor.dim() else tensor.float()).contiguous() for name, tensor in full.items()}
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(folder / "open_clip.safetensors") as stream:
        stream.write(safetensors.torch.save(halves))
    (folder / "open_clip_config.json").write_text(json.dumps(SIZES[size], indent=1) + "\n")
