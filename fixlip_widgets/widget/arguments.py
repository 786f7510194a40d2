"""Validation of the widget's arguments, and its state before anything is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fixlip_widgets.errors import InputError
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.pages.traits import SETTINGS
from fixlip_widgets.support.formatting import joined

if TYPE_CHECKING:
    from fixlip_widgets.encoders.models import Model
    from fixlip_widgets.estimators.masks import MaskDesign
    from fixlip_widgets.explainers.class_explainer import ClassExplainer
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explanation.explanation import Explanation

RESTARTING = ("p", "budget", "stop_at", "text", "method", "order")
"""Settings of the explanation; a change requires a new result."""
OF_THE_GAME = ("grid", "regions", "words", "masking")
"""Arguments that define the players and the masking."""
_ARGUMENTS = ("model", "explainer", "explanation", "seed", "masks", "max_budget")
_DEFAULTS = (False, "zero")
_NOT_KEYWORDS = frozenset({"text", "classes", "selection", "removed", "shown"})
"""Settings that are not keywords, because they need a result or are separate arguments."""


def check_names(names: set[str], *, finished: bool) -> None:
    """Raise InputError for an invalid keyword, so that a misspelt setting is not ignored.

    Raises:
        InputError: A keyword is unknown, or a ``finished`` explanation determines its value.
    """
    allowed = (SETTINGS | {"autorun", "idle_share"}) - _NOT_KEYWORDS
    if unknown := names - allowed:
        every = allowed | {*_ARGUMENTS, *OF_THE_GAME}
        raise InputError(
            f"FixlipWidget has no argument {', '.join(sorted(unknown))}; choose from {', '.join(sorted(every))}."
        )
    if finished and names & {*RESTARTING, "chosen"}:
        raise InputError("The p, budget, method and order of a finished explanation cannot be set.")


def check_subject(subjects: dict[str, Any], options: dict[str, Any]) -> None:
    """Raise InputError unless the arguments describe one pair.

    Args:
        subjects: The arguments ``image``, ``text``, ``classes``, ``model``, ``explainer`` and ``explanation``.
        options: The arguments of :data:`OF_THE_GAME`.

    Raises:
        InputError: Both a caption and classes are given, or an explainer or explanation has the wrong type, or is
            combined with another subject, a model or options of the game.
    """
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explanation.explanation import Explanation

    if subjects["text"] is not None and subjects["classes"] is not None:
        raise InputError("Both text and classes are given; pass a caption as text, or the names of classes as classes.")
    if subjects["templates"] is not None and subjects["classes"] is None:
        raise InputError("templates are texts for the names of classes; pass classes too.")
    kinds = {"explainer": IncrementalExplainer, "explanation": Explanation}
    for name, kind in kinds.items():
        subject = subjects[name]
        if subject is None:
            continue
        if not isinstance(subject, kind):
            raise InputError(f"The {name} is a {type(subject).__name__}; pass an {kind.__name__}.")
        if others := [other for other, value in subjects.items() if value is not None and other != name]:
            raise InputError(f"The {name} has its own image, caption and model; leave out {joined(others)}.")
        if extra := [option for option, value in options.items() if value is not None and not _is_default(value)]:
            advice = "pass them to its game" if name == "explainer" else "explain the image again with them"
            raise InputError(
                f"The {name} already has players and masking, so {', '.join(extra)} cannot be set here; {advice}."
            )


def _is_default(value: Any) -> bool:
    return isinstance(value, str | bool) and value in _DEFAULTS


def make_explainer(
    image: Any, text: Any, model: Model | None, seed: int, masks: MaskDesign, **options: Any
) -> IncrementalExplainer:
    """Return an explainer of an image and a caption; the arguments are those of the widget.

    Raises:
        InputError: The image or the caption is missing or unusable, or an option is invalid.
    """
    from fixlip_widgets.encoders.models import load_model
    from fixlip_widgets.explainers.cautions import warn_of_photograph
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explainers.game import VisionLanguageGame

    if image is None or text is None:
        raise InputError("FixlipWidget needs an image and a caption, an explainer, or an explanation.")
    game = VisionLanguageGame(model or load_model(), image, text, **options)
    warn_of_photograph(game.model, game.pixels)
    return IncrementalExplainer(game, seed=seed, masks=masks)


def make_class_explainer(
    image: Any, names: Any, templates: Any, model: Model | None, seed: int, masks: MaskDesign, **options: Any
) -> ClassExplainer:
    """Return an explainer of the classes of an image; the arguments are those of the widget.

    Raises:
        InputError: The image is missing or unusable, there are fewer than two classes, two names are equal, a template
            does not contain ``{}``, or an option is invalid.
    """
    from fixlip_widgets.encoders.models import load_model
    from fixlip_widgets.explainers.cautions import warn_of_photograph
    from fixlip_widgets.explainers.class_explainer import ClassExplainer
    from fixlip_widgets.explainers.class_texts import check_templates, prompt
    from fixlip_widgets.explainers.classes import DEFAULT_TEMPLATES
    from fixlip_widgets.explainers.game import VisionLanguageGame
    from fixlip_widgets.widget.class_list import check_classes

    if image is None:
        raise InputError("FixlipWidget needs an image beside the classes.")
    if options.pop("words"):
        raise InputError("words=True is about a caption's words; classes have none, so leave it out.")
    listed, forms = check_classes(names), check_templates(DEFAULT_TEMPLATES if templates is None else templates)
    game = VisionLanguageGame(model or load_model(), image, prompt(forms[0], listed[0]), **options)
    warn_of_photograph(game.model, game.pixels)
    return ClassExplainer(game, listed, forms, seed, masks)


def defaults(n_text: int) -> dict[str, Any]:
    """Return the view's settings that differ from the usual defaults if no player is text."""
    return {} if n_text else {"graph_kind": "all", "heatmap_kind": "image_image"}


def first_state(explanation: Explanation | None, explainer: IncrementalExplainer | None) -> dict[str, Any]:
    """Return the traits for the first paint, from a finished explanation or from an explainer's pair."""
    if explanation is not None:
        return {
            "live": False,
            "method": explanation.method,
            "order": explanation.order,
            "text": explanation.caption,
            "p": float(explanation.p),
            "budget": explanation.budget,
            "status": "done",
            "scene": wire.scene(explanation, wire.model_label(explanation.model)),
            "result": wire.result(explanation, 0, partial=False),
        }
    assert explainer is not None, "either an explanation or an explainer is required"
    game = explainer.game
    label = wire.model_label({"name": game.model.name, "pretrained": game.model.pretrained})
    return {"text": game.caption, "scene": wire.scene(game, label)}
