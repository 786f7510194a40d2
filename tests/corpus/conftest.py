"""A small set of pairs, and its corpus: two packaged scenes with two captions each, and two rows that fail."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

import fixlip_widgets as fx

SETTINGS: dict[str, Any] = {"grid": (3, 3), "budget": 2**9, "progress": False}
"""Few players and masks: an explanation takes tens of milliseconds."""
PAIRS = (
    ("dog_and_banana", "a dog next to a banana"),
    ("dog_and_banana", "a dog and a cat"),
    ("street", "a car in a street"),
    ("street", "a bus"),
)


@pytest.fixture(scope="session")
def model() -> fx.Model:
    return fx.load_model()


@pytest.fixture(scope="session")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    for name in {name for name, _ in PAIRS}:
        fx.demo.scene(name).image.save(folder / f"{name}.png")
    (folder / "damaged.png").write_bytes((folder / "street.png").read_bytes()[:500])
    rows = [*((f"{name}.png", caption) for name, caption in PAIRS), ("damaged.png", "a dog"), ("street.png", " ")]
    table = folder / "pairs.csv"
    table.write_text("image,caption\n" + "".join(f"{image},{caption}\n" for image, caption in rows), "utf-8")
    return table


def explained(data: Any, out: Path, model: fx.Model, **options: Any) -> fx.Corpus:
    """Return the corpus of ``data``, whose failures are expected."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "[0-9,]+ pairs? of", fx.FixlipWarning)
        return fx.explain_corpus(data, out, model=model, **{**SETTINGS, **options})


@pytest.fixture(scope="session")
def corpus(pairs: Path, model: fx.Model, tmp_path_factory: pytest.TempPathFactory) -> fx.Corpus:
    return explained(pairs, tmp_path_factory.mktemp("corpus") / "explanations", model)
