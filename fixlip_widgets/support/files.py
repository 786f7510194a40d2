"""Atomic file writes, and ``.npz`` files of arrays and JSON that are read without pickle."""

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
"""Characters of the file name repeated in the temporary name; file systems allow 255 bytes."""


def check_place(path: PathLike) -> None:
    """Fail early if no file can be written to ``path``.

    Raises:
        OSError: The parent folder does not exist, or ``path`` is a folder.
    """
    target = Path(path)
    if not target.absolute().parent.is_dir():
        raise FileNotFoundError(f"The folder of {target} does not exist; create it or choose another path.")
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder; pass the path of a file.")


@contextmanager
def replacing(path: PathLike) -> Generator[BinaryIO]:
    """Open a temporary file that replaces ``path`` if the block succeeds and is deleted otherwise."""
    check_place(path)
    target = Path(path)
    temporary = target.with_name(f".{target.name[:_LONGEST_STEM]}.{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as stream:  # with the default permissions of the process
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_npz(path: PathLike, arrays: dict[str, NDArray[Any]], metadata: dict[str, Any]) -> None:
    """Write ``arrays`` and ``metadata``, which is JSON-compatible but may contain non-finite numbers."""
    text = json.dumps(_plain(metadata), allow_nan=False, ensure_ascii=False)
    members: dict[str, Any] = {**arrays, _JSON: np.frombuffer(text.encode(), dtype=np.uint8)}
    with replacing(path) as stream:
        np.savez_compressed(stream, **members)


def read_npz(path: PathLike) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read a file of :func:`write_npz` as (arrays, metadata), without pickle.

    Raises:
        PoolError: The file is missing, truncated, or in another format.
    """
    try:
        with zipfile.ZipFile(path) as stored:
            arrays = {name.removesuffix(".npy"): _array(stored.read(name)) for name in stored.namelist()}
        metadata: Any = json.loads(arrays.pop(_JSON).tobytes().decode(), object_hook=_number_or_dict)
        if not isinstance(metadata, dict):
            raise TypeError("The metadata is not a JSON object.")
    except FileNotFoundError as error:
        raise PoolError(f"The file {path} does not exist.") from error
    except Exception as error:  # zipfile, zlib, numpy and json each raise their own errors for damaged archives
        raise PoolError(
            f"{path} cannot be read: it is truncated, damaged, or was not written by this package."
        ) from error
    return arrays, metadata  # pyright: ignore[reportUnknownVariableType]


def _array(member: bytes) -> NDArray[Any]:
    """Decode an array from a member that was read in full, which has verified its checksum."""
    return np.lib.format.read_array(io.BytesIO(member), allow_pickle=False)


def _plain(value: Any) -> Any:
    """Convert numpy scalars to Python numbers, and non-finite numbers to a form that JSON can represent."""
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
