"""The types of traits and messages: the same in Python, in TypeScript and in what a widget sends."""

from __future__ import annotations

import json
import runpy
import types
from pathlib import Path
from typing import Annotated, Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

import numpy as np
import pytest

from fixlip_widgets import FixlipWidget, IncrementalExplainer
from fixlip_widgets.explainers import record
from fixlip_widgets.pages import Recording, saved_types, settings, wire_types
from fixlip_widgets.pages.saved_page import saved
from fixlip_widgets.pages.traits import SETTINGS, STATUSES, WidgetTraits
from tests.examples import random_explanation
from tests.golden import tiny_game

GENERATOR = Path(__file__).parents[2] / "js" / "dev" / "wire_types.py"
FOR_THE_KERNEL = {"kept"}
"""Traits that are saved with a notebook and that the view does not read."""


def test_typescript_has_the_types_that_are_generated_now() -> None:
    generator = runpy.run_path(str(GENERATOR))
    for target, text in (
        ("TARGET", "typescript"),
        ("SAVED_TARGET", "saved_typescript"),
        ("GALLERY_TARGET", "gallery_typescript"),
    ):
        path = generator[target]
        assert path.read_text(encoding="utf-8") == generator[text](), f"run python js/dev/wire_types.py, commit {path}"


def test_every_trait_that_the_view_reads_has_a_type() -> None:
    assert set(get_type_hints(wire_types.Traits)) == set(WidgetTraits.class_trait_names(sync=True)) - FOR_THE_KERNEL
    assert set(get_type_hints(wire_types.Settings)) == SETTINGS


def test_literals_are_the_allowed_values() -> None:
    allowed = {"Sign": settings.SIGNS, "ViewName": settings.VIEWS, "Block": settings.BLOCKS, "Shown": settings.SHOWN}
    allowed |= {"Status": STATUSES}
    assert {name: get_args(getattr(wire_types, name)) for name in allowed} == allowed


def test_what_a_widget_sends_has_these_types(monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[dict[str, Any]] = []
    monkeypatch.setattr(FixlipWidget, "send", lambda self, content, buffers=None: messages.append(content))
    widget = FixlipWidget(explainer=IncrementalExplainer(tiny_game()), budget=2**11, idle_share=0.0, stop_at=1e-6)
    try:
        assert widget.wait(60)
        widget.selection, widget.removed = (0, 1), (0,)
        widget.pin()
        widget.measure()
        assert widget.wait(60)
        state = {name: getattr(widget, name) for name in get_type_hints(wire_types.Traits)}
    finally:
        widget.close()
    missing = {name for name, value in state.items() if value is None} - {
        "offline",
        "compare_with",
        "candidates",
        "class_maps",
    }
    assert missing == set()
    assert state["measured"]
    assert state["convergence"]
    assert mismatches(state, wire_types.Traits) == []
    assert {message["type"] for message in messages} >= {"progress", "measuring"}
    assert [wrong for message in messages for wrong in mismatches(message, wire_types.Progress)] == []


def test_a_saved_page_has_these_types() -> None:
    explainer = IncrementalExplainer(tiny_game())
    explainer.extend(0.5, 2**11)
    contents = saved(record(explainer, text=["a red dog"], playground=True, progress=False))
    del contents["settings"]
    assert len(contents["snapshots"]) > 2
    assert mismatches(contents, saved_types.SavedContents) == []
    regions = saved(Recording.of(random_explanation(2, 2, regions=np.array([[0, 1], [2, 3]]))))
    del regions["settings"]
    assert mismatches(regions, saved_types.SavedContents) == []


def mismatches(value: Any, kind: Any, where: str = "") -> list[str]:
    """Places in ``value`` that are not of the type ``kind``."""
    if is_typeddict(kind):
        hints = get_type_hints(kind, include_extras=True)
        required = {name for name, hint in hints.items() if get_origin(hint) is not NotRequired}
        if not isinstance(value, dict):
            return [f"{where}: {value!r}"]
        if not required <= set(value) <= set(hints):
            return [f"{where}: {set(value) ^ set(hints)}"]
        return [wrong for name in value for wrong in mismatches(value[name], hints[name], f"{where}.{name}")]
    origin, given = get_origin(kind), get_args(kind)
    if origin in (NotRequired, Annotated):
        return mismatches(value, given[0], where)
    if origin in (Union, types.UnionType):
        found = [mismatches(value, each, where) for each in given]
        return min(found, key=len)
    if origin is Literal:
        return [] if value in given else [f"{where}: {value!r}"]
    if origin in (list, tuple):
        if not isinstance(value, (list, tuple)):
            return [f"{where}: {value!r}"]
        kinds = given * len(value) if origin is list else given
        if len(kinds) != len(value):
            return [f"{where}: {value!r}"]
        pairs = zip(value, kinds, strict=True)
        return [wrong for item, one in pairs for wrong in mismatches(item, one, f"{where}[]")]
    if origin is dict:
        return [wrong for item in value.values() for wrong in mismatches(item, given[1], f"{where}{{}}")]
    return [] if isinstance(value, (int, float) if kind is float else kind) else [f"{where}: {value!r}"]


def test_the_front_end_is_tested_against_what_python_answers_now() -> None:
    written = runpy.run_path(str(GENERATOR.with_name("answers.py")))
    committed = json.loads(written["TARGET"].read_text(encoding="utf-8"))
    assert committed == json.loads(written["text"]()), "run python js/dev/answers.py and commit answers.json"
