"""Packaged demo: a small trained CLIP, labelled scenes, and the commands that train and evaluate the model."""

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
    """Return the path of the packaged weights (safetensors)."""
    return Path(__file__).parent / "model" / "open_clip.safetensors"


def config_path() -> Path:
    """Return the path of the packaged open_clip configuration (JSON)."""
    return Path(__file__).parent / "model" / "open_clip_config.json"
