"""Readable names of tokens, and the words that tokens belong to."""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import Any

from fixlip_widgets.support.open_clip import open_clip

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
"""Sentencepiece's notation for a byte of an unknown character."""
_DIRECTION_MARKS = re.compile(r"[\u200e\u200f\u202a-\u202e\u2066-\u2069]")
"""Characters that change the writing direction, including that of the text around them."""
_BYTE_OF_SYMBOL = {symbol: byte for byte, symbol in open_clip.tokenizer.bytes_to_unicode().items()}
"""Byte that each symbol of a byte-level vocabulary represents, as defined by GPT-2."""
_SPACE = "▁Ġ"
"""Symbols for a space before a token, in sentencepiece and byte-level tokenizers."""


def token_name(tokenizer: Any, token: int) -> str:
    """Return a readable name of a token.

    Bytes of an incomplete character are shown in hexadecimal, as ``<f0 9f>``. Invisible characters, such as the joiner
    inside an emoji, and characters that change the writing direction are shown by code point, as ``<U+200D>``.
    """
    return _readable(token_bytes(tokenizer, token))


def _readable(raw: bytes) -> str:
    try:
        name = raw.decode().strip()
    except UnicodeDecodeError:
        return f"<{raw.strip().hex(' ')}>"
    if name and not any(character.isprintable() for character in name):
        return "".join(_code_point(character) for character in name)
    return _DIRECTION_MARKS.sub(lambda mark: _code_point(mark[0]), name) or "␣"


def _code_point(character: str) -> str:
    return f"<U+{ord(character):04X}>"


def token_bytes(tokenizer: Any, token: int) -> bytes:
    """Return the UTF-8 text of a token, including a leading space but without the tokenizer's markers."""
    if isinstance(tokenizer, open_clip.SimpleTokenizer):
        symbols: str = tokenizer.decoder[token].removesuffix("</w>")
        return bytes(_BYTE_OF_SYMBOL[symbol] for symbol in symbols)
    piece = str(tokenizer.tokenizer.convert_ids_to_tokens(token)).removeprefix("##").removesuffix("</w>")
    if byte := _BYTE.fullmatch(piece):
        return bytes.fromhex(byte[1])
    if is_byte_level(tokenizer) and all(symbol in _BYTE_OF_SYMBOL for symbol in piece):
        return bytes(_BYTE_OF_SYMBOL[symbol] for symbol in piece)
    return piece.replace("▁", " ").encode()


def is_byte_level(tokenizer: Any) -> bool:
    """Return whether a transformers tokenizer represents every byte by one symbol, as those of GPT-2 and CLIP do."""
    backend = getattr(tokenizer.tokenizer, "backend_tokenizer", None)
    return "ByteLevel" in repr(getattr(backend, "decoder", None)) + repr(getattr(backend, "pre_tokenizer", None))


def words_of(tokenizer: Any, text: str, tokens: list[int]) -> list[int]:
    """Return the index of the word that each token of a caption belongs to; words are separated by white space.

    If the tokenizer reports the position of each token in the text, these positions are used. Otherwise the bytes of
    the tokens are aligned with those of the text, both without spaces. If they differ because the tokenizer rewrites
    the text, words end where the tokenizer marks them.
    """
    text = tokenizer.clean_fn(text)
    cleaned = text.split()
    if getattr(getattr(tokenizer, "tokenizer", None), "is_fast", False):
        encoding = tokenizer.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        if encoding.input_ids == tokens:
            gaps = [match.start() for match in re.finditer(r"\s+", text)]
            return _renumber([bisect_right(gaps, max(start, end - 1)) for start, end in encoding.offset_mapping])
    parts = [token_bytes(tokenizer, token).decode(errors="replace") for token in tokens]
    raw = [token_bytes(tokenizer, token).translate(None, b" \t\n\r") for token in tokens]
    if b"".join(raw).lower() == "".join(cleaned).lower().encode():
        ends, position = [], 0
        for word in cleaned:
            position += len(word.lower().encode())
            ends.append(position)
        return _by_position(raw, ends)
    return _by_marks(tokenizer, tokens, parts)


def _by_position(raw: list[bytes], ends: list[int]) -> list[int]:
    """Return the word in which each token begins; ``ends`` are the ends of the words in bytes."""
    words: list[int] = []
    position, word = 0, 0
    for part in raw:
        while word < len(ends) - 1 and position >= ends[word]:
            word += 1
        words.append(word)
        position += len(part)
    return _renumber(words)


def _by_marks(tokenizer: Any, tokens: list[int], parts: list[str]) -> list[int]:
    """Start a word at each token that is marked as the first of a word, and after each one marked as the last."""
    words, word, at_end = [], -1, True
    simple = isinstance(tokenizer, open_clip.SimpleTokenizer)
    for token, part in zip(tokens, parts, strict=True):
        piece = tokenizer.decoder[token] if simple else str(tokenizer.tokenizer.convert_ids_to_tokens(token))
        if at_end or piece[:1] in _SPACE or part.startswith(" "):
            word += 1
        words.append(word)
        at_end = piece.endswith("</w>")
    return _renumber(words)


def _renumber(words: list[int]) -> list[int]:
    """Renumber words from 0 without gaps."""
    numbers = {word: number for number, word in enumerate(dict.fromkeys(words))}
    return [numbers[word] for word in words]


def join_names(tokenizer: Any, tokens: list[int]) -> str:
    """Return the name of a player that consists of several tokens: its text, or its bytes if it is not valid UTF-8."""
    return _readable(b"".join(token_bytes(tokenizer, token) for token in tokens))
