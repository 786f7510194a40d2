"""The pairs to evaluate on: demo scenes, a folder, a CSV or a webdataset tar; what cannot be used is named."""

from __future__ import annotations

import csv
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from fixlip_widgets.errors import InputError

DEMO = "demo"
OBJECTS = (1, 2, 3, 4)
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_STREAM = 104729  # training, composing and the model's own evaluation draw from other streams
_MOST_BYTES = 100 * 2**20
"""Larger members of a tar are skipped: no picture that is accepted needs as many."""


@dataclass(frozen=True)
class Pair:
    """An image with its caption.

    Attributes:
        image: Anything that a game takes as an image.
        caption: Not empty.
        regions: Word of the caption → (rows, columns) bool, where its object is; empty where that is not known.
        objects: How many objects the image shows; ``None`` where that is not known.
    """

    image: Any
    caption: str
    regions: dict[str, NDArray[np.bool_]]
    objects: int | None = None


@dataclass(frozen=True)
class Row:
    """One row of a set, not read yet.

    Attributes:
        name: Unique within the set; what messages and records call it.
        read: The pair; raises InputError where it cannot be used.
    """

    name: str
    read: Callable[[], Pair]


def rows_of(data: str | Path, scenes: int = 200, seed: int = 0) -> list[Row]:
    """The rows of a set, in order.

    Args:
        data: ``"demo"`` for composed scenes of one to four objects; a folder of pictures, each with its caption in a
            ``.txt`` of the same name; a ``.csv`` with the columns ``image`` (a path, relative to the file) and
            ``caption``; or a webdataset ``.tar`` (``KEY.jpg`` with ``KEY.txt``, or ``KEY.json`` with ``caption``).
        scenes: Demo scenes for each number of objects.
        seed: Of the demo scenes.

    Raises:
        InputError: There is no such set, it is of another kind, or it has no row.
    """
    if str(data) == DEMO:
        # round and round, so that any part of the list has as many of each number of objects
        return [_scene_row(index, count, seed) for index in range(scenes) for count in OBJECTS]
    path = Path(data)
    if path.is_dir():
        rows = list(_folder_rows(path))
    elif not path.exists():
        raise InputError(f"There is no {path}; pass a folder, a .csv, a .tar, or {DEMO} for the packaged scenes.")
    elif path.suffix.lower() == ".csv":
        rows = list(_csv_rows(path))
    elif path.suffix.lower() == ".tar":
        rows = list(_tar_rows(path))
    else:
        raise InputError(f"{path} is neither a folder, a .csv nor a .tar; nothing else is read.")
    if not rows:
        raise InputError(f"{path} holds no pair of a picture and a caption.")
    return rows


def _captioned(caption: str | None, image: Any, **more: Any) -> Pair:
    text = (caption or "").strip()
    if not text:
        raise InputError("The caption is empty.")
    return Pair(image, text, more.pop("regions", {}), **more)


# -- demo scenes -----------------------------------------------------------------------------------------------------


def _scene_row(index: int, count: int, seed: int) -> Row:
    def read() -> Pair:
        from fixlip_widgets import demo

        rng = np.random.default_rng([seed, _STREAM, count, index])
        names = [str(name) for name in rng.choice(demo.names(), count, replace=False)]
        background = str(rng.choice(demo.backgrounds()))
        scene = demo.compose(names, background, seed=int(rng.integers(2**31)))
        return Pair(scene.image, scene.caption, scene.regions, count)

    return Row(f"scene {index + 1} of {count} object{'s' * (count > 1)}", read)


# -- files -----------------------------------------------------------------------------------------------------------


def _folder_rows(folder: Path) -> Iterator[Row]:
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in _PICTURES:
            yield Row(path.name, lambda path=path: _captioned(_text_beside(path), path))


def _text_beside(path: Path) -> str:
    beside = path.with_suffix(".txt")
    if not beside.is_file():
        raise InputError(f"Its caption is missing; write it to {beside.name}.")
    return _decoded(beside.read_bytes())


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("Its caption is not UTF-8.") from None


def _csv_rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        table = csv.DictReader(stream)
        missing = {"image", "caption"} - set(table.fieldnames or ())
        if missing:
            raise InputError(
                f"{path} lacks the column{'s' * (len(missing) > 1)} {' and '.join(sorted(missing))}; its first line "
                f"must name the columns image and caption, and it has {', '.join(table.fieldnames or ()) or 'nothing'}."
            )
        try:
            for cells in table:
                yield Row(f"row {table.line_num}", lambda cells=cells: _csv_pair(path.parent, cells))
        except csv.Error as error:
            raise InputError(f"{path} is no CSV from line {table.line_num} on: {error}.") from error


def _csv_pair(folder: Path, cells: dict[str, str | None]) -> Pair:
    image = (cells["image"] or "").strip()
    if not image:
        raise InputError("It names no image.")
    if cells["caption"] is None:
        raise InputError("It has no caption column.")
    return _captioned(cells["caption"], folder / image)


# -- webdataset ------------------------------------------------------------------------------------------------------


def _tar_rows(path: Path) -> Iterator[Row]:
    """One row a key: members whose names agree up to the first dot of the file name."""
    samples: dict[str, dict[str, tarfile.TarInfo]] = {}
    cut = ""
    try:
        with tarfile.open(path, "r:") as archive:
            try:
                for member in archive:
                    name = PurePosixPath(member.name)
                    stem, _, ending = name.name.partition(".")
                    if member.isfile() and stem and ending:
                        samples.setdefault(str(name.with_name(stem)), {})[f".{ending.lower()}"] = member
            except (tarfile.ReadError, EOFError) as error:
                cut = str(error)
    except (tarfile.TarError, OSError) as error:
        raise InputError(f"{path} cannot be read as a tar: {error}.") from error
    for key, members in samples.items():
        yield Row(key, lambda members=members: _tar_pair(path, members))
    if cut:
        yield Row(f"the end of {path.name}", lambda: _refused(f"The file is cut short: {cut}."))


def _refused(why: str) -> Pair:
    raise InputError(why)


def _tar_pair(path: Path, members: dict[str, tarfile.TarInfo]) -> Pair:
    picture = next((members[ending] for ending in _PICTURES if ending in members), None)
    if picture is None:
        raise InputError(f"It has no picture, only {', '.join(sorted(members))}.")
    if ".txt" in members:
        caption = _decoded(_content(path, members[".txt"]))
    elif ".json" in members:
        caption = _json_caption(_content(path, members[".json"]))
    else:
        raise InputError("Its caption is missing; there is neither a .txt nor a .json.")
    return _captioned(caption, _opened(_content(path, picture)))


def _content(path: Path, member: tarfile.TarInfo) -> bytes:
    if member.size > _MOST_BYTES:
        raise InputError(f"{member.name} has {member.size:,} bytes; at most {_MOST_BYTES:,} are read.")
    try:
        with path.open("rb") as stream:
            stream.seek(member.offset_data)
            raw = stream.read(member.size)
    except OSError as error:
        raise InputError(f"{member.name} cannot be read: {error}.") from error
    if len(raw) < member.size:
        raise InputError(f"{member.name} is cut short.")
    return raw


def _json_caption(raw: bytes) -> str:
    try:
        content: Any = json.loads(raw)
    except ValueError:
        raise InputError("Its .json is not JSON.") from None
    caption = content.get("caption") if isinstance(content, dict) else None  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(caption, str):
        raise InputError('Its .json has no "caption".')
    return caption


def _opened(raw: bytes) -> Image.Image:
    try:
        picture = Image.open(BytesIO(raw))
        picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise InputError(f"Its picture cannot be read: {error}.") from error
    return picture
