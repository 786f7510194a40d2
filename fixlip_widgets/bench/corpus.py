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
from fixlip_widgets.corpus.settings import DEFAULT_BUDGET, ModelSource, Settings
from fixlip_widgets.corpus.tasks import Pair, tasks_of
from fixlip_widgets.support.meter import Meter, metered

_SCENES = 1
"""Scenes for each number of objects, one to four: 4 pairs."""
_BUDGETS = {DEFAULT_BUDGET: " (target: at least 0.9)", 2**12: ""}
"""Budgets of the throughput: that of :func:`fixlip_widgets.explain_corpus`, and a small one, where fits weigh more."""
_ROUNDS = 2
_MANY = 100
"""Scenes for each number of objects, for the memory: 400 pairs of few players and masks."""
_SMALL: dict[str, Any] = {"grid": (2, 2), "budget": 2**6, "words": True}
_FOR_WORKERS: dict[str, int] = {"scenes": 5, "budget": 2**10}


def rows() -> Iterator[Row]:
    """Yield throughput ÷ bare encoders, the growth of memory over rows, and the throughput of two workers ÷ one."""
    model = fx.load_model()
    with tempfile.TemporaryDirectory() as folder:
        yield from _throughput(model, Path(folder))
        yield from _memory(model, Path(folder))
    if find_spec("ray"):
        yield from _workers(model)


def _throughput(model: fx.Model, folder: Path) -> Iterator[Row]:
    """Yield the rows a second, and the time and the CPU time of the bare encoders ÷ those of a corpus."""
    for budget, target in _BUDGETS.items():
        whole, bare = list[Meter](), list[Meter]()
        for number in range(_ROUNDS):  # in turn, so that disturbances affect both
            with metered() as cost:
                corpus = _explained(folder / f"{budget}-{number}", model=model, scenes=_SCENES, budget=budget)
            whole.append(cost)
            bare.append(_encoded(model, corpus))
        seconds, cpu = min(each.seconds for each in whole), min(each.cpu_seconds for each in whole)
        name = f"{4 * _SCENES} demo scenes, budget 2^{budget.bit_length() - 1}, local engine"
        yield Row(name, 4 * _SCENES / seconds, "rows/s")
        yield Row(f"  ÷ the bare encoders on as many masks{target}", min(each.seconds for each in bare) / seconds)
        yield Row("  the same, by CPU time of this process", min(each.cpu_seconds for each in bare) / cpu)


def _encoded(model: fx.Model, corpus: fx.Corpus) -> Meter:
    """Return the cost of the encoders alone, in full batches, for as many masks as the corpus has encoded."""
    total, random = Meter(), torch.Generator().manual_seed(0)
    table = corpus.table.sort_values("number")
    for row, image, text in zip(rows_of("demo", _SCENES), table["image_encodes"], table["text_encodes"], strict=True):
        pair = row.read()
        game = fx.VisionLanguageGame(model, pair.image, pair.caption)
        towers = (game.encoder("image"), game.n_image, image), (game.encoder("text"), game.n_text, text)
        drawn = [(encode, torch.rand(count, n, generator=random) < 0.5) for encode, n, count in towers]
        with metered() as cost, torch.inference_mode():
            for encode, masks in drawn:
                for batch in masks.to(model.device).split(game.batch.size):
                    encode(batch)
        total.seconds += cost.seconds
        total.cpu_seconds += cost.cpu_seconds
    return total


def _memory(model: fx.Model, folder: Path) -> Iterator[Row]:
    """Yield the resident memory after each quarter of many small pairs; the folder grows in four runs."""
    first = 0.0
    for quarter in (1, 2, 3, 4):
        corpus = _explained(folder / "many", model=model, scenes=_MANY * quarter // 4, **_SMALL)
        used = _resident()
        first = first or used
        if quarter == 1:
            yield Row(f"resident memory after {len(corpus):,} rows", used, "MB")
        else:
            yield Row(f"  that after {len(corpus):,} rows ÷ this", used / first, "×", at_most=1.1)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _workers(model: fx.Model) -> Iterator[Row]:
    """Yield the rows a second of one and of two Ray actors from the first rows on, without the start of the cluster."""
    import ray

    from fixlip_widgets.corpus.ray_engine import explain_on_ray

    settings = Settings(budget=_FOR_WORKERS["budget"]).checked()
    data = rows_of("demo", _FOR_WORKERS["scenes"])
    tasks = tasks_of(((Pair(row.name, "demo", number), row) for number, row in enumerate(data)), ())
    rates = dict[int, float]()
    for count in (1, 2):
        ray.init("local", num_cpus=count, include_dashboard=False, log_to_driver=False, object_store_memory=2**28)
        tables = explain_on_ray(tasks, model, ModelSource(), settings, count, None)
        next(tables)
        start = time.perf_counter()
        rates[count] = sum(table.num_rows for table in tables) / (time.perf_counter() - start)
        ray.shutdown()
    yield Row("one Ray actor, budget 2^10", rates[1], "rows/s")
    yield Row("  two Ray actors ÷ one", rates[2] / rates[1], "×")


def _explained(folder: Path, **options: Any) -> fx.Corpus:
    return fx.explain_corpus("demo", folder, progress=False, **options)
