"""Validation of the widget's settings, where a value arrives from Python or from the view."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fixlip_widgets.encoders.players import Players
from fixlip_widgets.errors import InputError
from fixlip_widgets.explainers.stopping import check_stop_at
from fixlip_widgets.explanation.methods import CATALOGUE, check_method
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.pages.settings import CHECKS, check_order, check_players
from fixlip_widgets.pages.traits import WidgetTraits
from fixlip_widgets.support.checks import check_budget
from fixlip_widgets.widget.arguments import RESTARTING
from fixlip_widgets.widget.views import Views

if TYPE_CHECKING:
    from fixlip_widgets.explainers.game import VisionLanguageGame
    from fixlip_widgets.widget.class_list import ClassList


_NOT_OF_CLASSES: dict[str, tuple[Any, ...]] = {
    "text": ("",),
    "compare_with": (None,),
    "method": ("banzhaf",),
    "order": (2,),
}
"""Settings that widgets of classes do not offer, and the values that they keep."""
_REASONS = {
    "text": "choose a class by `chosen`",
    "compare_with": "choose two classes by `chosen` to compare them",
    "method": "only 'banzhaf' explains classes",
    "order": "third-order terms combine patches with tokens, and a class has no tokens that are players",
}


class SettingChecks:
    """Checks of settings against a widget's explanations and its game, which a finished explanation lacks."""

    def __init__(
        self, traits: WidgetTraits, views: Views, game: VisionLanguageGame | None, classes: ClassList | None = None
    ) -> None:
        self._traits, self._views, self._game, self._classes = traits, views, game, classes

    def check(self, name: str, value: Any, method: str) -> Any:
        """Return ``value`` validated for the setting ``name`` under ``method``; raise InputError if it is invalid."""
        if self._game is None and name in RESTARTING:
            raise InputError(f"This widget shows a finished explanation without a model; {name} cannot be changed.")
        if name in ("classes", "chosen"):
            if self._classes is None:
                raise InputError(f"This widget explains a caption; {name} is for widgets that were made with classes=.")
            return self._classes.check(name, value)
        if self._classes is not None and name in _NOT_OF_CLASSES:
            allowed = _NOT_OF_CLASSES[name]
            if value in allowed:
                return value
            raise InputError(f"This widget explains classes, so {name} cannot be {value!r}; {_REASONS[name]}.")
        match name:
            case "budget":
                return check_budget(value, self._traits.max_budget)
            case "stop_at":
                return None if value is None else check_stop_at(value)
            case "order":
                return check_order(value, CATALOGUE[check_method(method)])
            case "selection" | "removed":
                return check_players(value, self._players(name))
            case "text":
                return self._caption(CHECKS[name](value))
            case "compare_with":
                return None if value is None else self._other_caption(CHECKS["text"](value), method)
            case "shown":
                value = CHECKS[name](value)
                self._views.check_shown(value)
                return value
            case _:
                return CHECKS[name](value)

    def _players(self, name: str) -> Players:
        """Return the players that a setting may name: those shown or, in the playground, those of the model's pair."""
        explanation = self._views.shown if name == "selection" else None
        return wire.ScenePlayers(self._traits.scene) if explanation is None else explanation

    def _other_caption(self, caption: str, method: str) -> str:
        """Return the caption to compare with; raise InputError if ``method`` cannot explain it from the same masks."""
        if self._game is None:
            raise InputError("This widget shows a finished explanation without a model; it cannot explain a caption.")
        if not CATALOGUE[method].pooled:
            raise InputError(
                f"{CATALOGUE[method].label} keeps no encoded masks with which another caption could be explained; pin "
                "this explanation, and change the caption."
            )
        return self._caption(caption)

    def _caption(self, caption: str) -> str:
        """Return the caption as the tokenizer normalises it."""
        from fixlip_widgets.encoders.captions import tokenize

        assert self._game is not None, "the caption of a finished explanation cannot be changed"
        return caption if caption == self._game.caption else tokenize(self._game.model.tokenizer, caption).text
