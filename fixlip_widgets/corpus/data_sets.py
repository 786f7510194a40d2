"""Data sets of every supported kind as one list of rows with a label: files, several files, and tables in memory."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from fixlip_widgets.corpus.cells import checked_caption
from fixlip_widgets.corpus.pairs import (
    DEMO,
    Pair,
    Row,
    labelled,
    rows_of,
    table_pair,
    with_distinct_names,
)
from fixlip_widgets.errors import InputError

_RANGE = re.compile(r"\{(\d+)\.\.(\d+)\}")
_WILD = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class DataSet:
    """Rows of a data set.

    Attributes:
        label: Short name, by which a corpus recognises the set.
        rows: The rows, in order.
    """

    label: str
    rows: list[Row]


def data_set(data: Any, columns: tuple[str, str] = ("image", "caption"), scenes: int = 200, seed: int = 0) -> DataSet:
    """Return the rows of ``data``.

    Args:
        data: A path as for :func:`~fixlip_widgets.corpus.pairs.rows_of`; a pattern (``"shards/*.tar"``,
            ``"shards/{000..099}.tar"``) or a list of such paths; a pandas ``DataFrame``; or a ``datasets.Dataset``.
            The image column of the last two has paths, PIL images, arrays, bytes or preprocessed tensors; a caption is
            a text or a list of texts.
        columns: Names of the columns of images and captions.
        scenes: Number of demo scenes for each number of objects.
        seed: Seed of the demo scenes.

    Raises:
        InputError: The set does not exist, has an unsupported format, or has no rows.
    """
    if isinstance(data, (str, os.PathLike)):
        paths = _expanded(os.fspath(data))
        if len(paths) == 1:
            name = paths[0] if paths[0] == DEMO else Path(paths[0]).absolute().name
            return DataSet(name, rows_of(paths[0], scenes, seed, columns))
        return _several(paths, columns, os.fspath(data).rpartition("/")[2])
    if isinstance(data, Sequence) and data and all(isinstance(path, (str, os.PathLike)) for path in data):
        paths = [path for each in data for path in _expanded(os.fspath(each))]
        return _several(paths, columns, f"{Path(paths[0]).name} … {Path(paths[-1]).name}")
    read = _reader(data, columns)
    rows = with_distinct_names(list(_table_rows(*read)))
    if not rows:
        raise InputError("The table has no rows.")
    names = hashlib.sha256("\0".join(f"{row.name}\0{row.caption}" for row in rows).encode("utf-8", "replace"))
    return DataSet(f"table {names.hexdigest()[:8]}", rows)


def _expanded(path: str) -> list[str]:
    """Return the paths of a pattern; a path without one, or that exists, stands for itself."""
    if path == DEMO or Path(path).exists():
        return [path]
    if numbers := _RANGE.search(path):
        first, last = numbers[1], numbers[2]
        if int(first) > int(last):
            raise InputError(f"The range {numbers[0]} of {path} is empty; write the smaller number first.")
        counted = [f"{number:0{len(first)}}" for number in range(int(first), int(last) + 1)]
        return [
            whole for each in counted for whole in _expanded(path[: numbers.start()] + each + path[numbers.end() :])
        ]
    if not _WILD.search(path):
        return [path]
    start = Path(path).anchor
    found = sorted(str(each) for each in Path(start).glob(path.removeprefix(start)))
    if not found:
        raise InputError(f"No file matches {path}.")
    return found


def _several(paths: list[str], columns: tuple[str, str], label: str) -> DataSet:
    """Join the rows of several files; their names begin with that of the file."""
    rows = list[Row]()
    for path in paths:
        for row in rows_of(path, columns=columns):
            image = f"{path}/{row.image}" if row.image else ""
            rows.append(replace(row, name=f"{Path(path).name}: {row.name}", image=image))
    return DataSet(label, with_distinct_names(rows))


# -- tables in memory ------------------------------------------------------------------------------------------------


def _reader(data: Any, columns: tuple[str, str]) -> tuple[Any, Sequence[Any]]:
    """Return a function from a row's number to its image, and the captions of all rows."""
    names = getattr(data, "columns", None) if hasattr(data, "iloc") else getattr(data, "column_names", None)
    if names is None:
        raise InputError(
            f"The data is a {type(data).__name__}; pass the path of a file or folder, a list of paths, a pandas "
            "DataFrame, or a datasets.Dataset."
        )
    if repeated := [column for column in columns if list(names).count(column) > 1]:
        raise InputError(f"The table has more than one column {repeated[0]}; give each column a name of its own.")
    if missing := [column for column in columns if column not in list(names)]:
        raise InputError(
            f"The table lacks the column {missing[0]}; its columns are {', '.join(map(str, names))}. Choose columns "
            "with image_column= and caption_column=."
        )
    image, caption = columns
    if hasattr(data, "iloc"):
        images = list(data[image])
        return images.__getitem__, list(data[caption])
    if isinstance(data, dict) or not hasattr(data, "select_columns"):
        raise InputError("The data set has several splits; pass one of them, such as data['train'].")
    pictures = data.select_columns([image])  # so that no other column is decoded
    return (lambda number: pictures[number][image]), list(data.select_columns([caption])[caption])


def _table_rows(image_of: Any, captions: Sequence[Any]) -> Iterator[Row]:
    shared = _shared_images(image_of, len(captions))
    for number, caption in enumerate(captions):
        texts = caption.tolist() if isinstance(caption, np.ndarray) else caption
        for label, text in labelled(f"row {number + 1}", texts):
            read = _Cell(image_of, number, text)
            yield Row(label, read, shared[number], text)


def _shared_images(image_of: Any, count: int) -> list[str]:
    """Return names of the images: a path as it is; the same object of a frame has one name."""
    if not hasattr(image_of, "__self__"):  # a data set, whose images are decoded when they are read
        return [f"row {number + 1}" for number in range(count)]
    first = dict[int, int]()
    images: list[Any] = image_of.__self__
    return [
        os.fspath(image) if isinstance(image, (str, os.PathLike)) else f"row {first.setdefault(id(image), number) + 1}"
        for number, image in enumerate(images)
    ]


@dataclass(frozen=True)
class _Cell:
    """Reads one pair of a table in memory."""

    image_of: Any
    number: int
    caption: Any

    def __call__(self) -> Pair:
        image, caption = self.image_of(self.number), checked_caption(self.caption)
        if isinstance(image, (Image.Image, np.ndarray, torch.Tensor)):
            return Pair(image, caption, {})
        if isinstance(image, os.PathLike):
            image = os.fspath(image)
        return table_pair(Path(), image, caption)
