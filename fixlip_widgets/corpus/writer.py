"""Writes rows into a corpus folder: new rows at its end, and those of retried pairs in their former places."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from fixlip_widgets.corpus.parts import Part, is_part, list_parts, read_part
from fixlip_widgets.errors import PoolError
from fixlip_widgets.support.files import replacing
from fixlip_widgets.support.notices import warn

PART_ROWS = 1000
"""Least number of rows of a Parquet part, except for the last one."""
_GROUP_ROWS = 32
"""Rows of a row group: the least that is read for one explanation."""
_RETRIED = "retried-*.arrow"
"""Small files of rows that are not in their places yet; readers do not see them."""


class Writer:
    """Writes rows into a folder; the folder's lock must be held.

    Damaged parts are named in a warning and set aside, so that their rows are computed again.

    Args:
        folder: An existing folder.

    Attributes:
        done: Caption of each row that is written, by id.
        failed: Ids of the rows that have an error.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.done = dict[str, str]()
        self.failed = set[str]()
        self._retrying = set[str]()
        self._retried_rows = 0
        self._small = list[Part]()
        self._small_rows = 0
        self._next = 0
        for abandoned in (*folder.glob(".part-*"), *folder.glob(".retried-*")):  # a run was killed while it wrote
            abandoned.unlink(missing_ok=True)
        parts = list_parts(folder)
        for path in folder.iterdir():  # left behind by a run that was killed after it had joined them
            if is_part(path) and path not in {part.path for part in parts}:
                path.unlink()
        for part in parts:
            self._open(part)
        self._place_retried()  # of a run that was killed before it did

    def _open(self, part: Part) -> None:
        self._next = max(self._next, part.last + 1)
        try:
            rows = read_part(part.path, ("id", "caption", "failed"))
        except PoolError as error:
            aside = part.path.with_name(f"{part.path.name}.damaged")
            part.path.replace(aside)
            warn(f"{error} It is kept as {aside.name}, and its rows are computed again.")
            return
        self._note(rows)
        if part.path.suffix == ".arrow":
            self._small.append(part)
            self._small_rows += rows.num_rows
        else:  # small files before a part stay as they are
            self._small, self._small_rows = [], 0

    def _note(self, rows: pa.Table) -> None:
        for name, caption, failed in zip(
            *(rows[name].to_pylist() for name in ("id", "caption", "failed")), strict=True
        ):
            self.done[name] = caption
            (self.failed.add if failed else self.failed.discard)(name)

    def retry_failed(self) -> None:
        """Forget the rows that have an error, so that new ones replace them."""
        self._retrying = set(self.failed)
        for name in self._retrying:
            del self.done[name]

    def append(self, rows: pa.Table) -> None:
        """Write rows that are not written yet; join the small files once they have enough rows.

        Raises:
            OSError: The disk is full or not writable. The rows written before are intact.
        """
        new = [name not in self.done for name in rows["id"].to_pylist()]
        rows = rows if all(new) else rows.filter(pa.array(new))
        again = [name in self._retrying for name in rows["id"].to_pylist()]
        if any(again):
            self._append_retried(rows.filter(pa.array(again)))
            rows = rows.filter(pa.array([not each for each in again]))
        if not rows.num_rows:
            return
        part = self._folder / f"part-{self._next:09}-{self._next:09}.arrow"
        _write_arrow(part, rows)
        self._small.append(Part(self._next, self._next, part, 0))
        self._next += 1
        self._small_rows += rows.num_rows
        self._note(rows)
        if self._small_rows >= PART_ROWS:
            self._join_small()

    def _append_retried(self, rows: pa.Table) -> None:
        number = len(list(self._folder.glob(_RETRIED)))
        _write_arrow(self._folder / f"retried-{number:09}.arrow", rows)
        self._retried_rows += rows.num_rows
        self._retrying.difference_update(rows["id"].to_pylist())
        self._note(rows)
        if self._retried_rows >= PART_ROWS:
            self._place_retried()

    def join(self) -> None:
        """Join the small files at the end of the folder to one Parquet part, and put retried rows in their places.

        Raises:
            OSError: The disk is full or not writable. The small files are intact.
        """
        self._join_small()
        self._place_retried()

    def _join_small(self) -> None:
        if not self._small:
            return
        first, last = self._small[0].first, self._small[-1].last
        small = [part.path for part in self._small]
        _write_parquet(self._folder / f"part-{first:09}-{last:09}.parquet", map(read_part, small))
        for path in small:
            path.unlink()
        self._small, self._small_rows = [], 0

    def _place_retried(self) -> None:
        """Replace failed rows by those of their retried pairs; repeated from the start after an interruption."""
        paths, retried = sorted(self._folder.glob(_RETRIED)), dict[str, pa.Table]()
        for path in paths:
            try:
                rows = read_part(path)
            except PoolError as error:
                warn(f"{error} The rows that it should replace are unchanged.")
                continue
            self._note(rows)
            retried.update((name, rows.slice(row, 1)) for row, name in enumerate(rows["id"].to_pylist()))
        lost = set(retried)
        for part in list_parts(self._folder) if retried else []:
            names = retried.keys() & read_part(part.path, ("id",))["id"].to_pylist()
            if names:
                _replace_rows(part.path, retried)
                lost -= names
        for name in sorted(lost):  # the part of the failed row was damaged
            del self.done[name]
            self.append(retried[name])
        for path in paths:
            path.unlink()
        self._retried_rows = 0


def _replace_rows(path: Path, rows: dict[str, pa.Table]) -> None:
    """Write a part anew with ``rows`` (id to a row) in place of those with the same ids."""
    if path.suffix == ".arrow":
        _write_arrow(path, _replaced(read_part(path), rows))
        return
    with pq.ParquetFile(path) as file:
        groups = (_replaced(file.read_row_group(group), rows) for group in range(file.num_row_groups))
        _write_parquet(path, groups)


def _replaced(table: pa.Table, rows: dict[str, pa.Table]) -> pa.Table:
    names = table["id"].to_pylist()
    return pa.concat_tables([rows[name] if name in rows else table.slice(row, 1) for row, name in enumerate(names)])


def _write_parquet(path: Path, tables: Iterable[pa.Table]) -> None:
    """Write a Parquet part, a row group at a time."""
    with replacing(path) as stream:
        writer = None
        for batch in _row_groups(tables):
            writer = writer or pq.ParquetWriter(stream, batch.schema, compression="zstd", write_page_checksum=True)
            writer.write_table(batch, row_group_size=_GROUP_ROWS)
        if writer is not None:
            writer.close()


def _row_groups(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Join tables to those of at least :data:`_GROUP_ROWS` rows."""
    waiting, count = list[pa.Table](), 0
    for table in tables:
        waiting.append(table)
        count += table.num_rows
        if count >= _GROUP_ROWS:
            yield pa.concat_tables(waiting)
            waiting, count = [], 0
    if waiting:
        yield pa.concat_tables(waiting)


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
