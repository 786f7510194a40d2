"""The files of a corpus folder: ``corpus.json``, and rows in parts, each written beside and renamed into place.

Finished rows are written at once, as small Arrow files. When they are a thousand, they become one Parquet part, after
which the small files are deleted. A file is named by the first and last of the writes that it contains, so that a
reader recognises what a larger part has replaced, whenever a run was killed. Rows keep their places; only those of
failed pairs are replaced, if these are explained again (:mod:`.writer`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from fixlip_widgets.errors import FixlipError, InputError, PoolError
from fixlip_widgets.support.files import replacing

try:
    import pandas as _  # noqa: F401 # of the table
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as error:
    raise FixlipError("A corpus needs pandas and pyarrow: pip install 'fixlip-widgets[corpus]'.") from error

_DESCRIPTION = "corpus.json"
_FORMAT = 1
_NAME = re.compile(r"part-(\d{9})-(\d{9})\.(arrow|parquet)")


class Part(NamedTuple):
    """A file of rows.

    Attributes:
        first, last: Numbers of the first and the last of the writes that it contains.
        path: The file.
        changed: When it was written, in nanoseconds.
    """

    first: int
    last: int
    path: Path
    changed: int


def read_description(folder: Path) -> dict[str, Any]:
    """Return the content of ``corpus.json``: format, settings, model, versions and sources.

    Raises:
        InputError: The folder has none.
        PoolError: It is damaged, or of another format.
    """
    path = folder / _DESCRIPTION
    try:
        content: Any = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{folder} is no corpus: it has no {_DESCRIPTION}. Create it by explain_corpus.") from error
    except (ValueError, OSError) as error:
        raise PoolError(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise PoolError(f"{path} is not of format {_FORMAT}; explain the pairs again with this version.")
    return content  # pyright: ignore[reportUnknownVariableType]


def write_description(folder: Path, content: dict[str, Any]) -> None:
    """Write ``corpus.json``, replacing an existing one."""
    with replacing(folder / _DESCRIPTION) as stream:
        stream.write(json.dumps({"format": _FORMAT, **content}, ensure_ascii=False, indent=1).encode())


def list_parts(folder: Path) -> list[Part]:
    """Return the parts in the order of their rows, without those that a larger part has replaced."""
    found = list[Part]()
    for path in folder.iterdir():
        if name := _NAME.fullmatch(path.name):
            with suppress(FileNotFoundError):  # replaced by a larger part
                found.append(Part(int(name[1]), int(name[2]), path, path.stat().st_mtime_ns))
    kept = list[Part]()
    for part in sorted(found, key=lambda part: (part.first, -part.last, part.path.suffix != ".parquet")):
        if not kept or part.first > kept[-1].last:
            kept.append(part)
    return kept


def is_part(path: Path) -> bool:
    """Return whether a file has the name of a part."""
    return _NAME.fullmatch(path.name) is not None


def read_part(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the rows of a part.

    Raises:
        PoolError: The file is truncated or damaged.
        FileNotFoundError: The file has been replaced by a larger part.
    """
    try:
        if path.suffix == ".parquet":
            with pq.ParquetFile(path, page_checksum_verification=True) as file:
                return file.read(columns=None if columns is None else list(columns))
        with pa.OSFile(str(path)) as stream:
            table = pa.ipc.open_file(stream).read_all()
        return table if columns is None else table.select(list(columns))
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise PoolError(f"The part {path} is truncated or damaged: {error}.") from error


def read_row(path: Path, row: int, columns: Sequence[str] | None = None) -> dict[str, Any]:
    """Return one row of a part; of a Parquet part, only the row group that contains it is read.

    Raises:
        PoolError: The file is truncated or damaged.
        FileNotFoundError: The file has been replaced by a larger part.
    """
    if path.suffix != ".parquet":
        return read_part(path, columns).slice(row, 1).to_pylist()[0]
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for group in range(file.num_row_groups):
                count = file.metadata.row_group(group).num_rows
                if row < count:
                    return file.read_row_group(group, columns=columns).slice(row, 1).to_pylist()[0]
                row -= count
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise PoolError(f"The part {path} is truncated or damaged: {error}.") from error
    raise PoolError(f"The part {path} lacks a row that it had before.")
