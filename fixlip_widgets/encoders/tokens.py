"""Tokens as a person reads them, and the words that they are parts of."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from fixlip_widgets.support.open_clip import open_clip

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
"""How sentencepiece writes a byte of a character that it does not know."""
_TURNS = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that turn the direction of writing, also that of what stands beside them."""
_SPACE = "▁Ġ"
"""The marks that stand for a space before a token, in sentencepiece and in byte-level tokenizers."""


def token_name(tokenizer: Any, token: int) -> str:
    """The token as a person reads it.

    Bytes that are no whole character are shown in hexadecimal, like ``<f0 9f>``; characters that cannot be seen, as the
    joiner inside an emoji, and those that turn the direction of writing by their numbers, like ``<U+200D>``.
    """
    return _readable(token_bytes(tokenizer, token))


def _readable(raw: bytes) -> str:
    try:
        name = raw.decode().strip()
    except UnicodeDecodeError:
        return f"<{raw.strip().hex(' ')}>"
    if name and not any(character.isprintable() for character in name):
        return "".join(_numbered(character) for character in name)
    return _TURNS.sub(lambda turn: _numbered(turn[0]), name) or "␣"


def _numbered(character: str) -> str:
    return f"<U+{ord(character):04X}>"


def token_bytes(tokenizer: Any, token: int) -> bytes:
    """What the token stands for in UTF-8; a space that it begins with is part of it, marks of the tokenizer are not."""
    if isinstance(tokenizer, open_clip.SimpleTokenizer):
        symbols: str = tokenizer.decoder[token].removesuffix("</w>")
        return bytes(tokenizer.byte_decoder[symbol] for symbol in symbols)
    written = str(tokenizer.tokenizer.convert_ids_to_tokens(token)).removeprefix("##").removesuffix("</w>")
    if byte := _BYTE.fullmatch(written):
        return bytes.fromhex(byte[1])
    if is_byte_level(tokenizer) and all(symbol in byte_of_symbol() for symbol in written):
        return bytes(byte_of_symbol()[symbol] for symbol in written)
    return written.replace("▁", " ").encode()


def is_byte_level(tokenizer: Any) -> bool:
    """Whether a transformers tokenizer writes every byte as one symbol, as GPT-2's and CLIP's do."""
    backend = getattr(tokenizer.tokenizer, "backend_tokenizer", None)
    return "ByteLevel" in repr(getattr(backend, "decoder", None)) + repr(getattr(backend, "pre_tokenizer", None))


@cache
def byte_of_symbol() -> dict[str, int]:
    """The byte that each symbol of a byte-level vocabulary stands for.

    Source: Radford et al. 2019, the vocabulary of GPT-2: printable bytes stand for themselves, the others, in order,
    for the characters from U+0100 on.
    """
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in set(printable)]
    return {chr(byte): byte for byte in printable} | {chr(0x100 + i): byte for i, byte in enumerate(others)}


def words_of(tokenizer: Any, text: str, tokens: list[int]) -> list[int]:
    """The word, counted from 0, that each of a caption's tokens belongs to; words stand between spaces.

    A tokenizer that says where in the text each token comes from is believed. Otherwise the tokens' bytes are laid
    along the text's, both without spaces; where they differ, because the tokenizer spells the text in another way, a
    word ends where the tokenizer marks it.
    """
    cleaned = tokenizer.clean_fn(text).split()
    if getattr(getattr(tokenizer, "tokenizer", None), "is_fast", False):
        text = " ".join(cleaned)
        found = tokenizer.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        if found.input_ids == tokens:
            return _counted([text.count(" ", 0, max(start, end - 1) + 1) for start, end in found.offset_mapping])
    parts = [token_bytes(tokenizer, token).decode(errors="replace") for token in tokens]
    raw = [token_bytes(tokenizer, token).replace(b" ", b"") for token in tokens]
    if b"".join(raw).lower() == "".join(cleaned).lower().encode():
        ends, reached = [], 0
        for word in cleaned:
            reached += len(word.lower().encode())
            ends.append(reached)
        return _by_position(raw, ends)
    return _by_marks(tokenizer, tokens, parts)


def _by_position(raw: list[bytes], ends: list[int]) -> list[int]:
    """The word in which each token begins, given where words end, in bytes."""
    words: list[int] = []
    place, word = 0, 0
    for part in raw:
        while word < len(ends) - 1 and place >= ends[word]:
            word += 1
        words.append(word)
        place += len(part)
    return _counted(words)


def _by_marks(tokenizer: Any, tokens: list[int], parts: list[str]) -> list[int]:
    """A new word wherever a token is marked as the first of one, or the one before as the last."""
    words, word, ended = [], -1, True
    simple = isinstance(tokenizer, open_clip.SimpleTokenizer)
    for token, part in zip(tokens, parts, strict=True):
        written = tokenizer.decoder[token] if simple else str(tokenizer.tokenizer.convert_ids_to_tokens(token))
        if ended or written[:1] in _SPACE or part.startswith(" "):
            word += 1
        words.append(word)
        ended = written.endswith("</w>")
    return _counted(words)


def _counted(words: list[int]) -> list[int]:
    """The same words, numbered from 0 without gaps."""
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    return [numbers[word] for word in words]


def join_names(tokenizer: Any, tokens: list[int]) -> str:
    """The name of a player made of several tokens: its characters, or its bytes where these are no characters."""
    return _readable(b"".join(token_bytes(tokenizer, token) for token in tokens))
