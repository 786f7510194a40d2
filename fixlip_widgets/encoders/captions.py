"""Tokenize captions, and determine which tokens are players and their names."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from fixlip_widgets.encoders.tokens import join_names, token_name, words_of
from fixlip_widgets.errors import InputError
from fixlip_widgets.support.open_clip import open_clip


class Caption(NamedTuple):
    """A tokenized caption.

    Attributes:
        text: The caption as displayed.
        ids: (context_length,) token ids of the whole context, including start, end and padding.
        players: (k,) positions of the tokens that masks keep or remove: never start, end or padding.
        owners: (k,) index of the player that each of these tokens belongs to: the token itself, or its word.
        tokens: Names of the n players, which are tokens or whole words.
    """

    text: str
    ids: Tensor
    players: Tensor
    owners: Tensor
    tokens: tuple[str, ...]


def tokenize(tokenizer: Any, text: str | Tensor, *, words: bool = False) -> Caption:
    """Tokenize a caption, or accept its token ids.

    Args:
        tokenizer: open_clip's tokenizer, or one with its interface.
        text: The caption, or (length,) token ids.
        words: Whether the tokens of a word form one player; words are separated by white space.

    Raises:
        InputError: The caption is empty or longer than the model can read; captions are never truncated.
    """
    if isinstance(text, Tensor):
        caption = _from_ids(tokenizer, text)
        return whole_words(tokenizer, caption) if words else caption
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"The caption is a {type(text).__name__}; pass a string or a 1-D tensor of token ids.")
    if not text.strip():
        raise InputError("The caption is empty; write at least one word.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError(f"The caption {text!a} contains half of a character; enter it again.")
    simple = isinstance(tokenizer, open_clip.SimpleTokenizer)
    length = len(tokenizer.encode(text)) if simple else len(_huggingface_ids(tokenizer, text))
    limit = int(tokenizer.context_length) - (2 if simple else _special_count(tokenizer))
    if length == 0:
        raise InputError(f"The caption {text!r} has no token in this model's vocabulary; write at least one word.")
    if length > limit:
        raise InputError(f"The caption has {length} tokens; this model reads at most {limit}. Shorten it.")
    ids: Tensor = tokenizer(text)[0]
    single_spaced = " ".join(text.split())
    if text != single_spaced and torch.equal(tokenizer(single_spaced)[0], ids):
        text = single_spaced  # the model does not read other white space
    start = 1 if simple else _start(tokenizer, length)
    caption = _caption(tokenizer, text, ids, torch.arange(start, start + length))
    return whole_words(tokenizer, caption) if words else caption


def _from_ids(tokenizer: Any, ids: Tensor) -> Caption:
    context = int(tokenizer.context_length)
    if ids.ndim != 1 or ids.is_floating_point() or ids.dtype == torch.bool or not 3 <= len(ids) <= context:
        raise InputError(
            f"The token ids have shape {tuple(ids.shape)} and type {ids.dtype}; expected a 1-D tensor of 3 to "
            f"{context} integers, including the start and end tokens."
        )
    ids = ids.long().cpu()
    vocabulary = tokenizer.vocab_size if hasattr(tokenizer, "vocab_size") else len(tokenizer.tokenizer)
    if int(ids.min()) < 0 or int(ids.max()) >= vocabulary:
        raise InputError(
            f"The token ids range from {int(ids.min())} to {int(ids.max())}; this model's range from 0 to "
            f"{vocabulary - 1}."
        )
    if isinstance(tokenizer, open_clip.SimpleTokenizer):
        ends = (ids == tokenizer.eot_token_id).nonzero()
        if int(ids[0]) != tokenizer.sot_token_id or len(ends) == 0 or int(ends[0]) < 2:
            raise InputError(
                f"The token ids must begin with {tokenizer.sot_token_id} (start), contain at least one token, "
                f"and end with {tokenizer.eot_token_id} (end)."
            )
        players = torch.arange(1, int(ends[0]))
        text = tokenizer.decode(ids[players].tolist())
        padding = 0
    else:
        inner = tokenizer.tokenizer
        special = set(inner.all_special_ids)
        if inner.unk_token_id not in (inner.bos_token_id, inner.eos_token_id, inner.pad_token_id):
            special.discard(inner.unk_token_id)  # it represents a part of the caption
        players = torch.arange(len(ids))[~torch.isin(ids, torch.tensor(sorted(special)))]
        if len(players) == 0:
            raise InputError("The token ids are only start, end and padding; at least one other token is needed.")
        text = tokenizer.tokenizer.decode(ids[players].tolist())
        padding = tokenizer.tokenizer.pad_token_id or 0
    whole = torch.full((context,), padding)
    whole[: len(ids)] = ids
    return _caption(tokenizer, text.strip(), whole, players)


def _caption(tokenizer: Any, text: str, ids: Tensor, players: Tensor) -> Caption:
    names = tuple(token_name(tokenizer, int(ids[i])) for i in players)
    return Caption(text, ids, players, torch.arange(len(players)), names)


def whole_words(tokenizer: Any, caption: Caption) -> Caption:
    """Return the caption with whole words as players."""
    tokens: list[int] = caption.ids[caption.players].tolist()
    words = words_of(tokenizer, caption.text, tokens)
    names = (
        join_names(tokenizer, [token for token, owner in zip(tokens, words, strict=True) if owner == word])
        for word in range(words[-1] + 1)
    )
    return caption._replace(owners=torch.tensor(words), tokens=tuple(names))


def _huggingface_ids(tokenizer: Any, text: str) -> list[int]:
    return tokenizer.tokenizer(tokenizer.clean_fn(text), add_special_tokens=False).input_ids


def _special_count(tokenizer: Any) -> int:
    """Return the number of special tokens in the context; mode "clips" adds a class token at the end."""
    if getattr(tokenizer, "tokenizer_mode", "") == "clips":
        return 3
    return int(tokenizer.tokenizer.num_special_tokens_to_add())


def _start(tokenizer: Any, length: int) -> int:
    """Return the position of a caption's first token in the context, after any start token and left padding."""
    mask: list[int] = tokenizer.tokenizer("a", return_special_tokens_mask=True).special_tokens_mask
    padding = int(tokenizer.context_length) - length - int(tokenizer.tokenizer.num_special_tokens_to_add())
    return mask.index(0) + (padding if tokenizer.tokenizer.padding_side == "left" else 0)
