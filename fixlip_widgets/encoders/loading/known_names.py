"""Infer settings that a config or weights file does not record from the names that open_clip lists."""

from __future__ import annotations

import json
from collections.abc import Container
from pathlib import Path
from typing import Any

from fixlip_widgets.encoders.loading.mismatched_weights import has_quick_gelu
from fixlip_widgets.support.notices import warn
from fixlip_widgets.support.open_clip import open_clip

_TAG_FIELDS = ("mean", "std", "interpolation", "resize_mode")
_OPENAI: dict[str, Any] = {
    "mean": open_clip.OPENAI_DATASET_MEAN,
    "std": open_clip.OPENAI_DATASET_STD,
    "interpolation": "bicubic",
    "resize_mode": "shortest",
}
"""Settings of a tag that specifies none."""


def names_of(model_cfg: dict[str, Any]) -> list[str]:
    """Return the open_clip names of an architecture, whatever its activation."""
    own = _architecture(model_cfg)
    return [name for name in open_clip.list_models() if _architecture(open_clip.get_model_config(name) or {}) == own]


def usual_preprocessing(names: list[str]) -> dict[str, Any]:
    """Return the preprocessing settings shared by all tags of some names, for weights that come from a file."""
    values = {field: list(_values(names, field).values()) for field in _TAG_FIELDS}
    return {field: found[0] for field, found in values.items() if len(set(found)) == 1}


def warn_of_preprocessing(names: list[str], configured: Container[str]) -> None:
    """Warn of preprocessing settings that differ between the tags of some names, unless they are ``configured``."""
    differing = dict[str, None]()
    for field in _TAG_FIELDS:
        values = _values(names, field)
        if field not in configured and len(set(values.values())) > 1:
            differing |= {label: None for label, value in values.items() if value != _OPENAI[field]}
    if differing:
        warn(
            "A weights file does not record its preprocessing. OpenAI's is used, which is not that of "
            f"{', '.join(differing)}. For those weights, pass their tag as pretrained=, or preprocess= with their "
            "mean, std and resize_mode."
        )


def warn_of_activation(names: list[str], weights: Any) -> None:
    """Warn if a weights file may have another activation than the models of its name."""
    plain = next((name for name in names if f"{name}-quickgelu" in open_clip.list_models()), None)
    if plain is not None and not has_quick_gelu(Path(weights)):
        warn(
            f"{plain} uses GELU, and a weights file does not record its activation. If the weights use QuickGELU, as "
            f"OpenAI's do, pass quick_gelu=True or the name '{plain}-quickgelu'; otherwise pass quick_gelu=False."
        )


def _architecture(model_cfg: dict[str, Any]) -> str:
    """Return a config without its preprocessing and activation, as text."""
    kept = {name: value for name, value in model_cfg.items() if name not in ("preprocess_cfg", "quick_gelu")}
    return json.dumps(kept, sort_keys=True, default=str)


def _values(names: list[str], field: str) -> dict[str, Any]:
    """Return the setting of each tag of some names."""
    settings = dict[str, Any]()
    for name in names:
        for tag in open_clip.list_pretrained_tags_by_model(name):
            value: Any = open_clip.pretrained.get_pretrained_cfg(name, tag).get(field) or _OPENAI[field]
            settings[f"{name} ({tag})"] = value if isinstance(value, str) else tuple(value)
    return settings
