"""Reads the parts of a corpus folder: the table of all rows without their arrays, and single rows in full."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fixlip_widgets.corpus.parts import Part, list_parts, read_description, read_part, read_row
from fixlip_widgets.corpus.schema import TABLE
from fixlip_widgets.errors import PoolError
from fixlip_widgets.support.notices import warn
from fixlip_widgets.support.threads import Lock

if TYPE_CHECKING:
    import pandas as pd

_TRIES = 5


class _Known(NamedTuple):
    """A part that is read.

    Attributes:
        part: The file.
        table: Its light columns.
        start: Position of its first row.
    """

    part: Part
    table: pd.DataFrame
    start: int


class Reader:
    """The rows of a folder, in the order in which they were written.

    Args:
        folder: The folder.

    Attributes:
        folder: The folder.
        description: Content of ``corpus.json``.
        table: Light columns of all rows read so far.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.description = read_description(folder)
        self._known = list[_Known]()
        self._damaged = set[Path]()
        self._positions = dict[str, int]()
        self._lock = Lock()
        self.table = _frame([])
        self.refresh()

    @property
    def count(self) -> int:
        """Number of rows read so far."""
        return len(self.table)

    def position(self, name: str) -> int | None:
        """Return the position of the row with an id."""
        return self._positions.get(name)

    def refresh(self) -> None:
        """Read the parts that are new; rows that are known keep their positions."""
        with self._lock:
            self.description = read_description(self.folder)
            for attempt in range(1, _TRIES + 1):
                try:
                    self._read()
                    return
                except FileNotFoundError:  # joined to a larger part since the folder was listed
                    if attempt == _TRIES:
                        raise

    def _read(self) -> None:
        before = {known.part: known.table for known in self._known}
        parts = [part for part in list_parts(self.folder) if part.path not in self._damaged]
        if parts == [known.part for known in self._known]:
            return
        known, start = list[_Known](), 0
        for part in parts:
            table = before.get(part)
            if table is None:
                table = self._frame_of(part)
            if table is not None:
                known.append(_Known(part, table, start))
                start += len(table)
        self._known = known
        self.table = _frame([each.table for each in known])
        self._positions = {name: row for row, name in enumerate(self.table["id"])}

    def _frame_of(self, part: Part) -> pd.DataFrame | None:
        """Return the light columns of a part; None, with a warning, if it is damaged."""
        try:
            rows = read_part(part.path, TABLE)
        except PoolError as error:
            self._damaged.add(part.path)
            warn(f"{error} Its rows are missing; run explain_corpus again to compute them.")
            return None
        table: pd.DataFrame = rows.to_pandas(integer_object_nulls=False)
        for name in ("tokens", "support", "support_se"):
            table[name] = [[] if cell is None else cell.tolist() for cell in table[name]]
        texts = ("caption", "error", "caution", "weakest_token")
        table[list(texts)] = table[list(texts)].fillna("")
        numbers = {"weakest": -1, "image_encodes": 0, "text_encodes": 0, "encodings": 0}
        return table.fillna(numbers).astype(dict.fromkeys(numbers, int))

    def row(self, position: int, columns: Sequence[str] | None = None) -> dict[str, Any]:
        """Return one row, by default with all columns.

        Raises:
            PoolError: The part is damaged.
        """
        for attempt in range(_TRIES):
            known = next(each for each in reversed(self._known) if each.start <= position)
            try:
                return read_row(known.part.path, position - known.start, columns)
            except FileNotFoundError:
                if attempt == _TRIES - 1:
                    raise
                self.refresh()
        raise AssertionError("The last attempt returns or raises.")


def _frame(tables: list[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    if not tables:
        return pd.DataFrame({name: [] for name in TABLE}).astype({"failed": bool})
    return pd.concat(tables, ignore_index=True) if len(tables) > 1 else tables[0]
