"""The Ray engine: the rows of the local one, also if a process that reads images is killed."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path

import pandas as pd
import pytest

import fixlip_widgets as fx
from fixlip_widgets.cli import main

from .conftest import explained

ray = pytest.importorskip("ray")
pytestmark = [  # of Ray's own modules
    pytest.mark.slow,
    *(pytest.mark.filterwarnings(f"ignore::{kind}:ray") for kind in ("DeprecationWarning", "FutureWarning")),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


@pytest.fixture(scope="module", autouse=True)
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Start a cluster whose processes do not load a grammar that Jupyter's jsonschema compiles for seconds."""
    stub = tmp_path_factory.mktemp("stub") / "rfc3987_syntax.py"
    stub.write_text("raise ImportError", "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(stub.parent), prepend=os.pathsep)
        patch.setenv("RAY_worker_register_timeout_seconds", "300")
        patch.setenv("RAY_AUTH_MODE", "disabled")
        options = {"address": "local", "include_dashboard": False, "log_to_driver": False, "logging_level": "error"}
        ray.init(num_cpus=2, object_store_memory=200 * 2**20, **options)
        yield
        ray.shutdown()


def test_rows_equal_those_of_the_local_engine(corpus: fx.Corpus, pairs: Path, tmp_path: Path) -> None:
    found = fx.Corpus(explained(pairs, tmp_path / "out", None, engine="ray", workers=1).folder)
    costs = ["seconds"]
    tables = [each.table.drop(columns=costs).sort_values("id", ignore_index=True) for each in (found, corpus)]
    pd.testing.assert_frame_equal(*tables, rtol=1e-3, atol=1e-4)
    for name in corpus.where("not failed").table["id"]:
        assert abs(found[name].interactions - corpus[name].interactions).max() < 1e-3
        assert found.thumbnail(name) == corpus.thumbnail(name)


def test_an_evaluation_on_ray_has_the_records_of_a_local_one(tmp_path: Path) -> None:
    options = ["evaluate", "--scenes", "1", "--methods", "random", "--masks", "20", "--p", "0.5"]
    scores = {}
    for engine in ("ray", "local"):
        assert main([*options, "--engine", engine, "--out", str(tmp_path / engine)]) == 0
        table = pd.read_parquet(tmp_path / engine / "results.parquet").sort_values("name", ignore_index=True)
        scores[engine] = table[["name", "similarity", "r2 p=0.5", "aid"]]
    assert len(scores["ray"]) == 4
    pd.testing.assert_frame_equal(scores["ray"], scores["local"], rtol=1e-3, atol=1e-4)
