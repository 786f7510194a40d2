"""Common result of all loaders."""

from __future__ import annotations

import textwrap
from typing import Any, NamedTuple

from fixlip_widgets.support.open_clip import open_clip

PreprocessCfg: Any = open_clip.transform.PreprocessCfg


class Parts(NamedTuple):
    """A module with its tokenizer and preprocessing.

    Attributes:
        clip: The module: an open_clip model, or :class:`fixlip_widgets.encoders.towers.TransformersEncoder`.
        tokenizer: open_clip's tokenizer, or one with its interface.
        preprocess: open_clip's description of the preprocessing.
        name, pretrained: Names of the model and of its weights.
        prepare: The model's own function from a PIL picture to (3, H, W) pixels; by default that of ``preprocess``.
        processor: The processor of a transformers model.
    """

    clip: Any
    tokenizer: Any
    preprocess: Any
    name: str
    pretrained: str
    prepare: Any = None
    processor: Any = None


def preprocessing(size: Any, *settings: dict[str, Any]) -> Any:
    """Return open_clip's preprocessing for images of ``size``.

    Later settings take precedence; those that open_clip does not have are ignored.
    """
    fields = PreprocessCfg.__dataclass_fields__
    values = {name: value for each in settings for name, value in each.items() if name in fields and value is not None}
    return PreprocessCfg(**values | {"size": size})


def first_line(error: BaseException) -> str:
    """Return the first line of an error message as a sentence, shortened to 160 characters."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return textwrap.shorten(line, 160, placeholder=" …").rstrip(".") + "."
