"""The files of a corpus folder: ``corpus.json``, and rows in parts, each written beside and renamed into place.

Finished rows are written at once, as small Arrow files. When they are a thousand, they become one Parquet part, after
which the small files are deleted. A file is named by the first and last of the writes that it contains, so that a
reader recognises what a larger part has replaced, whenever a run was killed. Rows are never changed.
"""

from __future__ import annotations

import errno
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from fixlip_widgets.errors import FixlipError, InputError, PoolError
from fixlip_widgets.support.files import replacing
from fixlip_widgets.support.notices import warn

try:
    import pandas as _  # noqa: F401 # of the table
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as error:
    raise FixlipError("A corpus needs pandas and pyarrow: pip install 'fixlip-widgets[corpus]'.") from error

PART_ROWS = 1000
"""Least number of rows of a Parquet part, except for the last one."""
_GROUP_ROWS = 32
"""Rows of a row group: the least that is read for one explanation."""
_DESCRIPTION = "corpus.json"
_FORMAT = 1
_NAME = re.compile(r"part-(\d{9})-(\d{9})\.(arrow|parquet)")


class Part(NamedTuple):
    """A file of rows.

    Attributes:
        first, last: Numbers of the first and the last of the writes that it contains.
        path: The file.
    """

    first: int
    last: int
    path: Path


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
            found.append(Part(int(name[1]), int(name[2]), path))
    kept = list[Part]()
    for part in sorted(found, key=lambda part: (part.first, -part.last, part.path.suffix != ".parquet")):
        if not kept or part.first > kept[-1].last:
            kept.append(part)
    return kept


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


class Writer:
    """Appends rows to a folder; the folder's lock must be held.

    Damaged parts are named in a warning and set aside, so that their rows are computed again.

    Args:
        folder: An existing folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done = dict[str, str]()
        self._small = list[Part]()
        self._small_rows = 0
        self._next = 0
        for abandoned in folder.glob(".part-*"):  # of a run that was killed while it wrote
            abandoned.unlink(missing_ok=True)
        parts = list_parts(folder)
        for path in folder.iterdir():  # left behind by a run that was killed after it had joined them
            if _NAME.fullmatch(path.name) and path not in {part.path for part in parts}:
                path.unlink()
        for part in parts:
            self._open(part)

    @property
    def done(self) -> dict[str, str]:
        """Caption of each row that is written, by id."""
        return self._done

    def _open(self, part: Part) -> None:
        try:
            rows = read_part(part.path, ("id", "caption"))
        except PoolError as error:
            aside = part.path.with_name(f"{part.path.name}.damaged")
            part.path.replace(aside)
            warn(f"{error} It is kept as {aside.name}, and its rows are computed again.")
            self._next = max(self._next, part.last + 1)
            return
        self._done.update(zip(rows["id"].to_pylist(), rows["caption"].to_pylist(), strict=True))
        self._next = max(self._next, part.last + 1)
        if part.path.suffix == ".arrow":
            self._small.append(part)
            self._small_rows += rows.num_rows
        else:  # small files before a part stay as they are
            self._small, self._small_rows = [], 0

    def append(self, rows: pa.Table) -> None:
        """Write rows that are not written yet; join the small files once they have enough rows.

        Raises:
            OSError: The disk is full or not writable. The rows written before are intact.
        """
        new = [name not in self._done for name in rows["id"].to_pylist()]
        if not any(new):
            return
        rows = rows if all(new) else rows.filter(pa.array(new))
        part = Part(self._next, self._next, self._folder / f"part-{self._next:09}-{self._next:09}.arrow")
        _write_arrow(part.path, rows)
        self._next += 1
        self._done.update(zip(rows["id"].to_pylist(), rows["caption"].to_pylist(), strict=True))
        self._small.append(part)
        self._small_rows += rows.num_rows
        if self._small_rows >= PART_ROWS:
            self.join()

    def join(self) -> None:
        """Join the small files at the end of the folder to one Parquet part.

        Raises:
            OSError: The disk is full or not writable. The small files are intact.
        """
        if not self._small:
            return
        first, last = self._small[0].first, self._small[-1].last
        path = self._folder / f"part-{first:09}-{last:09}.parquet"
        with replacing(path) as stream:
            writer = None
            for batch in _batches(part.path for part in self._small):
                writer = writer or _parquet_writer(stream, batch.schema)
                writer.write_table(batch, row_group_size=_GROUP_ROWS)
            if writer is not None:
                writer.close()
        for part in self._small:
            part.path.unlink()
        self._small, self._small_rows = [], 0


def _batches(paths: Iterable[Path]) -> Iterator[pa.Table]:
    """Yield the rows of small files, a row group at a time."""
    waiting, count = list[pa.Table](), 0
    for path in paths:
        waiting.append(read_part(path))
        count += waiting[-1].num_rows
        if count >= _GROUP_ROWS:
            yield pa.concat_tables(waiting)
            waiting, count = [], 0
    if waiting:
        yield pa.concat_tables(waiting)


def _parquet_writer(stream: Any, schema: pa.Schema) -> pq.ParquetWriter:
    return pq.ParquetWriter(stream, schema, compression="zstd", write_page_checksum=True)


def _write_arrow(path: Path, rows: pa.Table) -> None:
    """Write a small file and rename it; unlike a part, it is not flushed to the disk, which takes longer than a row."""
    temporary = path.with_name(f".{path.name}")
    try:
        with pa.OSFile(str(temporary), "wb") as stream, pa.ipc.new_file(stream, rows.schema) as writer:
            writer.write_table(rows)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def is_full(error: OSError) -> bool:
    """Return whether an error says that the disk, or the user's share of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)
