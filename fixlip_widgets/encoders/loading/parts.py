"""What every way of loading ends in: an encoder and what belongs to it."""

from __future__ import annotations

import textwrap
from typing import Any, NamedTuple

from fixlip_widgets.support.open_clip import open_clip

PreprocessCfg: Any = open_clip.transform.PreprocessCfg


class Parts(NamedTuple):
    """The pieces of a model.

    Attributes:
        clip: The module: an open_clip model, or :class:`fixlip_widgets.encoders.towers.TransformersEncoder`.
        tokenizer: open_clip's, or one with its interface.
        preprocess: open_clip's description of the preprocessing.
        name, pretrained: Where it came from.
    """

    clip: Any
    tokenizer: Any
    preprocess: Any
    name: str
    pretrained: str


def preprocessing(size: Any, *given: dict[str, Any]) -> Any:
    """open_clip's preprocessing for pixels of ``size``; what it has no field for is left out, the last word counts."""
    fields = PreprocessCfg.__dataclass_fields__
    known = {name: value for each in given for name, value in each.items() if name in fields and value is not None}
    return PreprocessCfg(**known | {"size": size})


def first_line(error: BaseException) -> str:
    """The error's first line as one sentence; long messages of hubs are cut."""
    line = (str(error).strip() or type(error).__name__).splitlines()[0]
    return textwrap.shorten(line, 160, placeholder=" …").rstrip(".") + "."
