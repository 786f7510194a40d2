"""Widgets on the tiny model, as a front end sees them: messages in, messages out, no browser."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch

from fixlip_widgets import FixlipWidget, IncrementalExplainer, Model, VisionLanguageGame
from fixlip_widgets.pages.packed_arrays import from_wire
from tests.golden import tiny_clip, tiny_pixels

CAPTION = "a dog next to a cat"
SECONDS = 60.0
"""How long a test waits for the worker before it fails; nothing here takes nearly as long."""


class Wire:
    """The front end's end of a widget's connection."""

    def __init__(self, widget: FixlipWidget, monkeypatch: pytest.MonkeyPatch) -> None:
        self.widget = widget
        self.messages: list[dict[str, Any]] = []
        self.updates: list[dict[str, Any]] = []
        monkeypatch.setattr(widget.comm, "publish_msg", self._receive)

    def _receive(self, msg_type: str, data: dict[str, Any] | None = None, **_: Any) -> None:
        if data and data["method"] == "custom":
            self.messages.append(data["content"])
        elif data and data["method"] == "update":
            self.updates.append(data["state"])

    def set(self, **state: Any) -> None:
        """What arrives when a view changes settings."""
        self._send({"method": "update", "state": state, "buffer_paths": []})

    def ask(self, content: Any) -> None:
        """What arrives when a view sends a message."""
        self._send({"method": "custom", "content": content})

    def _send(self, data: dict[str, Any]) -> None:
        self.widget._handle_msg({"content": {"data": data}, "buffers": []})

    def refusals(self) -> list[tuple[str, str]]:
        return [(message["name"], message["message"]) for message in self.messages if message["type"] == "refused"]


@pytest.fixture
def make_widget() -> Iterator[Callable[..., FixlipWidget]]:
    """Makes widgets on the tiny model, in small batches, and closes them after the test."""
    made: list[FixlipWidget] = []

    def make(model: Model | None = None, text: str = CAPTION, **options: Any) -> FixlipWidget:
        game = VisionLanguageGame(model or tiny_clip(), tiny_pixels(), text, batch_size=16)
        widget = FixlipWidget(explainer=IncrementalExplainer(game), **{"budget": 2**11, "idle_share": 0.0, **options})
        made.append(widget)
        return widget

    yield make
    for widget in made:
        widget.close()


@pytest.fixture
def widget(make_widget: Callable[..., FixlipWidget]) -> FixlipWidget:
    """A widget whose first refinement is done."""
    widget = make_widget()
    assert widget.wait(SECONDS)
    return widget


@pytest.fixture
def wire(widget: FixlipWidget, monkeypatch: pytest.MonkeyPatch) -> Wire:
    return Wire(widget, monkeypatch)


@pytest.fixture
def breakable() -> Model:
    """A copy of the tiny model that a test may break."""
    return copy.deepcopy(tiny_clip())


class Fault:
    """What a block of an image encoder does to its output; nothing until a test sets ``act``."""

    def __init__(self) -> None:
        self.act: Callable[[torch.Tensor], torch.Tensor] | None = None

    def __call__(self, _module: torch.nn.Module, _inputs: Any, output: torch.Tensor) -> torch.Tensor | None:
        return self.act(output) if self.act else None


@pytest.fixture
def fault(breakable: Model) -> Fault:
    """The fault of ``breakable``, whose hooks do not change when it occurs."""
    fault = Fault()
    breakable.clip.visual.transformer.resblocks[0].register_forward_hook(fault)
    return fault


def numbers(wire: dict[str, Any]) -> np.ndarray:
    """An array as the view reads it."""
    return from_wire(wire)
