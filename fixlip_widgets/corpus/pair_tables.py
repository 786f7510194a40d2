"""Rows of CSV, tab-separated, JSON Lines and Parquet files, as dicts; a malformed row is a sentence instead."""

from __future__ import annotations

import codecs
import csv
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from fixlip_widgets.errors import InputError

Cells = dict[str, Any] | str
"""Column → value, or the reason why the row cannot be read."""
FORMATS = (".csv", ".tsv", ".jsonl", ".parquet")


def table_rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, Cells]]:
    """Yield the name and the cells of each row.

    Args:
        path: A file whose name ends in one of :data:`FORMATS`.
        columns: Columns that every row needs; the first has the images.

    Raises:
        InputError: The file cannot be read, or has not exactly one column of each name.
    """
    kind = path.suffix.lower()
    if kind == ".jsonl":
        return _json_rows(path, columns)
    return (
        _parquet_rows(path, columns)
        if kind == ".parquet"
        else _csv_rows(path, columns, "\t" if kind == ".tsv" else ",")
    )


def _check_columns(path: Path, names: list[str], columns: tuple[str, ...]) -> None:
    counts = Counter(names)
    for column in columns:
        if counts[column] != 1:
            problem = "lacks the column" if counts[column] == 0 else "has more than one column"
            raise InputError(
                f"{path} {problem} {column}; its columns are {', '.join(names) or 'none'}. Choose columns with "
                "--image-column and --caption-column."
            )


def _csv_rows(path: Path, columns: tuple[str, ...], delimiter: str) -> Iterator[tuple[str, Cells]]:
    with path.open(encoding=_encoding_of(path), errors="surrogateescape", newline="") as stream:
        table = csv.reader(stream, delimiter=delimiter, strict=True)
        try:
            header = next(table, [])
        except csv.Error as error:
            raise InputError(f"The header of {path} is not valid: {error}.") from error
        if any("\0" in name for name in header):
            raise InputError(f"{path} is not text in UTF-8, nor in UTF-16 with a byte order mark. Save it as UTF-8.")
        _check_columns(path, header, columns)
        while True:
            first = table.line_num + 1
            try:
                cells = next(table)
            except StopIteration:
                return
            except UnicodeDecodeError as error:
                raise InputError(f"{path} is not valid {error.encoding}: {error.reason}. Save it as UTF-8.") from error
            except csv.Error as error:
                last = table.line_num
                yield f"row {first}" + (f" to {last}" if last > first else ""), f"The row is not valid CSV: {error}."
                continue
            if cells:
                yield f"row {table.line_num}", _cells(header, cells, delimiter)


def _encoding_of(path: Path) -> str:
    """Return UTF-16 if the file begins with its byte order mark, as Excel's Unicode text does, else UTF-8."""
    with path.open("rb") as stream:
        return "utf-16" if stream.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8-sig"


def _cells(header: list[str], cells: list[str], delimiter: str) -> Cells:
    if len(cells) != len(header):
        return (
            f"The row has {len(cells)} cells, but the header has {len(header)}; enclose texts that contain separators "
            "or line breaks in quotes."
        )
    if delimiter == "\t" and any("\t" in cell and "\n" in cell for cell in cells):
        return (
            "A cell contains tabs and line breaks, as if a quote of one row ended in another; double quotes in texts."
        )
    if any("\udc80" <= character <= "\udcff" for cell in cells for character in cell):
        return "The row is not valid UTF-8; save the file as UTF-8."
    return dict(zip(header, cells, strict=True))


def _json_rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, Cells]]:
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                cells: Any = json.loads(line.decode("utf-8-sig"), object_pairs_hook=unique_keys)
            except (ValueError, RecursionError):  # also of invalid UTF-8
                cells = None
            is_object = isinstance(cells, dict)
            yield f"row {number}", cells if is_object else "The line is not a JSON object in UTF-8 with unique keys."


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the object of JSON's pairs of key and value.

    Raises:
        ValueError: A key occurs twice; Python's parser would keep the last value.
    """
    if len(dict(pairs)) < len(pairs):
        raise ValueError("A key occurs twice.")
    return dict(pairs)


def _parquet_rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[str, Cells]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise InputError("Parquet files need pyarrow: pip install 'fixlip-widgets[evaluate]'.") from error
    try:
        with pq.ParquetFile(path) as file:
            _check_columns(path, list(file.schema_arrow.names), columns)
            kinds = {column: file.schema_arrow.field(column).type for column in columns}
            # images stay in the file until their row is read
            later = [name for name in columns[:1] if pa.types.is_struct(kinds[name]) or _is_binary(kinds[name])]
            now = [column for column in columns if column not in later]
            number = 0
            for group in range(file.num_row_groups):
                for row, cells in enumerate(file.read_row_group(group, columns=now).to_pylist()):
                    number += 1
                    yield f"row {number}", cells | {name: StoredCell(path, group, row, name) for name in later}
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read as Parquet: {error}.") from error


def _is_binary(kind: Any) -> bool:
    import pyarrow as pa

    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


@dataclass(frozen=True)
class StoredCell:
    """A cell that is still in its Parquet file.

    Attributes:
        path: The file.
        group: Its row group.
        row: Its row there.
        column: Its column.
    """

    path: Path
    group: int
    row: int
    column: str

    def read(self) -> Any:
        """Return the content.

        Raises:
            InputError: The file cannot be read any more.
        """
        import pyarrow as pa

        try:
            return _column(self.path, self.group, self.column)[self.row].as_py()
        except (pa.ArrowException, OSError) as error:
            raise InputError(f"{self.path} cannot be read as Parquet: {error}.") from error


@lru_cache(maxsize=2)
def _column(path: Path, group: int, column: str) -> Any:
    """Return a column of a row group; rows are read in order, so that the last groups are enough."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(path) as file:
        return file.read_row_group(group, columns=[column])[column]
