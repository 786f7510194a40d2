"""The packaged demo: a small trained CLIP, labelled scenes to explain, and the commands that make and measure it."""

from __future__ import annotations

from pathlib import Path

from fixlip_widgets.demo.composer import Scene, compose
from fixlip_widgets.demo.concepts import backgrounds, names
from fixlip_widgets.demo.gallery import MISTAKES, SCENES, scene, scenes

__all__ = [
    "MISTAKES",
    "SCENES",
    "Scene",
    "backgrounds",
    "compose",
    "config_path",
    "model_path",
    "names",
    "scene",
    "scenes",
]


def model_path() -> Path:
    """The packaged model's weights (safetensors)."""
    return Path(__file__).parent / "model" / "open_clip.safetensors"


def config_path() -> Path:
    """The packaged model's open_clip configuration (JSON)."""
    return Path(__file__).parent / "model" / "open_clip_config.json"
