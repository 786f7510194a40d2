"""Explanations shared by several tests: a real one, and random ones of any shape."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from fixlip_widgets.explanation.explanation import Explanation

DATA = Path(__file__).parent / "data" / "dog_and_hydrant"


@cache
def dog_and_hydrant(method: str = "fixlip") -> Explanation:
    """Return OpenAI's CLIP on "black dog next to a yellow hydrant", 7 × 7 patches and 8 tokens; see its README."""
    with np.load(DATA / "explanations.npz", allow_pickle=False) as stored:
        numbers = {name: stored[f"{method}_{name}"] for name in ("main", "interactions")}
        baseline, tokens = float(stored[f"{method}_baseline"]), tuple(stored["tokens"].tolist())
        rows, columns = stored["grid"].tolist()
    with Image.open(DATA / "image.jpg") as picture:
        image = np.asarray(picture.convert("RGB").resize((224, 224), Image.Resampling.BICUBIC))
    return Explanation(
        **numbers,
        baseline=baseline,
        tokens=tokens,
        grid=(rows, columns),
        caption="black dog next to a yellow hydrant",
        image=image,
        budget=2_096_976,
        model={"name": "ViT-B-32", "pretrained": "openai"},
    )


def random_explanation(
    rows: int = 2, columns: int = 3, tokens: tuple[str, ...] = ("a", "red", "dog"), draw: int = 0, **fields: Any
) -> Explanation:
    """Return normal main effects and interactions, standard errors (one unknown) and a random image."""
    rng = np.random.default_rng(draw)
    n = rows * columns + len(tokens)
    upper = np.triu(rng.normal(size=(n, n)), 1)
    errors = np.triu(rng.uniform(0.05, 1.0, size=(n, n)), 1)
    errors[0, 1] = np.nan
    defaults: dict[str, Any] = {
        "baseline": float(rng.normal()),
        "main": rng.normal(size=n),
        "interactions": upper + upper.T,
        "main_se": rng.uniform(0.05, 1.0, size=n),
        "interactions_se": errors + errors.T,
        "tokens": tokens,
        "grid": (rows, columns),
        "image": rng.integers(0, 256, size=(16 * rows, 16 * columns, 3), dtype=np.uint8),
        "caption": " ".join(tokens),
    }
    return Explanation(**{**defaults, **fields})
