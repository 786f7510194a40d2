"""Where an explanation comes from: what was explained with which software, and lines that compute it again."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

import numpy as np

from fixlip_widgets._version import __version__
from fixlip_widgets.encoders.towers.maskings import MASKINGS
from fixlip_widgets.explanation.methods import CATALOGUE

if TYPE_CHECKING:
    from fixlip_widgets.encoders.models import Model
    from fixlip_widgets.explainers.game import VisionLanguageGame
    from fixlip_widgets.explanation.explanation import Explanation

_PACKAGES = (("torch", "torch"), ("open_clip", "open_clip_torch"))


def provenance(explanation: Explanation) -> list[tuple[str, str]]:
    """(label, value) of what was explained and how, from the model to the versions, as far as it is known.

    The versions are those of this process.
    """
    model = explanation.model
    name = " · ".join(part for part in (model.get("name"), model.get("pretrained")) if part)
    encodings = f"{explanation.image_encodes:,} image, {explanation.text_encodes:,} text"
    rows = [
        ("model", name),
        ("weights", model.get("weights", "")),
        ("tokenizer", model.get("tokenizer", "")),
        ("method", f"{explanation.method}, order {explanation.order}"),
        ("seed", "" if explanation.seed is None else str(explanation.seed)),
        ("p", f"{explanation.p:g}"),
        ("budget", f"{explanation.budget:,} evaluations" if explanation.budget else ""),
        ("masking", f"{explanation.masking}: {says}" if (says := MASKINGS.get(explanation.masking)) else ""),
        ("encodings", encodings if explanation.image_encodes or explanation.text_encodes else ""),
        ("fixlip_widgets", __version__),
        *((label, metadata.version(package)) for label, package in _PACKAGES),
    ]
    return [(label, value) for label, value in rows if value]


@dataclass(frozen=True)
class Source:
    """How the image and the model of an explanation are had in Python.

    Attributes:
        image: An expression, or the name ``image`` where the picture exists in memory only.
        model: An expression, or the name ``model`` where the model was not loaded by a name that loads it again.
        options: How the players were made, where not by default: names of arguments and expressions.
    """

    image: str = "image"
    model: str = "model"
    options: Mapping[str, str] = field(default_factory=lambda: {})

    @classmethod
    def of(cls, image: Any, game: VisionLanguageGame) -> Source:
        """Of an image as it was given, and the game that was made of it."""
        options = {name: repr(value) for name, value in game.options().items() if not isinstance(value, np.ndarray)}
        if "regions" in game.options():
            options.setdefault("regions", "regions")
        return cls(_image_expression(image), _model_expression(game.model), options)


def reproduction(explanation: Explanation, source: Source | None = None, *, reused: bool = False) -> str:
    """Lines of Python that compute the explanation again; names that they use and do not define are commented on.

    Args:
        explanation: What to compute again.
        source: Where image and model come from.
        reused: Encodings at other p, for other captions or of a larger budget took part: the lines compute it without.
    """
    source, method = source or Source(), CATALOGUE.get(explanation.method)
    given = [source.image, repr(explanation.caption)]
    given.append(f"model={source.model}")
    given += [f"{name}={expression}" for name, expression in source.options.items()]
    given.append(f"method={explanation.method!r}")
    if method is None or explanation.order != method.orders[0]:
        given.append(f"order={explanation.order}")
    if method is None or method.uses_p:
        given.append(f"p={explanation.p!r}")
    if method is None or method.uses_budget:
        given.append(f"budget={explanation.budget}")
    if explanation.seed is not None:
        given.append(f"seed={explanation.seed}")
    named = {"image": source.image, "model": source.model, **source.options}
    comments = [f"# {name}: {meaning}" for name, meaning in _PLACEHOLDERS.items() if named.get(name) == name]
    if reused:
        comments.append(
            "# other encodings, of earlier settings, took part: numbers will differ, about as much as their errors say"
        )
    call = ",\n".join(f"    {argument}" for argument in given)
    return "\n".join(["import fixlip_widgets as fx", "", *comments, f"explanation = fx.explain(\n{call},\n)"]) + "\n"


_PLACEHOLDERS = {
    "image": "the picture, as it was given to the widget",
    "regions": "the label map, as it was given to the widget",
    "model": "what fx.load_model() gave for the model that the provenance names",
}


def _image_expression(image: Any) -> str:
    if isinstance(image, (str, os.PathLike)):
        return repr(os.fspath(image))
    return next((f"fx.demo.scene({name!r}).image" for name in _scenes_like(image)), "image")


def _scenes_like(image: Any) -> list[str]:
    """Packaged scenes whose picture this is."""
    from PIL import Image

    from fixlip_widgets import demo
    from fixlip_widgets.demo.composer import SIDE

    if not isinstance(image, Image.Image) or image.size != (SIDE, SIDE) or image.mode != "RGB":
        return []
    pixels = np.asarray(image)
    return [name for name, scene in demo.scenes().items() if np.array_equal(np.asarray(scene.image), pixels)]


def _model_expression(model: Model) -> str:
    from fixlip_widgets.support.open_clip import open_clip

    if (model.name, model.pretrained) == ("demo", "packaged"):
        return "fx.load_model()"
    hub = model.name.startswith(("hf-hub:", "local-dir:"))
    if hub and model.pretrained == "hub":
        return f"fx.load_model({model.name!r})"
    if model.name in open_clip.list_models() and model.pretrained != "random weights":
        return f"fx.load_model({model.name!r}, pretrained={model.pretrained!r})"
    return "model"
