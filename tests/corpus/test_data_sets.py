"""Data sets: several files at once, and tables in memory."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fixlip_widgets import InputError
from fixlip_widgets.corpus.data_sets import data_set
from fixlip_widgets.corpus.tasks import Pair, tasks_of

RED = Image.new("RGB", (4, 4), "red")


def png() -> bytes:
    stream = io.BytesIO()
    RED.save(stream, "PNG")
    return stream.getvalue()


def write_shard(path: Path, *keys: str) -> None:
    with tarfile.open(path, "w") as archive:
        for key in keys:
            for name, content in ((f"{key}.png", png()), (f"{key}.txt", f"a {key}\none more {key}".encode())):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


def tasks(data: Any) -> list[list[str]]:
    rows = data_set(data).rows
    pairs = [(Pair(row.name, "", number), row) for number, row in enumerate(rows)]
    return [[pair.id for pair in task.pairs] for task in tasks_of(pairs, set())]


@pytest.mark.parametrize("pattern", ["{}/*.tar", "{}/s-{{000..001}}.tar", "list"])
def test_several_shards_are_one_set(tmp_path: Path, pattern: str) -> None:
    paths = [tmp_path / "s-000.tar", tmp_path / "s-001.tar"]
    write_shard(paths[0], "dog", "cat")
    write_shard(paths[1], "dog")
    data = data_set(paths if pattern == "list" else pattern.format(tmp_path))
    assert [row.name for row in data.rows[:2]] == ["s-000.tar: dog, caption 1", "s-000.tar: dog, caption 2"]
    assert [row.read().caption for row in data.rows] == [
        *("a dog", "one more dog", "a cat", "one more cat", "a dog", "one more dog")
    ]
    assert len({row.image for row in data.rows}) == 3


def test_a_pattern_without_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No file matches"):
        data_set(f"{tmp_path}/*.tar")


def test_frames_have_images_of_any_kind_and_lists_of_captions(tmp_path: Path) -> None:
    path = tmp_path / "red.png"
    path.write_bytes(png())
    images = [path, str(path), RED, np.asarray(RED), png(), RED, None]
    captions = ["a", "b", "c", "d", "e", ["f", "g"], "h"]
    data = data_set(pd.DataFrame({"image": images, "caption": captions}))
    pairs = [row.read() for row in data.rows[:-1]]
    assert [pair.caption for pair in pairs] == list("abcdefg")
    assert data.rows[5].name == "row 6, caption 1"
    with pytest.raises(InputError, match="no image"):
        data.rows[-1].read()
    assert data_set(pd.DataFrame({"image": images, "caption": captions})).label == data.label
    other = data_set(pd.DataFrame({"image": images, "caption": ["x", *captions[1:]]}))
    assert other.label != data.label


def test_captions_of_one_image_are_one_task(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png())
    (tmp_path / "a.txt").write_text("a dog\na cat\n", "utf-8")
    (tmp_path / "set.csv").write_text("image,caption\na.png,x\nb.png,y\na.png,z\n", "utf-8")
    assert tasks(tmp_path) == [["a.png, caption 1", "a.png, caption 2"]]
    assert tasks(tmp_path / "set.csv") == [["row 2", "row 4"], ["row 3"]]
    assert tasks(pd.DataFrame({"image": [RED, RED.copy(), RED], "caption": ["a", "b", "c"]})) == [
        ["row 1", "row 3"],
        ["row 2"],
    ]


def test_data_sets_of_the_library_are_decoded_when_a_row_is_read() -> None:
    datasets = pytest.importorskip("datasets")
    content = {"picture": [{"bytes": png(), "path": None}] * 2, "text": ["a dog", "a cat"], "other": [1, 2]}
    features = datasets.Features(picture=datasets.Image(), text=datasets.Value("string"), other=datasets.Value("int64"))
    data = data_set(datasets.Dataset.from_dict(content, features=features), ("picture", "text"))
    assert data.rows[1].read().caption == "a cat"
    assert np.asarray(data.rows[0].read().image).shape == (4, 4, 3)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (pd.DataFrame({"image": [RED]}), "lacks the column caption; its columns are image"),
        (SimpleNamespace(), "is a SimpleNamespace"),
        (pd.DataFrame({"image": [], "caption": []}), "no rows"),
        ([], "is a list"),
    ],
)
def test_other_objects_are_refused(data: Any, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        data_set(data)
