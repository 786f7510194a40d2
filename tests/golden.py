"""Golden cases in ``tests/data/golden``; see the README there for their source."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file

from fixlip_widgets import Model, VisionLanguageGame, load_model

DATA = Path(__file__).parent / "data" / "golden"
CROSSMODAL = sorted(path.stem for path in DATA.glob("crossmodal_*.npz"))
JOINT = sorted(path.stem for path in DATA.glob("joint_*.npz"))


@cache
def load(name: str) -> dict[str, Any]:
    with np.load(DATA / f"{name}.npz") as stored:
        return dict(stored)


@cache
def tiny_weights() -> dict[str, torch.Tensor]:
    state = load_file(DATA / "tiny_clip_weights.safetensors")
    values, rows = state.pop("token_values"), state.pop("token_rows")
    embedding = torch.zeros(49408, values.shape[1])
    embedding[rows] = values
    return {**state, "token_embedding.weight": embedding}


@cache
def tiny_clip() -> Model:
    """Return the tiny CLIP whose game the research code evaluated."""
    model = load_model(str(DATA / "tiny_clip.json"), pretrained=False, device="cpu")
    model.clip.load_state_dict(tiny_weights())
    return model


def tiny_pixels() -> torch.Tensor:
    return torch.tensor(load("tiny_clip_expected")["pixel_values"])


def tiny_game(caption: int = 0, **options: Any) -> VisionLanguageGame:
    """Return a new game of one of the two captions: 16 patches with 8 tokens or with 2."""
    text = str(load("tiny_clip_expected")["captions"][caption])
    return VisionLanguageGame(tiny_clip(), tiny_pixels(), text, **options)
