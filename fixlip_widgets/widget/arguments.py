"""How a widget begins: what it is given, checked, and what it shows before anything is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fixlip_widgets.errors import InputError
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.support.formatting import joined
from fixlip_widgets.widget.checked_settings import WRITABLE

if TYPE_CHECKING:
    from fixlip_widgets.encoders.models import Model
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explanation.explanation import Explanation

RESTARTING = ("p", "budget", "text", "method", "order")
"""Settings of what is explained: a change of one asks for another result."""
OF_THE_GAME = ("grid", "regions", "words", "masking")
"""Arguments that say who the players are and what becomes of removed ones."""
_ARGUMENTS = ("model", "explainer", "explanation", "seed", "max_budget")
_DEFAULTS = (False, "zero")
_NOT_GIVEN = frozenset({"text", "selection", "removed", "shown"})
"""Settings that make sense only once there is something to show, or that are arguments of their own."""


def check_names(given: set[str], *, finished: bool) -> None:
    """Refuse keywords by name: a misspelt setting must not be lost silently.

    Raises:
        InputError: There is no such setting, or a ``finished`` explanation has it already.
    """
    known = (WRITABLE | {"autorun", "idle_share"}) - _NOT_GIVEN
    if unknown := given - known:
        every = known | {*_ARGUMENTS, *OF_THE_GAME}
        raise InputError(
            f"FixlipWidget does not know {', '.join(sorted(unknown))}; it knows {', '.join(sorted(every))}."
        )
    if finished and given & set(RESTARTING):
        raise InputError("A finished explanation has its own p and budget, method and order; none can be set.")


def check_subject(image: Any, text: Any, model: Any, explainer: Any, explanation: Any) -> None:
    """Refuse two subjects at once, and what is none.

    Raises:
        InputError: An explainer or an explanation is another thing, or comes with the other, an image, text or model.
    """
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explanation.explanation import Explanation

    kinds = {"explainer": (explainer, IncrementalExplainer), "explanation": (explanation, Explanation)}
    given = {"image": image, "text": text, "model": model, "explainer": explainer, "explanation": explanation}
    for name, (subject, kind) in kinds.items():
        if subject is None:
            continue
        if not isinstance(subject, kind):
            raise InputError(f"The {name} is a {type(subject).__name__}; pass an {kind.__name__}.")
        if others := [other for other, value in given.items() if value is not None and other != name]:
            raise InputError(f"The {name} has its own image, caption and model; leave out {joined(others)}.")


def check_options(options: dict[str, Any], *, explainer: bool, explanation: bool) -> None:
    """Refuse what only an image and a caption can be prepared with, where there are none to prepare.

    Raises:
        InputError: There is an explainer or an explanation, and an option of the game is given.
    """
    given = [name for name, value in options.items() if value is not None and not _is_default(value)]
    if given and (explainer or explanation):
        names, what = ", ".join(given), "explainer" if explainer else "explanation"
        advice = "make its game with them" if explainer else "explain the picture again with them"
        raise InputError(f"The {what} has its players and masking already, so {names} cannot be set here; {advice}.")


def _is_default(value: Any) -> bool:
    return isinstance(value, str | bool) and value in _DEFAULTS


def make_explainer(image: Any, text: Any, model: Model | None, seed: int, **options: Any) -> IncrementalExplainer:
    """An explainer of an image and a caption, by the packaged demo model if there is none.

    Args:
        image: As :class:`fixlip_widgets.VisionLanguageGame` takes it.
        text: The caption, or token ids.
        model: From :func:`fixlip_widgets.load_model`.
        seed: Of the mask streams.
        options: The game's :data:`OF_THE_GAME`.

    Raises:
        InputError: Image or caption are missing or cannot be used, or an option is not what is allowed.
    """
    from fixlip_widgets.encoders.models import load_model
    from fixlip_widgets.explainers.fixlip import IncrementalExplainer
    from fixlip_widgets.explainers.game import VisionLanguageGame

    if image is None or text is None:
        raise InputError("FixlipWidget needs an image and a caption, an explainer, or an explanation.")
    return IncrementalExplainer(VisionLanguageGame(model or load_model(), image, text, **options), seed=seed)


def first_state(explanation: Explanation | None, explainer: IncrementalExplainer | None) -> dict[str, Any]:
    """Traits before anything is computed, of a finished explanation or of a pair: enough for a first paint."""
    if explanation is not None:
        return {
            "live": False,
            "method": explanation.method,
            "order": explanation.order,
            "text": explanation.caption,
            "p": explanation.p,
            "budget": explanation.budget,
            "status": "done",
            "scene": wire.scene(explanation, wire.model_label(explanation.model)),
            "result": wire.result(explanation, 0, partial=False),
        }
    assert explainer is not None, "there is an explanation or an explainer"
    game = explainer.game
    label = wire.model_label({"name": game.model.name, "pretrained": game.model.pretrained})
    return {"text": game.caption, "scene": wire.scene(game, label)}
