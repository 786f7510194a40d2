"""The widget's settings: validation of values from Python and from the view, undo and reset."""

from __future__ import annotations

import threading
import time
from typing import Any

import anywidget
import ipywidgets
import traitlets as t

from fixlip_widgets.errors import InputError
from fixlip_widgets.explanation.methods import CATALOGUE, check_method
from fixlip_widgets.pages.js_bundle import Bundle, built, shared_bundle
from fixlip_widgets.pages.settings import CHECKS, check_order
from fixlip_widgets.pages.traits import Answers, Settings
from fixlip_widgets.widget.undo_history import RECORDED, History

WRITABLE = frozenset(Settings.class_trait_names())
"""Settings that a view may change."""
_METHOD_FIRST = "method"  # it determines the available orders


class BaseWidget(Settings, Answers, anywidget.AnyWidget):
    """Settings and answers as traits of an anywidget; subclasses define their effects."""

    _esm = built("loader.js")

    bundle = t.Instance(Bundle).tag(sync=True, **ipywidgets.widget_serialization)
    bundle_digest = t.Unicode().tag(sync=True)

    def __init__(self, **state: Any) -> None:
        self._ready = False
        self._publishing = threading.RLock()
        self._history = History()
        bundle = shared_bundle()
        super().__init__(bundle=bundle, bundle_digest=bundle.digest, **state)
        self._initial = {name: getattr(self, name) for name in WRITABLE}
        self._ready = True

    # -- validation ----------------------------------------------------------------------------------------------------

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Apply settings from the view; an invalid one is reported to the view and keeps its value."""
        accepted: dict[str, Any] = {}
        for name in sorted(sync_data, key=lambda name: name != _METHOD_FIRST):
            try:
                if name not in WRITABLE:
                    raise InputError(f"The view cannot change {name!r}.")
                accepted[name] = self._checked(name, sync_data[name], accepted.get("method", self.method))
            except InputError as error:
                self._refuse(name, str(error))
        if accepted:
            with self._publishing:  # the worker's notifications must not interleave
                with self._history.together():
                    super().set_state(accepted)
                self.undoable = self._history.words

    def _refuse(self, name: str, sentence: str) -> None:
        self.send({"type": "refused", "name": name, "message": sentence})
        if name in self.keys:
            self.send_state(name)

    def _checked(self, name: str, value: Any, method: str) -> Any:
        """Return ``value`` validated for the setting ``name`` under ``method``; raise InputError if it is invalid."""
        return check_order(value, CATALOGUE[check_method(method)]) if name == "order" else CHECKS[name](value)

    @t.validate(*sorted(WRITABLE))
    def _check_setting(self, proposal: Any) -> Any:
        return self._checked(proposal["trait"].name, proposal["value"], self.method)

    # -- undo and reset ------------------------------------------------------------------------------------------------

    def undo(self) -> None:
        """Revert the last change of a setting (see ``undoable``); consecutive moves of one slider are one change.

        Raises:
            InputError: There is nothing to undo.
        """
        with self._publishing, self._history.paused():
            before = self._history.pop()
            if not before:
                raise InputError("There is nothing to undo.")
            self._apply(before)
            self.undoable = self._history.words

    def reset(self) -> None:
        """Restore the initial value of every setting; :meth:`undo` reverts this."""
        with self._publishing:
            with self._history.together("reset"):
                self._apply(self._initial)
            self.undoable = self._history.words

    def _apply(self, settings: dict[str, Any]) -> None:
        with self.hold_sync():
            for name in sorted(settings, key=lambda name: name != _METHOD_FIRST):
                if getattr(self, name) != settings[name]:
                    setattr(self, name, settings[name])

    @t.observe(*RECORDED)
    def _note(self, change: Any) -> None:
        if not self._ready:
            return
        with self._publishing:
            with self._history.together():
                self._history.note(change["name"], change["old"], change["new"], time.monotonic())
                orders = CATALOGUE[self.method].orders if change["name"] == "method" else (self.order,)
                if self.order not in orders:
                    self.order = orders[0]
            self.undoable = self._history.words
