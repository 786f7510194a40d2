"""Pairs to evaluate: demo scenes, a folder, a CSV or a webdataset tar. Unusable rows are reported by name."""

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
_STREAM = 104729  # distinct from the streams of training, composition and the model's evaluation
_MAX_BYTES = 100 * 2**20
"""Maximum size of a tar member; no accepted image needs more."""


@dataclass(frozen=True)
class Pair:
    """An image with its caption.

    Attributes:
        image: Any image that a game accepts.
        caption: Non-empty text.
        regions: Word of the caption → (rows, columns) bool, True where its object is; empty if unknown.
        objects: Number of objects in the image; ``None`` if unknown.
    """

    image: Any
    caption: str
    regions: dict[str, NDArray[np.bool_]]
    objects: int | None = None


@dataclass(frozen=True)
class Row:
    """One row of a set, read on demand.

    Attributes:
        name: Unique within the set; used in messages and records.
        read: Function that returns the pair, or raises InputError if it is unusable.
    """

    name: str
    read: Callable[[], Pair]


def rows_of(data: str | Path, scenes: int = 200, seed: int = 0) -> list[Row]:
    """Return the rows of a set, in order.

    Args:
        data: ``"demo"`` for composed scenes of one to four objects; a folder of images, each with its caption in a
            ``.txt`` of the same name; a ``.csv`` with the columns ``image`` (a path, relative to the file) and
            ``caption``; or a webdataset ``.tar`` (``KEY.jpg`` with ``KEY.txt``, or ``KEY.json`` with ``caption``).
        scenes: Number of demo scenes for each number of objects.
        seed: Seed of the demo scenes.

    Raises:
        InputError: The set does not exist, has an unsupported format, or has no rows.
    """
    if str(data) == DEMO:
        # interleaved, so that any part of the list is balanced in the number of objects
        return [_scene_row(index, count, seed) for index in range(scenes) for count in OBJECTS]
    path = Path(data)
    if path.is_dir():
        rows = list(_folder_rows(path))
    elif not path.exists():
        raise InputError(f"{path} does not exist; pass a folder, a .csv, a .tar, or {DEMO} for the demo scenes.")
    elif path.suffix.lower() == ".csv":
        rows = list(_csv_rows(path))
    elif path.suffix.lower() == ".tar":
        rows = list(_tar_rows(path))
    else:
        raise InputError(f"{path} has an unsupported format; pass a folder, a .csv or a .tar.")
    if not rows:
        raise InputError(f"{path} contains no pair of an image and a caption.")
    return rows


def _pair(caption: str | None, image: Any, **more: Any) -> Pair:
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
            yield Row(path.name, lambda path=path: _pair(_text_beside(path), path))


def _text_beside(path: Path) -> str:
    text = path.with_suffix(".txt")
    if not text.is_file():
        raise InputError(f"The caption is missing; write it to {text.name}.")
    return _decoded(text.read_bytes())


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("The caption is not valid UTF-8.") from None


def _csv_rows(path: Path) -> Iterator[Row]:
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        table = csv.DictReader(stream)
        missing = {"image", "caption"} - set(table.fieldnames or ())
        if missing:
            raise InputError(
                f"{path} lacks the column{'s' * (len(missing) > 1)} {' and '.join(sorted(missing))}; the header "
                f"must contain image and caption, but is {', '.join(table.fieldnames or ()) or 'empty'}."
            )
        try:
            for cells in table:
                yield Row(f"row {table.line_num}", lambda cells=cells: _csv_pair(path.parent, cells))
        except csv.Error as error:
            raise InputError(f"{path} is not valid CSV at line {table.line_num}: {error}.") from error


def _csv_pair(folder: Path, cells: dict[str, str | None]) -> Pair:
    image = (cells["image"] or "").strip()
    if not image:
        raise InputError("The row has no image.")
    if cells["caption"] is None:
        raise InputError("The row has no caption.")
    return _pair(cells["caption"], folder / image)


# -- webdataset ------------------------------------------------------------------------------------------------------


def _tar_rows(path: Path) -> Iterator[Row]:
    """Yield one row for each key, the part of a member's path before the first dot of the file name."""
    samples: dict[str, dict[str, tarfile.TarInfo]] = {}
    damage = ""
    try:
        with tarfile.open(path, "r:") as archive:
            try:
                for member in archive:
                    name = PurePosixPath(member.name)
                    stem, _, ending = name.name.partition(".")
                    if member.isfile() and stem and ending:
                        samples.setdefault(str(name.with_name(stem)), {})[f".{ending.lower()}"] = member
            except (tarfile.ReadError, EOFError) as error:
                damage = str(error)
    except (tarfile.TarError, OSError) as error:
        raise InputError(f"{path} cannot be read as a tar: {error}.") from error
    for key, members in samples.items():
        yield Row(key, lambda members=members: _tar_pair(path, members))
    if damage:
        yield Row(f"the end of {path.name}", lambda: _reject(f"The file is truncated: {damage}."))


def _reject(reason: str) -> Pair:
    raise InputError(reason)


def _tar_pair(path: Path, members: dict[str, tarfile.TarInfo]) -> Pair:
    picture = next((members[ending] for ending in _PICTURES if ending in members), None)
    if picture is None:
        raise InputError(f"The sample has no image, only {', '.join(sorted(members))}.")
    if ".txt" in members:
        caption = _decoded(_read_member(path, members[".txt"]))
    elif ".json" in members:
        caption = _json_caption(_read_member(path, members[".json"]))
    else:
        raise InputError("The caption is missing; the sample has neither a .txt nor a .json.")
    return _pair(caption, _open_image(_read_member(path, picture)))


def _read_member(path: Path, member: tarfile.TarInfo) -> bytes:
    if member.size > _MAX_BYTES:
        raise InputError(f"{member.name} has {member.size:,} bytes; at most {_MAX_BYTES:,} are allowed.")
    try:
        with path.open("rb") as stream:
            stream.seek(member.offset_data)
            raw = stream.read(member.size)
    except OSError as error:
        raise InputError(f"{member.name} cannot be read: {error}.") from error
    if len(raw) < member.size:
        raise InputError(f"{member.name} is truncated.")
    return raw


def _json_caption(raw: bytes) -> str:
    try:
        content: Any = json.loads(raw)
    except ValueError:
        raise InputError("The .json file is not JSON.") from None
    caption = content.get("caption") if isinstance(content, dict) else None  # pyright: ignore[reportUnknownVariableType]
    if not isinstance(caption, str):
        raise InputError('The .json file has no "caption".')
    return caption


def _open_image(raw: bytes) -> Image.Image:
    try:
        picture = Image.open(BytesIO(raw))
        picture.load()
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError, SyntaxError) as error:
        raise InputError(f"The image cannot be read: {error}.") from error
    return picture
