"""Undo and reset of the widget's settings."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.methods import CATALOGUE
from fixlip_widgets.pages.traits import SETTINGS
from fixlip_widgets.support.formatting import shortened
from fixlip_widgets.widget.screen import Screen

COALESCE_SECONDS = 1.0
"""Moves of one slider within this many seconds of each other are one change."""
_MAX_CHANGES = 100
_WORDS = {
    "classes": "classes",
    "chosen": "class",
    "text": "caption",
    "stop_at": "target precision",
    "top_k": "edges",
    "graph_layout": "layout",
    "graph_kind": "kind of edges",
    "graph_sign": "sign of edges",
    "subset_size": "subset size",
    "subset_sign": "subset sign",
}
UNDO_SETTINGS = ("p", "budget", "method", "order", *_WORDS, "palette", "theme")
"""Settings that undo reverts; selection, removed players and the view are excluded."""


@dataclass
class Change:
    """Settings that changed together.

    Attributes:
        settings: Name to the values before and after.
        time: Time of the last change, in seconds.
        title: Description to use instead of the settings' names.
    """

    settings: dict[str, tuple[Any, Any]]
    time: float
    title: str = ""

    @property
    def words(self) -> str:
        """Description of the change, such as ``p 0.5 → 0.7``."""
        if self.title:
            return self.title
        parts = [
            f"{_WORDS.get(name, name)} {_formatted(name, old)} → {_formatted(name, new)}"
            for name, (old, new) in self.settings.items()
        ]
        return ", ".join(parts)

    def is_continued_by(self, later: Change) -> bool:
        """Return whether ``later`` is another move of the same slider, within :data:`COALESCE_SECONDS`."""
        title, soon = self.title or later.title, later.time - self.time < COALESCE_SECONDS
        return not title and soon and self.settings.keys() == later.settings.keys()


def _formatted(name: str, value: Any) -> str:
    if name == "classes":
        return f"{len(value):,}"
    if name == "chosen":
        return f"“{shortened(' − '.join(value), 30)}”"
    if name == "text":
        return f"“{shortened(value, 30)}”"
    if name == "stop_at":
        return "none" if value is None else f"{100 * value:.3g} %"
    if name == "method":
        return CATALOGUE[value].label if value in CATALOGUE else str(value)
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value).replace("_", "–")


class History:
    """The changes so far; the last one is reverted first."""

    def __init__(self) -> None:
        self._changes: list[Change] = []
        self._open: Change | None = None

    @property
    def words(self) -> str:
        """Description of the change that :meth:`pop` reverts; empty if there is none."""
        return self._changes[-1].words if self._changes else ""

    def note(self, name: str, old: Any, new: Any, now: float) -> None:
        """Record that ``name`` changed from ``old`` to ``new`` at ``now`` (seconds)."""
        if old != new:
            with self.together() as change:
                first, _ = change.settings.get(name, (old, new))
                change.settings[name], change.time = (first, new), now

    @contextmanager
    def together(self, title: str = "") -> Generator[Change]:
        """Record the changes within the context as one."""
        if self._open is not None:
            yield self._open
            return
        change = self._open = Change({}, 0.0, title)
        try:
            yield change
        finally:
            self._open = None
            self._add(change)

    @contextmanager
    def paused(self) -> Generator[None]:
        """Record no changes within the context."""
        outer, self._open = self._open, Change({}, 0.0)
        try:
            yield
        finally:
            self._open = outer

    def _add(self, change: Change) -> None:
        if self._changes and self._changes[-1].is_continued_by(change):
            earlier = self._changes.pop()
            settings = {name: (earlier.settings[name][0], new) for name, (_, new) in change.settings.items()}
            change = Change(settings, change.time)
        if any(old != new for old, new in change.settings.values()):
            self._changes.append(change)
            del self._changes[:-_MAX_CHANGES]

    def pop(self) -> dict[str, Any]:
        """Remove the last change and return the values before it; empty if there is none."""
        return {name: old for name, (old, _) in self._changes.pop().settings.items()} if self._changes else {}


class Undo:
    """Undo and reset of a widget's settings; a reset restores those at the construction."""

    def __init__(self, screen: Screen) -> None:
        self._screen, self._traits = screen, screen.traits
        self._history = History()
        self._initial = {name: getattr(screen.traits, name) for name in SETTINGS}
        screen.traits.observe(self._note, UNDO_SETTINGS)

    def undo(self) -> None:
        """Revert the last change; raise :class:`InputError` if there is none."""
        with self._screen.lock, self._history.paused():
            before = self._history.pop()
            if not before:
                raise InputError("There is nothing to undo.")
            self._apply(before)
            self._traits.undoable = self._history.words

    def reset(self) -> None:
        """Restore the initial settings as one change."""
        with self.together("reset"):
            self._apply(self._initial)

    @contextmanager
    def together(self, title: str = "") -> Generator[None]:
        """Record the changes within the context as one; the worker's notifications do not interleave."""
        with self._screen.lock:
            with self._history.together(title):
                yield
            self._traits.undoable = self._history.words

    def _apply(self, settings: dict[str, Any]) -> None:
        with self._screen.publishing():
            for name in in_order(settings):
                if getattr(self._traits, name) != settings[name]:
                    setattr(self._traits, name, settings[name])

    def _note(self, change: Any) -> None:
        traits = self._traits
        if change["name"] == "text" and traits.classes:
            return  # it follows the chosen class
        with self.together():
            self._history.note(change["name"], change["old"], change["new"], time.monotonic())
            orders = CATALOGUE[traits.method].orders if change["name"] == "method" else (traits.order,)
            if traits.order not in orders:
                traits.order = orders[0]


def in_order(settings: Iterable[str]) -> list[str]:
    """Return the names of settings in order of dependence: the method determines orders, and classes the choice."""
    first = ("method", "classes", "chosen")
    return sorted(settings, key=lambda name: first.index(name) if name in first else len(first))
