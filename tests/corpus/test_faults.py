"""What ends or damages a run: rows that are written stay, and the next run computes the missing ones only."""

from __future__ import annotations

import copy
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

import fixlip_widgets as fx
from fixlip_widgets.corpus.lock import is_locked, locked
from fixlip_widgets.corpus.parts import list_parts, read_part
from fixlip_widgets.corpus.schema import table_of
from fixlip_widgets.corpus.writer import Writer

from .conftest import SETTINGS, explained


def rows(*names: str, error: str = "x") -> pa.Table:
    common = {"failed": True, "error": error}
    return table_of([{"id": name, "caption": f"caption of {name}", **common} for name in names], 9)


def ids(folder: Path) -> list[str]:
    return [name for part in list_parts(folder) for name in read_part(part.path, ("id",))["id"].to_pylist()]


def same_rows(one: fx.Corpus, other: fx.Corpus) -> bool:
    costs = ["encodings", "seconds"]
    tables = [corpus.table.drop(columns=costs).sort_values("id", ignore_index=True) for corpus in (one, other)]
    pd.testing.assert_frame_equal(*tables, rtol=1e-3, atol=1e-4)
    return True


def test_a_thousand_rows_become_a_part(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    for start in range(0, 1010, 10):
        writer.append(rows(*(f"row {number}" for number in range(start, start + 10))))
    assert [part.path.suffix for part in list_parts(tmp_path)] == [".parquet", ".arrow"]
    assert ids(tmp_path) == [f"row {number}" for number in range(1010)]


def test_a_row_is_written_once_even_if_small_files_outlive_their_part(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.append(rows("a", "b"))
    writer.append(rows("b", "c"))
    small = {path.name: path.read_bytes() for path in tmp_path.glob("*.arrow")}
    writer.join()
    for name, content in small.items():  # the run was killed before it deleted them
        (tmp_path / name).write_bytes(content)
    assert ids(tmp_path) == ["a", "b", "c"]
    again = Writer(tmp_path)
    assert again.done == {name: f"caption of {name}" for name in "abc"}
    assert not list(tmp_path.glob("*.arrow"))
    again.append(rows("c", "d"))
    assert ids(tmp_path) == ["a", "b", "c", "d"]


def errors(folder: Path) -> dict[str, str]:
    tables = [read_part(part.path, ("id", "error")) for part in list_parts(folder)]
    return {name: error for table in tables for name, error in zip(*table.to_pydict().values(), strict=True)}


def test_retried_rows_replace_failed_ones_in_their_places(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.append(rows("a", "b", "c"))
    writer.join()
    writer.append(rows("d", "e"))
    again = Writer(tmp_path)
    again.retry_failed()
    for name in "be":
        again.append(rows(name, error="y"))
    assert errors(tmp_path) == dict.fromkeys("abcde", "x")  # readers see them at the end
    again.append(rows("b", "f", error="z"))
    again.join()
    assert ids(tmp_path) == [*"abcdef"]
    assert errors(tmp_path) == {"a": "x", "b": "y", "c": "x", "d": "x", "e": "y", "f": "z"}
    assert not list(tmp_path.glob("*.arrow"))


def test_rows_of_an_interrupted_retry_are_kept(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.append(rows("a", "b"))
    writer.join()
    writer.append(rows("c"))
    writer.join()
    again = Writer(tmp_path)
    again.retry_failed()
    again.append(rows("b", error="y"))
    again.append(rows("c", error="y"))
    small = {path.name: path.read_bytes() for path in tmp_path.glob("retried-*")}
    assert Writer(tmp_path).done.keys() == {*"abc"}
    assert errors(tmp_path) == {"a": "x", "b": "y", "c": "y"}
    for name, content in small.items():  # the run was killed before it deleted them
        (tmp_path / name).write_bytes(content)
    damaged = list_parts(tmp_path)[1].path
    damaged.write_bytes(damaged.read_bytes()[:-100])
    with pytest.warns(fx.FixlipWarning, match="is truncated"):
        Writer(tmp_path)
    assert errors(tmp_path) == {"a": "x", "b": "y", "c": "y"}
    assert not list(tmp_path.glob("retried-*"))


def test_failed_pairs_are_explained_again_on_request(model: fx.Model, pairs: Path, tmp_path: Path) -> None:
    for path in pairs.parent.iterdir():
        shutil.copy(path, tmp_path)
    table, folder = tmp_path / "pairs.csv", tmp_path / "out"
    corpus = explained(table, folder, model)
    before, seconds = corpus.table, corpus.table["seconds"]
    assert list(corpus.failures["id"]) == ["row 7", "row 6"]
    shutil.copy(tmp_path / "street.png", tmp_path / "damaged.png")
    table.write_text(table.read_text("utf-8").replace("street.png, \n", "street.png,a red car\n"), "utf-8")
    with pytest.raises(fx.InputError, match=r"row 7 was '' .* pass retry_failed=True"):
        explained(table, folder, model)
    explained(table, folder, model, retry_failed=True)
    assert corpus[list(before["id"]).index("row 7")].caption == "a red car"
    assert corpus.refresh() == 0
    assert list(corpus.table["id"]) == list(before["id"])
    assert not corpus.table["failed"].any()
    kept = ~before["failed"]
    assert (corpus.table["seconds"][kept] == seconds[kept]).all()
    assert len(corpus.failures) == 0


def test_a_part_cut_short_is_named_and_computed_again(
    corpus: fx.Corpus, model: fx.Model, pairs: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    shutil.copytree(corpus.folder, folder)
    part = next(folder.glob("*.parquet"))
    part.write_bytes(part.read_bytes()[:-100])
    with pytest.warns(fx.FixlipWarning, match=f"{part.name} is truncated"):
        assert len(fx.Corpus(folder)) == 0
    with pytest.warns(fx.FixlipWarning) as warned:
        again = fx.explain_corpus(pairs, folder, model=model, **SETTINGS)
    assert any(f"{part.name} is truncated" in str(each.message) for each in warned)
    assert same_rows(again, corpus)


def test_a_full_disk_keeps_what_is_written_and_counts_the_rest(model: fx.Model, pairs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()

    class FillsTheDisk(os.PathLike[str]):
        """An image in whose reading the disk becomes full: the second small file is written to /dev/full."""

        def __fspath__(self) -> str:
            full = folder / ".part-000000001-000000001.arrow"
            if folder.joinpath("corpus.json").exists() and not full.is_symlink():
                full.symlink_to("/dev/full")
            return str(pairs.parent / "street.png")

    images = [str(pairs.parent / "dog_and_banana.png"), FillsTheDisk(), str(pairs.parent / "street.png")]
    frame = pd.DataFrame({"image": images, "caption": ["a dog", "a car", "a bus"]})
    with pytest.raises(fx.FixlipError, match=r"disk is full: [12] of 3 rows could not be written"):
        explained(frame, folder, model)
    kept = fx.Corpus(folder)
    assert 1 <= len(kept) < 3
    assert not kept.complete
    written = list(kept.table["id"])
    frame["image"] = [images[0], images[2], images[2]]
    complete = explained(frame, folder, model)
    assert list(complete.table["id"])[: len(written)] == written
    assert sorted(complete.table["id"]) == ["row 1", "row 2", "row 3"]


@pytest.mark.skipif(sys.platform != "linux", reason="images are read in a forked process on Linux only")
def test_an_image_that_kills_its_decoder_is_a_failed_row(model: fx.Model, pairs: Path, tmp_path: Path) -> None:
    here = os.getpid()

    class KillsItsReader(os.PathLike[str]):
        def __fspath__(self) -> str:
            if os.getpid() != here:
                os.kill(os.getpid(), signal.SIGKILL)
            return "killer.png"

    good = str(pairs.parent / "street.png")
    images = [good, KillsItsReader(), str(pairs.parent / "dog_and_banana.png")]
    frame = pd.DataFrame({"image": images, "caption": ["a car", "a dog", "a banana"]})
    corpus = explained(frame, tmp_path / "out", model)
    assert list(corpus.failures["id"]) == ["row 2"]
    assert "ended abnormally" in corpus.failures["error"][0]
    assert len(corpus) == 3


def test_an_unexpected_error_fails_its_pair_only(model: fx.Model, pairs: Path, tmp_path: Path) -> None:
    class FailsForCats(type(model.tokenizer)):
        def encode(self, text: str) -> list[int]:
            if "cat" in text:
                raise RuntimeError("no cats")
            return super().encode(text)

    tokenizer = copy.copy(model.tokenizer)
    tokenizer.__class__ = FailsForCats
    corpus = explained(pairs, tmp_path / "out", replace(model, tokenizer=tokenizer))
    errors = dict(zip(corpus.failures["id"], corpus.failures["error"], strict=True))
    assert errors.keys() == {"row 3", "row 6", "row 7"}
    assert errors["row 3"] == "Unexpected RuntimeError: no cats"


@pytest.mark.slow
def test_a_killed_run_resumes_at_the_first_missing_row(
    corpus: fx.Corpus, model: fx.Model, pairs: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    code = "import sys; from fixlip_widgets.cli import main; main(sys.argv[1:])"
    command = ["corpus", "explain", "--data", str(pairs), "--out", str(folder), "--grid", "3x3", "--budget", "2^9"]
    run = subprocess.Popen([sys.executable, "-c", code, *command], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    while run.poll() is None and not (folder.is_dir() and list_parts(folder)):
        time.sleep(0.001)
    run.send_signal(signal.SIGKILL)
    run.wait()
    before = {part.path.name: part.path.stat().st_mtime_ns for part in list_parts(folder)}
    first = ids(folder)
    assert 0 < len(first) < 6
    assert not is_locked(folder)
    resumed = explained(pairs, folder, model)
    assert list(resumed.table["id"])[: len(first)] == first
    assert len(before) == 1  # the first image's captions, in one file
    assert sorted(resumed.table["id"]) == sorted(corpus.table["id"])
    assert same_rows(resumed, corpus)


def test_two_runs_into_one_folder_are_refused(corpus: fx.Corpus, model: fx.Model, pairs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(corpus.folder, folder)
    assert not fx.Corpus(folder).running
    code = f"""
from pathlib import Path
from fixlip_widgets.corpus.lock import locked
with locked(Path({str(folder)!r})):
    print("locked", flush=True)
    input()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"locked\n"
        assert fx.Corpus(folder).running
        with pytest.raises(fx.FixlipError, match=f"Another run is writing .*process {other.pid} "):
            explained(pairs, folder, model)
        other.kill()
    with locked(folder):
        assert fx.Corpus(folder).running
        with pytest.raises(fx.FixlipError, match="this process"):
            explained(pairs, folder, model)
    assert len(explained(pairs, folder, model)) == 6


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ({"p": 0.3}, r"other settings \(p was 0.5 and is 0.3\)"),
        ({"grid": (2, 3)}, r"grid was \[3, 3\] and is \[2, 3\]"),
        ({"data": "demo"}, r"explanations of pairs.csv, not of demo"),
    ],
)
def test_other_settings_or_data_are_refused(
    corpus: fx.Corpus, model: fx.Model, pairs: Path, options: dict[str, Any], difference: str
) -> None:
    with pytest.raises(fx.InputError, match=difference):
        explained(options.pop("data", pairs), corpus.folder, model, **options)


def test_another_model_is_refused_with_its_hash(corpus: fx.Corpus, pairs: Path) -> None:
    other = fx.load_model(precision="bfloat16")
    with pytest.raises(fx.InputError, match=r"another model .*precision was 'float32' and is 'bfloat16'"):
        explained(pairs, corpus.folder, other)


def test_changed_rows_are_refused(corpus: fx.Corpus, model: fx.Model, pairs: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    shutil.copytree(corpus.folder, folder)
    changed = tmp_path / "pairs.csv"
    changed.write_text(pairs.read_text("utf-8").replace("a dog and a cat", "two dogs"), "utf-8")
    with pytest.raises(fx.InputError, match=r"has changed: row 3 was 'a dog and a cat' .* is 'two dogs'"):
        explained(changed, folder, model)
