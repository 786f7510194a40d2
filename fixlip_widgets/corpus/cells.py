"""Checks of what one row of a data set contains: its caption, and the path or the bytes of its image."""

from __future__ import annotations

import math
import re
from io import BytesIO
from typing import Any

from PIL import Image, UnidentifiedImageError

from fixlip_widgets.errors import InputError

_LINE_END = re.compile(r"\r\n|\n|\r")
"""Unlike str.splitlines, which also splits at characters such as U+2028 inside a caption."""


def checked_caption(caption: Any) -> str:
    """Return the caption without surrounding white space.

    Raises:
        InputError: It is no text, is empty, or contains U+FFFD, U+0000 or half of a surrogate pair.
    """
    if caption is not None and not isinstance(caption, str):
        raise InputError(f"The caption is a {type(caption).__name__}, not text.")
    text = (caption or "").strip()
    if not text:
        raise InputError("The caption is empty.")
    if "\ufffd" in text:
        raise InputError("The caption contains U+FFFD, which replaces characters that were decoded wrongly.")
    if "\0" in text or _is_half(text):
        raise InputError("The caption contains U+0000 or half of a surrogate pair, so it was decoded wrongly.")
    return text


def _is_half(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def checked_path(image: Any) -> str:
    """Return the path of an image without surrounding white space.

    Raises:
        InputError: It is missing, no text, an address on the internet, or was decoded wrongly.
    """
    if image is None or (isinstance(image, float) and math.isnan(image)):
        raise InputError("The row has no image.")
    if not isinstance(image, str):
        raise InputError(f"The image is a {type(image).__name__}, neither a path nor the bytes of a file.")
    if not image.strip():
        raise InputError("The row has no image.")
    if "://" in image:
        raise InputError(f"The image is the address {image}; download it and write the path of the file.")
    if "\0" in image or _is_half(image):
        raise InputError("The path of the image contains U+0000 or half of a surrogate pair.")
    return image.strip()


def caption_lines(text: str) -> list[str]:
    """Return the captions of a text file: one a line, without empty lines."""
    return [line.strip() for line in _LINE_END.split(text) if line.strip()]


def decoded(raw: bytes) -> str:
    """Return the text of a caption's file.

    Raises:
        InputError: It is not UTF-8.
    """
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("The caption is not valid UTF-8.") from error


def opened_image(raw: bytes) -> Image.Image:
    """Return the image of a file's bytes.

    Raises:
        InputError: Pillow cannot read it.
    """
    try:
        picture = Image.open(BytesIO(raw))
        picture.load()
    except UnidentifiedImageError as error:  # its message has an address in memory, which differs from run to run
        raise InputError("The image cannot be read: it is in no format that Pillow knows.") from error
    except (Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise InputError(f"The image cannot be read: {error}.") from error
    return picture
