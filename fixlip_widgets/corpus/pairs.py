"""Pairs of a data set: demo scenes, a folder, a table or a webdataset tar. Unusable rows are reported by name."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.corpus.cells import caption_lines, checked_caption, checked_path, decoded, opened_image
from fixlip_widgets.corpus.pair_tables import FORMATS, StoredCell, table_rows, unique_keys
from fixlip_widgets.corpus.tar_members import read_member, tar_members
from fixlip_widgets.errors import InputError

DEMO = "demo"
OBJECTS = (1, 2, 3, 4)
_PICTURES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_STREAM = 104729  # distinct from the streams of training, composition and the model's evaluation


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
        image: Name of the image; rows of the same image have the same name. Empty if it is in no other row.
        caption: The caption as the set has it; None if it is known only from reading the row.
    """

    name: str
    read: Callable[[], Pair]
    image: str = ""
    caption: Any = None


def rows_of(
    data: str | Path, scenes: int = 200, seed: int = 0, columns: tuple[str, str] = ("image", "caption")
) -> list[Row]:
    """Return the rows of a set, in order.

    Args:
        data: ``"demo"`` for composed scenes of one to four objects; a folder of images, each with its captions in a
            ``.txt`` of the same name, one a line; a ``.csv``, ``.tsv``, ``.jsonl`` or ``.parquet`` file of images (a
            path, relative to the file) and captions; or a webdataset ``.tar`` (``KEY.jpg`` with ``KEY.txt``, or
            ``KEY.json`` with ``caption``). Several captions of an image are several rows.
        scenes: Number of demo scenes for each number of objects.
        seed: Seed of the demo scenes.
        columns: Names of the columns of images and captions.

    Raises:
        InputError: The set does not exist, has an unsupported format, or has no rows.
    """
    if str(data) == DEMO:
        # interleaved, so that any part of the list is balanced in the number of objects
        return [_scene_row(index, count, seed) for index in range(scenes) for count in OBJECTS]
    path, formats = Path(data), ", ".join(FORMATS)
    if path.is_dir():
        rows = list(_folder_rows(path))
    elif not path.exists():
        raise InputError(
            f"{path} does not exist; pass a folder, a {formats} or .tar file, or {DEMO} for the demo scenes."
        )
    elif path.suffix.lower() in FORMATS:
        rows = list(_table_rows(path, columns))
    elif path.suffix.lower() == ".tar":
        rows = list(_tar_rows(path))
    else:
        raise InputError(f"{path} has an unsupported format; pass a folder, or a {formats} or .tar file.")
    if not rows:
        raise InputError(f"{path} contains no pair of an image and a caption.")
    return with_distinct_names(rows)


def with_distinct_names(rows: list[Row]) -> list[Row]:
    """Number the rows whose name an earlier row has: records and worker processes identify rows by name."""
    names = {row.name for row in rows}
    seen, distinct = set[str](), list[Row]()
    for row in rows:
        name, number = row.name, 1
        while name in seen or (number > 1 and name in names):
            number += 1
            name = f"{row.name} ({number})"
        seen.add(name)
        distinct.append(replace(row, name=name))
    return distinct


def _pair(caption: Any, image: Any) -> Pair:
    return Pair(image, checked_caption(caption), {})


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
        if path.suffix.lower() in _PICTURES and not path.name.startswith("."):
            try:
                captions = caption_lines(_text_beside(path))
            except InputError as error:
                yield Row(path.name, lambda reason=str(error): _reject(reason))
                continue
            for name, caption in labelled(path.name, captions):
                yield Row(name, lambda caption=caption, path=path: _pair(caption, path), path.name, caption)


def _text_beside(path: Path) -> str:
    text = path.with_suffix(".txt")
    if not text.is_file():
        raise InputError(f"The caption is missing; write it to {text.name}.")
    return decoded(text.read_bytes())


def _table_rows(path: Path, columns: tuple[str, str]) -> Iterator[Row]:
    for name, cells in table_rows(path, columns):
        if isinstance(cells, str):
            yield Row(name, lambda reason=cells: _reject(reason))
            continue
        image, caption = (cells.get(column) for column in columns)
        for label, text in labelled(name, caption):
            shared = image if isinstance(image, str) else name
            yield Row(label, lambda image=image, text=text: table_pair(path.parent, image, text), shared, text)


def table_pair(folder: Path, image: Any, caption: Any) -> Pair:
    """Return the pair of two cells; paths are relative to ``folder``.

    Raises:
        InputError: A cell is missing or unusable.
    """
    if isinstance(image, StoredCell):
        image = image.read()
    if isinstance(image, dict):  # the images of Hugging Face data sets
        image = image.get("bytes") or image.get("path")  # pyright: ignore[reportUnknownVariableType]
    if isinstance(image, (bytes, bytearray, memoryview)):
        return _pair(caption, opened_image(bytes(image)))
    if caption is None:
        raise InputError("The row has no caption.")
    return _pair(caption, folder / checked_path(image))


def labelled(name: str, captions: Any) -> list[tuple[str, Any]]:
    """Return a row's name with its caption; with numbered names if there are several."""
    if not isinstance(captions, list):
        return [(name, captions)]
    if len(captions) == 1:  # pyright: ignore[reportUnknownArgumentType]
        return [(name, captions[0])]
    return [(f"{name}, caption {number}", text) for number, text in enumerate(captions, start=1)] or [(name, "")]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]


# -- webdataset ------------------------------------------------------------------------------------------------------


def _tar_rows(path: Path) -> Iterator[Row]:
    """Yield one row for each key, the part of a member's path before the first dot of the file name."""
    samples: dict[str, list[dict[str, tarfile.TarInfo]]] = {}
    members, problem = tar_members(path)
    for member in members:
        name = PurePosixPath(member.name)
        stem, _, ending = name.name.partition(".")
        if member.isfile() and stem and ending:
            _add_member(samples.setdefault(str(name.with_name(stem)), [{}]), f".{ending.lower()}", member)
    for key, repeated in samples.items():
        for number, members in enumerate(repeated, start=1):
            yield from _sample_rows(path, key if number == 1 else f"{key}, sample {number}", members, repeated)
    if problem:
        yield Row(f"the end of {path.name}", lambda: _reject(problem))


def _add_member(repeated: list[dict[str, tarfile.TarInfo]], ending: str, member: tarfile.TarInfo) -> None:
    """Add a member to the last sample of its key, or to a new one if that has such a member already."""
    if ending in repeated[-1]:
        repeated.append({})
    repeated[-1][ending] = member


def _sample_rows(
    path: Path, name: str, members: dict[str, tarfile.TarInfo], repeated: list[dict[str, tarfile.TarInfo]]
) -> Iterator[Row]:
    if any(each.keys() != members.keys() for each in repeated):
        reason = "The key occurs several times with different members, so they cannot be assigned to samples."
        yield Row(name, lambda: _reject(reason))
        return
    try:
        captions = _tar_captions(path, members)
    except InputError as error:
        yield Row(name, lambda reason=str(error): _reject(reason))
        return
    for label, caption in labelled(name, captions):
        yield Row(label, lambda caption=caption: _tar_pair(path, members, caption), name, caption)


def _reject(reason: str) -> Pair:
    raise InputError(reason)


def _tar_captions(path: Path, members: dict[str, tarfile.TarInfo]) -> list[str]:
    """Return the captions of the .txt, or without one, of the .json; a "caption" of the .json must not differ."""
    _picture_of(members)
    content = _json_object(read_member(path, members[".json"])) if ".json" in members else {}
    if ".txt" not in members:
        if not content:
            raise InputError("The caption is missing; the sample has neither a .txt nor a .json.")
        return _captions_in(content)
    captions = caption_lines(decoded(read_member(path, members[".txt"])))
    if content.get("caption") is not None and _joined(_captions_in(content)) != _joined(captions):
        raise InputError("The .txt and the .json have different captions.")
    return captions


def _joined(captions: list[str]) -> str:
    return " ".join(" ".join(captions).split())


def _picture_of(members: dict[str, tarfile.TarInfo]) -> tarfile.TarInfo:
    pictures = [ending for ending in _PICTURES if ending in members]
    if not pictures:
        raise InputError(f"The sample has no image, only {', '.join(sorted(members))}.")
    if len(pictures) > 1:
        raise InputError(f"The sample has several images: {', '.join(pictures)}.")
    return members[pictures[0]]


def _tar_pair(path: Path, members: dict[str, tarfile.TarInfo], caption: str) -> Pair:
    return _pair(caption, opened_image(read_member(path, _picture_of(members))))


def _json_object(raw: bytes) -> dict[str, Any]:
    try:
        content: Any = json.loads(raw, object_pairs_hook=unique_keys)
    except (ValueError, RecursionError) as error:
        raise InputError("The .json file is not JSON with unique keys.") from error
    if not isinstance(content, dict):
        raise InputError("The .json file is no JSON object.")
    return content  # pyright: ignore[reportUnknownVariableType]


def _captions_in(content: dict[str, Any]) -> list[str]:
    caption = content.get("caption")
    captions: list[Any] = caption if isinstance(caption, list) else [caption]  # pyright: ignore[reportUnknownVariableType]
    if not captions or not all(isinstance(each, str) for each in captions):
        raise InputError('The .json file has no "caption" of text.')
    return captions
