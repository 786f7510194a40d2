"""Provenance of an explanation: model, settings and versions, and Python code that reproduces it."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from fixlip_widgets._version import __version__
from fixlip_widgets.encoders.towers.maskings import MASKINGS
from fixlip_widgets.estimators.masks import DEFAULT_DESIGN, MASK_DESIGNS
from fixlip_widgets.explanation.methods import CATALOGUE

if TYPE_CHECKING:
    from fixlip_widgets.encoders.models import Model
    from fixlip_widgets.explanation.surrogate import Surrogate

_DESIGNS: Mapping[str, str] = {**MASK_DESIGNS}
_UPPER_BOUNDS = "upper bounds: 95 % intervals cover at least 95 % of the terms"
_MOST_NAMES = 10
"""Maximum number of classes and of templates that are listed."""
_MOST_IN_CODE = 1000
"""Maximum number of classes that code lists; a page contains code for each of its explanations."""
_PACKAGES = (("torch", "torch"), ("open_clip", "open_clip_torch"))


def provenance(explanation: Surrogate) -> list[tuple[str, str]]:
    """Return the available (label, value) rows: model, settings, encodings and versions.

    The versions are those of the current process.
    """
    model = explanation.model
    name = " · ".join(part for part in (model.get("name"), model.get("pretrained")) if part)
    encodings = f"{explanation.image_encodes:,} image, {explanation.text_encodes:,} text"
    rows = [
        ("model", name),
        ("weights", model.get("weights", "")),
        ("tokenizer", model.get("tokenizer", "")),
        *_choice_rows(explanation.choice),
        ("method", f"{explanation.method}, order {explanation.order}"),
        ("seed", "" if explanation.seed is None else str(explanation.seed)),
        ("p", f"{explanation.p:g}"),
        (
            "budget",
            f"{explanation.budget:,} {'masks' if explanation.choice else 'evaluations'}" if explanation.budget else "",
        ),
        ("masking", f"{explanation.masking}: {meaning}" if (meaning := MASKINGS.get(explanation.masking)) else ""),
        ("masks", f"{explanation.masks}: {how}" if (how := _DESIGNS.get(explanation.masks)) else ""),
        ("standard errors", _UPPER_BOUNDS if explanation.conservative_errors else ""),
        ("encodings", encodings if explanation.image_encodes or explanation.text_encodes else ""),
        ("fixlip_widgets", __version__),
        *((label, _version(package)) for label, package in _PACKAGES),
    ]
    return [(label, value) for label, value in rows if value]


@cache
def _version(package: str) -> str:
    return metadata.version(package)


def _choice_rows(choice: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the rows on a class or image that is one of several; none for an image–caption pair."""
    if not choice:
        return []
    kind, among = choice["kind"], choice["among"]
    name = f"{choice['name']} − {choice['minus']}" if "minus" in choice else choice["name"]
    listed = ", ".join(among[:_MOST_NAMES]) + (" …" if len(among) > _MOST_NAMES else "")
    templates = [f"“{template}”" for template in choice.get("templates", [])]
    more = f" … ({len(templates)} in all)" if len(templates) > _MOST_NAMES else ""
    return [
        (kind, name),
        ("among", f"{len(among):,}: {listed}"),
        ("templates", ", ".join(templates[:_MOST_NAMES]) + more),
        ("caption", choice.get("caption", "")),
        ("value", "log-probability, in nats" if choice["unit"] == "nats" else "logit"),
    ]


class Game(Protocol):
    """What the provenance needs of a :class:`fixlip_widgets.VisionLanguageGame`."""

    model: Model

    def options(self) -> dict[str, Any]:
        """Return the options that differ from the defaults."""
        ...


@dataclass(frozen=True)
class Source:
    """Python expressions for the image, the model and the options of an explanation.

    Attributes:
        image: An expression, or the name ``image`` if the image exists only in memory.
        model: An expression, or the name ``model`` if the model cannot be loaded again by name.
        options: Options of the game that differ from the defaults: argument name to expression.
    """

    image: str = "image"
    model: str = "model"
    options: Mapping[str, str] = field(default_factory=lambda: {})

    @classmethod
    def of(cls, image: Any, game: Game) -> Source:
        """Return the source of an image, as the user passed it, and of the game made from it."""
        options = {name: repr(value) for name, value in game.options().items() if not isinstance(value, np.ndarray)}
        if "regions" in game.options():
            options.setdefault("regions", "regions")
        return cls(_image_expression(image), _model_expression(game.model), options)


def reproduction(explanation: Surrogate, source: Source | None = None, *, reused: bool = False) -> str:
    """Return Python code that computes the explanation again; comments explain the names it does not define.

    Args:
        explanation: The explanation to reproduce.
        source: Source of the image and the model.
        reused: Whether encodings at other p, for other captions or of a larger budget were used; the code omits them.
    """
    source, method, choice = source or Source(), CATALOGUE.get(explanation.method), explanation.choice
    among = choice.get("among", [])
    names = repr(among) if len(among) <= _MOST_IN_CODE else "names"
    if choice.get("kind") == "class":
        arguments = [source.image, names, f"templates={tuple(choice['templates'])!r}"]
    elif choice:
        arguments = ["images", repr(choice["caption"])]
    else:
        arguments = [source.image, repr(explanation.caption)]
    arguments.append(f"model={source.model}")
    arguments += [f"{name}={expression}" for name, expression in source.options.items()]
    if not choice:
        arguments.append(f"method={explanation.method!r}")
    if method is None or explanation.order != method.orders[0]:
        arguments.append(f"order={explanation.order}")
    if method is None or method.uses_p:
        arguments.append(f"p={explanation.p!r}")
    if method is None or method.uses_budget:
        arguments.append(f"budget={explanation.budget}")
    if method is not None and method.pooled and (masks := explanation.masks or "random") != DEFAULT_DESIGN:
        arguments.append(f"masks={masks!r}")
    if explanation.seed is not None:
        arguments.append(f"seed={explanation.seed}")
    expressions = {"image": source.image, "names": names, "model": source.model, **source.options}
    if choice.get("kind") == "image":
        expressions |= {"image": "", "images": "images"}
    call = ",\n".join(f"    {argument}" for argument in arguments)
    if choice.get("kind") == "class":
        lines = [f"classes = fx.explain_classes(\n{call},\n)", f"explanation = classes{_selection(choice)}"]
    elif choice:
        lines = [f"found = fx.explain_retrieval(\n{call},\n)", f"explanation = found{_selection(choice)}"]
    else:
        lines = [f"explanation = fx.explain(\n{call},\n)"]
    return _script(lines, expressions, reused=reused)


def contrast_code(b: Surrogate, caption: str, source: Source | None = None, *, reused: bool = False) -> str:
    """Return Python code for ``b`` minus the explanation of another caption from the same image masks.

    Args:
        b: An explanation by a method with a pool.
        caption: The caption to subtract.
        source: Source of the image and the model.
        reused: As in :func:`reproduction`.
    """
    source = source or Source()
    options = [f"{name}={expression}" for name, expression in source.options.items()]
    game = ", ".join([source.model, source.image, repr(b.caption), *options])
    masks = "" if (design := b.masks or "random") == DEFAULT_DESIGN else f", masks={design!r}"
    lines = [
        f"game = fx.VisionLanguageGame({game})",
        f"explainer = fx.IncrementalExplainer(game, seed={b.seed}{masks})",
        f"explainer.extend(p={b.p!r}, budget={b.budget})",
    ]
    if b.method == "banzhaf" and b.order == 2:
        lines.append(f"difference = explainer.contrast({b.caption!r}, {caption!r})")
    else:
        explain = "banzhaf_values()" if b.order == 1 else f"explanation(order={b.order})"
        lines += [
            f"other = explainer.with_game(game.with_text({caption!r}))",
            f"difference = explainer.{explain} - other.{explain}",
        ]
    expressions = {"image": source.image, "model": source.model, **source.options}
    return _script(lines, expressions, reused=reused)


def _script(lines: Sequence[str], expressions: Mapping[str, str], *, reused: bool) -> str:
    """Return the import, comments on names that the code does not define, and the lines."""
    comments = [f"# {name}: {meaning}" for name, meaning in _PLACEHOLDERS.items() if expressions.get(name) == name]
    if reused:
        comments.append(
            "# encodings of earlier settings were reused: the numbers will differ by about their standard errors"
        )
    return "\n".join(["import fixlip_widgets as fx", "", *comments, *lines]) + "\n"


def _selection(choice: Mapping[str, Any]) -> str:
    """Return the code that selects an explanation of :class:`fixlip_widgets.explainers.classes.Classes`."""
    if "minus" in choice:
        return f".contrast({choice['name']!r}, {choice['minus']!r})"
    return f".probability({choice['name']!r})" if choice["unit"] == "nats" else f"[{choice['name']!r}]"


_PLACEHOLDERS = {
    "image": "the image passed to the widget",
    "names": "the names of the classes, in their order",
    "images": "the images passed to explain_retrieval, by name",
    "regions": "the label map passed to the widget",
    "model": "the result of fx.load_model() for the model in the provenance",
}


def _image_expression(image: Any) -> str:
    if isinstance(image, (str, os.PathLike)):
        return repr(os.fspath(image))
    return next((f"fx.demo.scene({name!r}).image" for name in _scenes_like(image)), "image")


def _scenes_like(image: Any) -> list[str]:
    """Return the names of the packaged scenes with the same pixels."""
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
