"""Captions in: from text or token ids to the positions that are players and a readable name for each."""

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
        text: The caption to show.
        ids: (context_length,) token ids of the whole context, start, end and padding included.
        players: (k,) positions of the tokens that masks switch: never start, end or padding.
        owners: (k,) the player that each of them belongs to: its own number, or its word's.
        tokens: The names of the n players, tokens or whole words.
    """

    text: str
    ids: Tensor
    players: Tensor
    owners: Tensor
    tokens: tuple[str, ...]


def tokenize(tokenizer: Any, text: str | Tensor, *, words: bool = False) -> Caption:
    """Tokenize a caption, or take token ids as they are.

    Args:
        tokenizer: open_clip's, or one with its interface.
        text: The caption, or (length,) token ids.
        words: Whether a word's tokens are one player together; words stand between spaces.

    Raises:
        InputError: The caption is empty or longer than the model can read; nothing is cut silently.
    """
    if isinstance(text, Tensor):
        caption = _from_ids(tokenizer, text)
        return whole_words(tokenizer, caption) if words else caption
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise InputError(f"The caption is a {type(text).__name__}; pass a string or a 1-D tensor of token ids.")
    text = " ".join(text.split())
    if not text:
        raise InputError("The caption is empty; write at least one word.")
    if any("\ud800" <= character <= "\udfff" for character in text):
        raise InputError(f"The caption {text!a} holds half of a character; write it again.")
    simple = isinstance(tokenizer, open_clip.SimpleTokenizer)
    length = len(tokenizer.encode(text)) if simple else len(_huggingface_ids(tokenizer, text))
    limit = int(tokenizer.context_length) - (2 if simple else _special_count(tokenizer))
    if length == 0:
        raise InputError(f"The caption {text!r} has no token that this model knows; write at least one word.")
    if length > limit:
        raise InputError(f"The caption has {length} tokens; this model reads at most {limit}. Shorten it.")
    ids: Tensor = tokenizer(text)[0]
    start = 1 if simple else _start(tokenizer, length)
    caption = _caption(tokenizer, text, ids, torch.arange(start, start + length))
    return whole_words(tokenizer, caption) if words else caption


def _from_ids(tokenizer: Any, ids: Tensor) -> Caption:
    context = int(tokenizer.context_length)
    if ids.ndim != 1 or ids.is_floating_point() or ids.dtype == torch.bool or not 3 <= len(ids) <= context:
        raise InputError(
            f"The token ids have shape {tuple(ids.shape)} and type {ids.dtype}; expected 1-D integers, start and end "
            f"tokens included, 3 to {context} of them."
        )
    ids = ids.long().cpu()
    vocabulary = tokenizer.vocab_size if hasattr(tokenizer, "vocab_size") else len(tokenizer.tokenizer)
    if int(ids.min()) < 0 or int(ids.max()) >= vocabulary:
        raise InputError(f"The token ids range from {int(ids.min())} to {int(ids.max())}; this model has {vocabulary}.")
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
        inner = tokenizer.tokenizer
        special = set(inner.all_special_ids)
        if inner.unk_token_id not in (inner.bos_token_id, inner.eos_token_id, inner.pad_token_id):
            special.discard(inner.unk_token_id)  # it stands for something in the caption
        players = torch.arange(len(ids))[~torch.isin(ids, torch.tensor(sorted(special)))]
        if len(players) == 0:
            raise InputError("The token ids are start, end and padding alone; a caption's tokens are the players.")
        text = tokenizer.tokenizer.decode(ids[players].tolist())
        padding = tokenizer.tokenizer.pad_token_id or 0
    whole = torch.full((context,), padding)
    whole[: len(ids)] = ids
    return _caption(tokenizer, text.strip(), whole, players)


def _caption(tokenizer: Any, text: str, ids: Tensor, players: Tensor) -> Caption:
    names = tuple(token_name(tokenizer, int(ids[i])) for i in players)
    return Caption(text, ids, players, torch.arange(len(players)), names)


def whole_words(tokenizer: Any, caption: Caption) -> Caption:
    """The same caption with whole words as players."""
    tokens: list[int] = caption.ids[caption.players].tolist()
    words = words_of(tokenizer, caption.text, tokens)
    names = (
        join_names(tokenizer, [token for token, its in zip(tokens, words, strict=True) if its == word])
        for word in range(words[-1] + 1)
    )
    return caption._replace(owners=torch.tensor(words), tokens=tuple(names))


def _huggingface_ids(tokenizer: Any, text: str) -> list[int]:
    return tokenizer.tokenizer(tokenizer.clean_fn(text), add_special_tokens=False).input_ids


def _special_count(tokenizer: Any) -> int:
    """Tokens of the context that are never a caption's: one more where a class token stands at its end."""
    if getattr(tokenizer, "tokenizer_mode", "") == "clips":
        return 3
    return int(tokenizer.tokenizer.num_special_tokens_to_add())


def _start(tokenizer: Any, length: int) -> int:
    """Where the context's first token of a caption of that length is: behind a start token, and padding on the left."""
    mask: list[int] = tokenizer.tokenizer("a", return_special_tokens_mask=True).special_tokens_mask
    padded = int(tokenizer.context_length) - length - int(tokenizer.tokenizer.num_special_tokens_to_add())
    return mask.index(0) + (padded if tokenizer.tokenizer.padding_side == "left" else 0)
