"""Durable files: arrays and JSON in one ``.npz``, written beside and renamed into place, read without pickle."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from fixlip_widgets.errors import PoolError

PathLike = str | os.PathLike[str]
_JSON = "metadata.json"


@contextmanager
def replacing(path: PathLike) -> Iterator[BinaryIO]:
    """Open a temporary file beside ``path``; it takes that name when the block ends well, and vanishes otherwise."""
    target = Path(path)
    handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(temporary, 0o666 & ~umask)
        os.replace(temporary, target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def write_npz(path: PathLike, arrays: dict[str, NDArray[Any]], metadata: dict[str, Any]) -> None:
    """Write ``arrays`` and JSON ``metadata``; NaN in the metadata becomes null."""
    text = json.dumps(_plain(metadata), allow_nan=False, ensure_ascii=False)
    with replacing(path) as stream:
        np.savez_compressed(stream, **arrays, **{_JSON: np.frombuffer(text.encode(), dtype=np.uint8)})


def read_npz(path: PathLike) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """Read what :func:`write_npz` wrote.

    Raises:
        PoolError: The file is missing, cut short, or not of this kind.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {name: stored[name] for name in stored.files}
        metadata = json.loads(arrays.pop(_JSON).tobytes().decode())
    except FileNotFoundError as error:
        raise PoolError(f"There is no file {path}.") from error
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise PoolError(f"{path} cannot be read: it is cut short, damaged, or not one of this package's files.") from error
    return arrays, {key: float("nan") if value == {"nan": True} else value for key, value in metadata.items()}


def _plain(value: Any) -> Any:
    """``value`` with numpy scalars as Python numbers and NaN as a marker that JSON can hold."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, float) and value != value:
        return {"nan": True}
    return value
