"""``Corpus``: the explanations of many pairs in a folder, also while it is being written."""

from __future__ import annotations

import html
from collections.abc import Iterable
from numbers import Integral
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fixlip_widgets.corpus.data_sets import data_set
from fixlip_widgets.corpus.lock import is_locked
from fixlip_widgets.corpus.query import matches
from fixlip_widgets.corpus.reader import Reader
from fixlip_widgets.corpus.run import Engine, Workers, run
from fixlip_widgets.corpus.schema import explanation_of
from fixlip_widgets.corpus.settings import ModelSource, Settings
from fixlip_widgets.errors import FixlipError, InputError
from fixlip_widgets.explanation.explanation import Explanation
from fixlip_widgets.support.files import PathLike
from fixlip_widgets.support.formatting import counted

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = ("id", "caption", "similarity", "residual", "r2", "weakest_token", "least_support", "error")
_ROWS = 10


class Corpus:
    """Explanations of many pairs, from :func:`fixlip_widgets.explain_corpus`.

    Rows are in the order in which they were finished, and keep their positions while the folder grows. Only the rows of
    failed pairs are replaced, if these are explained again.

    Args:
        folder: The folder.

    Attributes:
        folder: The folder.

    Raises:
        InputError: The folder is no corpus, or pandas or pyarrow is not installed.
        PoolError: A file is damaged.
    """

    def __init__(self, folder: PathLike) -> None:
        self.folder = Path(folder)
        self._reader = Reader(self.folder)
        self._query: str | None = None
        self._rows: list[int] | None = None
        """Rows of the reader that this view has; None for all."""
        self._seen = self._reader.count
        self._table: pd.DataFrame | None = None

    # -- the table -------------------------------------------------------------------------------------------------

    @property
    def table(self) -> pd.DataFrame:
        """A :class:`pandas.DataFrame` with one row a pair, without pictures and terms.

        :doc:`/howto/corpus` lists the columns.
        """
        if self._table is None:
            rows = slice(self._seen) if self._rows is None else self._rows
            table: Any = self._reader.table.iloc[rows]
            self._table = table.reset_index(drop=True)
        return self._table  # pyright: ignore[reportReturnType]

    @property
    def failures(self) -> pd.DataFrame:
        """The pairs that could not be explained: id, caption and the reason."""
        return self.table.loc[self.table["failed"], ["id", "caption", "error"]].reset_index(drop=True)

    def __len__(self) -> int:
        return self._seen if self._rows is None else len(self._rows)

    def where(self, query: str) -> Corpus:
        """Return the rows that fulfil ``query`` as a corpus with the same ids.

        Args:
            query: Comparisons of columns of :attr:`table` with numbers or texts, joined by ``and``, ``or``, ``not`` and
                parentheses, such as ``"similarity > 25 and r2 < 0.8"``; ``"dog" in caption`` searches a text.

        Raises:
            InputError: The query is not of this form, or names an unknown column.
        """
        chosen = matches(self.table, query)
        view = self._view([row for row, fulfils in zip(self._positions(), chosen, strict=True) if fulfils])
        if self._rows is None:
            view._query = query
        elif self._query is not None:
            view._query = f"({self._query}) and ({query})"
        return view

    def take(self, rows: Iterable[int | str]) -> Corpus:
        """Return the given rows, by position or id, in this order.

        Raises:
            InputError: A row does not exist.
        """
        return self._view([self._row(row) for row in rows])

    def refresh(self) -> int:
        """Read the rows that were written since; return how many were added. A query applies to new rows, too."""
        before = len(self)
        self._reader.refresh()
        new = self._reader.table.iloc[self._seen :]
        if self._rows is not None and self._query is not None and len(new):
            self._rows += [self._seen + row for row in matches(new, self._query).nonzero()[0].tolist()]
        self._seen, self._table = self._reader.count, None
        return len(self) - before

    def _view(self, rows: list[int]) -> Corpus:
        view = Corpus.__new__(Corpus)
        view.folder, view._reader, view._seen = self.folder, self._reader, self._seen
        view._query, view._rows, view._table = None, rows, None
        return view

    def _positions(self) -> Iterable[int]:
        return range(self._seen) if self._rows is None else self._rows

    def _row(self, row: int | str) -> int:
        """Return the reader's row of a position or id of this view."""
        if isinstance(row, str):
            position = self._reader.position(row)
            if position is None or position not in self._positions():
                raise InputError(f"The corpus has no row {row!r}.")
            return position
        if isinstance(row, bool) or not isinstance(row, Integral) or not -len(self) <= row < len(self):
            raise InputError(f"The corpus has no row {row!r}; rows are numbered 0 to {len(self) - 1}.")
        position = int(row) % len(self)
        return position if self._rows is None else self._rows[position]

    # -- single rows -----------------------------------------------------------------------------------------------

    def __getitem__(self, row: int | str) -> Explanation:
        """Return the explanation of a row, by position or id, with its picture.

        Raises:
            InputError: The row does not exist, or its pair could not be explained.
        """
        description = self._reader.description
        try:
            return explanation_of(self._reader.row(self._row(row)), description["settings"], description["model"])
        except FixlipError as error:
            raise InputError(str(error)) from error

    __iter__ = None
    """Rows that failed have no explanation, so a corpus is not a sequence of them."""

    def thumbnail(self, row: int | str) -> bytes | None:
        """Return the whole image as WebP of at most 96 pixels a side; None if it could not be read."""
        return self._reader.row(self._row(row), ("thumbnail",))["thumbnail"]

    def picture(self, row: int | str) -> bytes | None:
        """Return what the model sees as WebP at its resolution; None if the image could not be read."""
        return self._reader.row(self._row(row), ("picture",))["picture"]

    # -- the run ---------------------------------------------------------------------------------------------------

    @property
    def settings(self) -> dict[str, Any]:
        """Settings of the explanations: p, budget, seed, grid, regions, words, masking, masks and check."""
        return dict(self._reader.description["settings"])

    @property
    def model(self) -> dict[str, str]:
        """Name, pretrained tag, hash of the weights, tokenizer and precision of the model."""
        return dict(self._reader.description["model"])

    @property
    def sources(self) -> list[dict[str, Any]]:
        """Label and number of rows of each data set."""
        return [dict(source) for source in self._reader.description["sources"]]

    @property
    def expected(self) -> int:
        """Number of rows of the folder once all its data sets are explained."""
        return sum(source["rows"] for source in self._reader.description["sources"])

    @property
    def complete(self) -> bool:
        """Whether the folder has all rows of its data sets."""
        return self._reader.count >= self.expected

    @property
    def running(self) -> bool:
        """Whether a run is writing into the folder."""
        return is_locked(self.folder)

    def add(
        self,
        data: Any,
        *,
        model: Any = None,
        image_column: str = "image",
        caption_column: str = "caption",
        engine: Engine = "local",
        workers: int | None = None,
        gpus_per_worker: float | None = None,
        retry_failed: bool = False,
        progress: bool | None = None,
    ) -> None:
        """Explain the pairs of another data set into the folder, with the same model and settings.

        Args:
            data: As for :func:`fixlip_widgets.explain_corpus`. Their ids begin with the name of the data set.
            model: The model, if the corpus cannot load it by its name.
            image_column: Column of images.
            caption_column: Column of captions.
            engine: As for :func:`fixlip_widgets.explain_corpus`.
            workers: As there.
            gpus_per_worker: As there.
            retry_failed: As there.
            progress: As there.

        Raises:
            InputError: The model differs from that of the corpus, or must be passed.
            FixlipError: Another run writes into the folder, or the disk is full.
        """
        loading = self._reader.description["loading"]
        if model is None and loading is None:
            raise InputError("The corpus was made with a model in memory; pass it again: corpus.add(…, model=model).")
        source = ModelSource(**loading) if model is None else ModelSource.of(model)
        settings = Settings.of_json(self.settings)
        rows = data_set(data, (image_column, caption_column), seed=settings.seed)
        place = Workers(engine, workers, gpus_per_worker).checked()
        try:
            run(self.folder, rows, source, settings, place, more=True, retry_failed=retry_failed, progress=progress)
        finally:
            self.refresh()

    # -- display ---------------------------------------------------------------------------------------------------

    def summary(self) -> str:
        """Return one line on the number of rows and of failures, on the model and the settings."""
        settings, model = self.settings, self.model
        failures = len(self.failures)
        of = f" of {self.expected:,}" if self._rows is None and not self.complete else ""
        failed = f", {failures:,} of them failed" if failures else ""
        return (
            f"{len(self):,}{of} {'pair' if len(self) == 1 else 'pairs'}{failed}, {model['name']} "
            f"({model['pretrained']}), p={settings['p']:g}, budget {settings['budget']:,}"
        )

    def __repr__(self) -> str:
        return f"<Corpus {self.folder}: {self.summary()}>"

    def _repr_html_(self) -> str:
        """Return the first rows as an HTML table for a notebook."""
        shown = self.table.loc[: _ROWS - 1, list(_SHOWN)]
        more = f"{counted(len(self) - _ROWS, 'more row')}" if len(self) > _ROWS else ""
        table = shown.to_html(index=False, float_format=lambda value: f"{value:.3g}", na_rep="", border=0)
        return f"{table}<p>{html.escape(self.summary())}{' · ' + more if more else ''}</p>"
