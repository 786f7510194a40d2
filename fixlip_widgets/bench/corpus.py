"""Throughput and memory of a corpus: relative to the bare encoders, over many rows, and with two workers."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

import fixlip_widgets as fx
from fixlip_widgets.bench.measure import Row
from fixlip_widgets.corpus.pairs import rows_of

_SCENES = 12
"""Scenes for each number of objects: 48 pairs."""
_BUDGET = 2**14
_MANY = 500
"""Scenes for each number of objects, for the memory: 2,000 pairs of few players and masks."""
_SMALL: dict[str, Any] = {"grid": (2, 2), "budget": 2**6, "words": True}


def rows() -> Iterator[Row]:
    """Yield throughput ÷ bare encoders, the growth of memory over rows, and the throughput of two workers ÷ one."""
    model = fx.load_model()
    with tempfile.TemporaryDirectory() as folder:
        yield from _throughput(model, Path(folder))
        yield from _memory(model, Path(folder))
        if find_spec("ray"):
            yield from _workers(Path(folder))


def _throughput(model: fx.Model, folder: Path) -> Iterator[Row]:
    start = time.perf_counter()
    corpus = _explained(folder / "one", model=model, scenes=_SCENES, budget=_BUDGET)
    whole = time.perf_counter() - start
    bare = _encoded(model, corpus)
    yield Row(f"{len(corpus)} demo scenes, budget 2^14", len(corpus) / whole, "rows/s")
    yield Row("  the bare encoders' time on as many masks ÷ this time (target: at least 0.9)", bare / whole)


def _encoded(model: fx.Model, corpus: fx.Corpus) -> float:
    """Return the time of the encoders alone, in full batches, for as many masks as the corpus has encoded."""
    pairs = [row.read() for row in rows_of("demo", _SCENES)]
    total = 0.0
    for pair, row in zip(pairs, corpus.table.sort_values("number").to_dict("records"), strict=True):
        game = fx.VisionLanguageGame(model, pair.image, pair.caption)
        masks = [
            torch.rand(row["image_encodes"], game.n_image, generator=torch.Generator().manual_seed(0)) < 0.5,
            torch.rand(row["text_encodes"], game.n_text, generator=torch.Generator().manual_seed(0)) < 0.5,
        ]
        start = time.perf_counter()
        with torch.inference_mode():
            for encode, drawn in zip((game.encoder("image"), game.encoder("text")), masks, strict=True):
                for batch in drawn.to(model.device).split(game.batch.size):
                    encode(batch)
        total += time.perf_counter() - start
    return total


def _memory(model: fx.Model, folder: Path) -> Iterator[Row]:
    """Yield the resident memory after each quarter of many small pairs; the folder grows in four runs."""
    first = 0.0
    for quarter in (1, 2, 3, 4):
        corpus = _explained(folder / "many", model=model, scenes=_MANY * quarter // 4, **_SMALL)
        used = _resident()
        first = first or used
        yield Row(f"memory after {len(corpus):,} rows ÷ that after the first quarter", used / first, "×", at_most=1.1)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _workers(folder: Path) -> Iterator[Row]:
    """Yield the time with one Ray actor ÷ that with two, without the start of the cluster."""
    import ray

    times = dict[int, float]()
    for count in (1, 2):
        ray.init("local", num_cpus=count, include_dashboard=False, log_to_driver=False, object_store_memory=2**28)
        start = time.perf_counter()
        _explained(folder / f"ray {count}", scenes=_SCENES, budget=_BUDGET, engine="ray", workers=count)
        times[count] = time.perf_counter() - start
        ray.shutdown()
    yield Row("one Ray actor, with the time to load the model", times[1], "s")
    yield Row("  ÷ two Ray actors", times[1] / times[2], "×")


def _explained(folder: Path, **options: Any) -> fx.Corpus:
    return fx.explain_corpus("demo", folder, progress=False, **options)
