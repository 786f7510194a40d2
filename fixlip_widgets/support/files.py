"""Durable files: arrays and JSON in one ``.npz``, written beside and renamed into place, read without pickle."""

from __future__ import annotations

import io
import json
import math
import os
import secrets
import zipfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.errors import PoolError

PathLike = str | os.PathLike[str]
_JSON = "metadata.json"
_NUMBER = "not a finite number"
_LONGEST_STEM = 50
"""Characters of a file's name that its temporary one repeats: file systems allow 255 bytes."""


def check_place(path: PathLike) -> None:
    """Refuse to write a file where none can be, before the work that it is for.

    Raises:
        OSError: There is no such folder, or ``path`` is one itself.
    """
    target = Path(path)
    if not target.absolute().parent.is_dir():
        raise FileNotFoundError(f"The folder of {target} does not exist; create it, or write the file elsewhere.")
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder; give the name of a file in it.")


@contextmanager
def replacing(path: PathLike) -> Generator[BinaryIO]:
    """Open a temporary file beside ``path``; it takes that name when the block ends well, and vanishes otherwise."""
    check_place(path)
    target = Path(path)
    temporary = target.with_name(f".{target.name[:_LONGEST_STEM]}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as stream:  # with the permissions that the process gives to any new file
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_npz(path: PathLike, arrays: dict[str, NDArray[Any]], metadata: dict[str, Any]) -> None:
    """Write ``arrays`` and ``metadata`` (what JSON can hold, and numbers that are not finite)."""
    text = json.dumps(_plain(metadata), allow_nan=False, ensure_ascii=False)
    members: dict[str, Any] = {**arrays, _JSON: np.frombuffer(text.encode(), dtype=np.uint8)}
    with replacing(path) as stream:
        np.savez_compressed(stream, **members)


def read_npz(path: PathLike) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read what :func:`write_npz` wrote. Nothing is unpickled.

    Raises:
        PoolError: The file is missing, cut short, or not of this kind.
    """
    try:
        with zipfile.ZipFile(path) as stored:
            arrays = {name.removesuffix(".npy"): _array(stored.read(name)) for name in stored.namelist()}
        metadata: Any = json.loads(arrays.pop(_JSON).tobytes().decode(), object_hook=_number_or_dict)
        if not isinstance(metadata, dict):
            raise TypeError("The metadata is no object.")
    except FileNotFoundError as error:
        raise PoolError(f"There is no file {path}.") from error
    except Exception as error:  # a damaged archive fails in zipfile, zlib, numpy or json, each with errors of its own
        raise PoolError(
            f"{path} cannot be read: it is cut short, damaged, or not one of this package's files."
        ) from error
    return arrays, metadata  # pyright: ignore[reportUnknownVariableType]


def _array(member: bytes) -> NDArray[Any]:
    """The array in a member that was read whole, so that its checksum has been compared."""
    return np.lib.format.read_array(io.BytesIO(member), allow_pickle=False)


def _plain(value: Any) -> Any:
    """``value`` with numpy scalars as Python numbers, and those that are not finite in a form that JSON can hold."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return {_NUMBER: str(value)}
    return value


def _number_or_dict(value: dict[str, Any]) -> Any:
    return float(value[_NUMBER]) if value.keys() == {_NUMBER} else value
