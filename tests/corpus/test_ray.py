"""The Ray engine on three nodes: the rows of the local one, also if a process is killed and a node is lost."""

from __future__ import annotations

import copy
import os
import signal
import threading
import time
from collections.abc import Collection, Generator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

import fixlip_widgets as fx
from fixlip_widgets.cli import main
from fixlip_widgets.corpus.parts import list_parts, read_part

from .conftest import SETTINGS, explained

ray = pytest.importorskip("ray")
pytestmark = [  # of Ray's own modules
    pytest.mark.slow,
    *(pytest.mark.filterwarnings(f"ignore::{kind}:ray") for kind in ("DeprecationWarning", "FutureWarning")),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Generator[tuple[Any, list[Any]]]:
    """Start a cluster of three nodes, and yield it with the two that are not the head.

    Its processes do not load a grammar that Jupyter's jsonschema compiles for seconds.
    """
    from ray.cluster_utils import Cluster

    stub = tmp_path_factory.mktemp("stub") / "rfc3987_syntax.py"
    stub.write_text("raise ImportError", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(stub.parent), prepend=os.pathsep)
        patch.setenv("RAY_worker_register_timeout_seconds", "300")
        patch.setenv("RAY_AUTH_MODE", "disabled")
        patch.setenv("RAY_worker_niceness", "0")  # by default 15: other tests would starve the workers
        node = {"num_cpus": 1, "object_store_memory": 100 * 2**20}
        cluster = Cluster(initialize_head=True, head_node_args={**node, "include_dashboard": False})
        others = [cluster.add_node(**node) for _ in range(2)]
        ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
        yield cluster, others
        ray.shutdown()
        cluster.shutdown()


def assert_equal(found: fx.Corpus, expected: fx.Corpus, names: Collection[str] | None = None) -> None:
    """The rows are equal: all, or those of these names."""
    tables = [each.table.drop(columns="seconds").sort_values("id", ignore_index=True) for each in (found, expected)]
    if names is not None:
        tables = [table[table["id"].isin(names)].reset_index(drop=True) for table in tables]
    pd.testing.assert_frame_equal(tables[0], tables[1], rtol=1e-3, atol=1e-4)
    for name in tables[1]["id"][~tables[1]["failed"]]:
        assert abs(found[name].interactions - expected[name].interactions).max() < 1e-3
        assert found.thumbnail(name) == expected.thumbnail(name)


def fatal(model: fx.Model, caption: str) -> fx.Model:
    """Return a copy of the model that ends every other process that reads the caption."""
    driver = os.getpid()

    class Tokenizer(type(model.tokenizer)):
        def encode(self, text: str) -> list[int]:
            if text == caption and os.getpid() != driver:
                os.kill(os.getpid(), signal.SIGKILL)
            return super().encode(text)

    model = copy.copy(model)
    model.tokenizer = copy.copy(model.tokenizer)
    model.tokenizer.__class__ = Tokenizer
    return model


def test_rows_equal_those_of_the_local_engine_unless_their_image_ends_every_process(
    corpus: fx.Corpus, pairs: Path, model: fx.Model, tmp_path: Path
) -> None:
    out = explained(pairs, tmp_path / "out", fatal(model, "a bus"), engine="ray", workers=1).folder
    found = fx.Corpus(out)
    assert len(found) == len(corpus) == 6
    ended = found.table["error"].str.contains("ended abnormally")
    assert set(found.table["caption"][ended]) == {"a car in a street", "a bus"}
    assert all(found.thumbnail(name) is not None for name in found.table["id"][ended])
    assert_equal(found, corpus, found.table["id"][~ended].tolist())


def test_an_evaluation_on_ray_has_the_records_of_a_local_one(tmp_path: Path) -> None:
    options = ["evaluate", "--scenes", "1", "--methods", "random", "--masks", "20", "--p", "0.5"]
    scores = {}
    for engine in ("ray", "local"):
        assert main([*options, "--engine", engine, "--out", str(tmp_path / engine)]) == 0
        table = pd.read_parquet(tmp_path / engine / "results.parquet").sort_values("name", ignore_index=True)
        scores[engine] = table[["name", "similarity", "r2 p=0.5", "aid"]]
    assert len(scores["ray"]) == 4
    pd.testing.assert_frame_equal(scores["ray"], scores["local"], rtol=1e-3, atol=1e-4)


def written(folder: Path) -> int:
    try:
        return sum(read_part(part.path, ("id",)).num_rows for part in list_parts(folder))
    except FileNotFoundError:  # the folder is not there yet, or a part was joined
        return 0


def test_a_run_ends_by_itself_after_a_process_and_a_node_are_lost(
    model: fx.Model, nodes: tuple[Any, list[Any]], tmp_path: Path
) -> None:
    cluster, others = nodes
    options = {"scenes": 15, "budget": 2**8}
    lost_at = list[int]()

    def lose() -> None:
        for share, loss in ((0.2, lose_process), (0.4, lambda: cluster.remove_node(others[0], allow_graceful=False))):
            while written(tmp_path / "ray") < share * 60:
                time.sleep(0.01)
            loss()
            lost_at.append(written(tmp_path / "ray"))

    def lose_process() -> None:
        workers = [
            each for each in psutil.process_iter(["cmdline"]) if "MapWorker" in "".join(each.info["cmdline"] or ())
        ]
        workers[0].send_signal(signal.SIGKILL)

    thread = threading.Thread(target=lose, daemon=True)
    thread.start()
    found = fx.explain_corpus("demo", tmp_path / "ray", engine="ray", workers=3, **{**SETTINGS, **options})
    thread.join(timeout=10)
    assert len(lost_at) == 2
    assert lost_at[1] < len(found) == 60
    assert found.complete
    assert_equal(found, explained("demo", tmp_path / "local", model, **options))
