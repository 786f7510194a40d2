"""Captions in: from text or token ids to the positions that are players and a readable name for each."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from fixlip_widgets._open_clip import open_clip
from fixlip_widgets.errors import InputError


class Caption(NamedTuple):
    """A tokenized caption.

    Attributes:
        text: The caption to show.
        ids: (context_length,) token ids of the whole context, start, end and padding included.
        players: (n,) positions of the tokens that masks switch: never start, end or padding.
        tokens: Their n names.
    """

    text: str
    ids: Tensor
    players: Tensor
    tokens: tuple[str, ...]


def tokenize(tokenizer: Any, text: str | Tensor) -> Caption:
    """Tokenize a caption, or take token ids as they are.

    Raises:
        InputError: The caption is empty or longer than the model can read; nothing is cut silently.
    """
    if isinstance(text, Tensor):
        return _from_ids(tokenizer, text)
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"The caption is a {type(text).__name__}; pass a string or a 1-D tensor of token ids.")
    text = " ".join(text.split())
    if not text:
        raise InputError("The caption is empty; write at least one word.")
    simple = isinstance(tokenizer, open_clip.SimpleTokenizer)
    length = len(tokenizer.encode(text)) if simple else len(_huggingface_ids(tokenizer, text))
    limit = int(tokenizer.context_length) - (2 if simple else _special_count(tokenizer))
    if length == 0:
        raise InputError(f"The caption {text!r} has no token that this model knows; write at least one word.")
    if length > limit:
        raise InputError(f"The caption has {length} tokens; this model reads at most {limit}. Shorten it.")
    ids: Tensor = tokenizer(text)[0]
    start = 1 if simple else _prefix_length(tokenizer)
    return _caption(tokenizer, text, ids, torch.arange(start, start + length))


def _from_ids(tokenizer: Any, ids: Tensor) -> Caption:
    context = int(tokenizer.context_length)
    if ids.ndim != 1 or ids.is_floating_point() or ids.dtype == torch.bool or not 3 <= len(ids) <= context:
        raise InputError(
            f"The token ids have shape {tuple(ids.shape)} and type {ids.dtype}; expected 1-D integers, start and end "
            f"tokens included, 3 to {context} of them."
        )
    ids = ids.long().cpu()
    if int(ids.min()) < 0 or int(ids.max()) >= tokenizer.vocab_size:
        raise InputError(
            f"The token ids range from {int(ids.min())} to {int(ids.max())}; this model has {tokenizer.vocab_size}."
        )
    if isinstance(tokenizer, open_clip.SimpleTokenizer):
        ends = (ids == tokenizer.eot_token_id).nonzero()
        if int(ids[0]) != tokenizer.sot_token_id or len(ends) == 0 or int(ends[0]) < 2:
            raise InputError(
                f"The token ids must begin with {tokenizer.sot_token_id} (start), hold at least one token, "
                f"and end with {tokenizer.eot_token_id} (end)."
            )
        players = torch.arange(1, int(ends[0]))
        text = tokenizer.decode(ids[players].tolist())
        padding = 0
    else:
        special = torch.tensor(tokenizer.tokenizer.all_special_ids)
        players = torch.arange(len(ids))[~torch.isin(ids, special)]
        text = tokenizer.tokenizer.decode(ids[players].tolist())
        padding = tokenizer.tokenizer.pad_token_id or 0
    whole = torch.full((context,), padding)
    whole[: len(ids)] = ids
    return _caption(tokenizer, text.strip(), whole, players)


def _caption(tokenizer: Any, text: str, ids: Tensor, players: Tensor) -> Caption:
    return Caption(text, ids, players, tuple(token_name(tokenizer, int(ids[i])) for i in players))


def token_name(tokenizer: Any, token: int) -> str:
    """The token as a person reads it; bytes that are no whole character are shown in hexadecimal, like ``<f0 9f>``."""
    if not isinstance(tokenizer, open_clip.SimpleTokenizer):
        return str(tokenizer.tokenizer.convert_ids_to_tokens(token)).removeprefix("##").strip("▁Ġ ") or "␣"
    symbols: str = tokenizer.decoder[token].removesuffix("</w>")
    raw = bytes(tokenizer.byte_decoder[symbol] for symbol in symbols)
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return f"<{raw.hex(' ')}>"


def _huggingface_ids(tokenizer: Any, text: str) -> list[int]:
    return tokenizer.tokenizer(tokenizer.clean_fn(text), add_special_tokens=False).input_ids


def _special_count(tokenizer: Any) -> int:
    return int(tokenizer.tokenizer.num_special_tokens_to_add())


def _prefix_length(tokenizer: Any) -> int:
    """Special tokens that the tokenizer puts before a caption."""
    mask: list[int] = tokenizer.tokenizer("a", return_special_tokens_mask=True).special_tokens_mask
    return mask.index(0)
