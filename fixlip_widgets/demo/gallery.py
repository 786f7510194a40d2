"""Predefined scenes to explain; the model understands most of them and gets some wrong."""

from __future__ import annotations

from typing import TypedDict

from fixlip_widgets.demo.composer import Scene, compose
from fixlip_widgets.errors import InputError


class _Recipe(TypedDict, total=False):
    names: list[str]
    background: str
    seed: int
    relation: str
    mention_background: bool


SCENES: dict[str, _Recipe] = {
    "dog_and_banana": {"names": ["dog", "banana"], "background": "green", "relation": "next to"},
    "owl_above_pizza": {"names": ["owl", "pizza"], "background": "blue", "relation": "above"},
    "guitar": {"names": ["guitar"], "background": "yellow", "mention_background": True},
    "three_apples": {"names": ["apple", "apple", "apple"], "background": "purple"},
    "street": {"names": ["car", "tree", "bicycle"], "background": "white"},
    "breakfast": {"names": ["croissant", "egg", "banana", "apple"], "background": "pink"},
    "dog": {"names": ["dog"], "background": "yellow"},
    "octopus": {"names": ["octopus"], "background": "red", "seed": 2},
}
"""Scene name -> the arguments of `compose`."""

MISTAKES: dict[str, str] = {"dog": "cow", "octopus": "dog"}
"""Single-object scenes that the packaged model misnames -> the wrong concept, whose caption is more similar.

Explain such a scene with both captions to see which patches support the wrong name."""


def scene(name: str) -> Scene:
    """Return a predefined scene.

    Raises:
        InputError: the name is unknown.
    """
    if name not in SCENES:
        raise InputError(f"There is no scene {name!r}; choose one of {', '.join(SCENES)}.")
    return compose(**SCENES[name])


def scenes() -> dict[str, Scene]:
    """Return all predefined scenes by name."""
    return {name: scene(name) for name in SCENES}
