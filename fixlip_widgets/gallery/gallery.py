"""The gallery widget: the pairs of a corpus as cards, to sort, search, filter and open."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import anywidget
import ipywidgets
import traitlets as t

from fixlip_widgets.errors import FixlipError, InputError
from fixlip_widgets.gallery import filters
from fixlip_widgets.gallery.messages import Answers
from fixlip_widgets.gallery.rows import columns
from fixlip_widgets.pages.js_bundle import (
    DETAILS,
    GALLERY,
    PLOTLY,
    VIEW,
    Bundle,
    built,
    code_for,
    model_id,
    shared_bundle,
)
from fixlip_widgets.pages.recordable import STILL_OF

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from fixlip_widgets.corpus.corpus import Corpus
    from fixlip_widgets.support.files import PathLike

SETTINGS = ("sort", "descending", "search", "query", "ranges", "selected", "opened", "theme")
"""Traits that the view may change."""
_CHECKS: dict[str, Callable[[Any], Any]] = {"sort": filters.check_sort, "ranges": filters.check_ranges}
POLL_SECONDS = 1.0
MAX_ROWS = 100_000
"""Pairs that a gallery shows; a browser cannot lay out many more."""
KEPT_ROWS = 5000
"""Pairs up to which a displayed gallery is stored in the notebook."""


class Gallery(anywidget.AnyWidget):
    """The pairs of a corpus as cards with picture, caption, similarity, R² and the support of the weakest token.

    Display it as the last line of a cell. A click or Enter opens the explanation of a pair; Space, or the mark in the
    corner of a card, selects it. While the corpus is being written, new pairs appear as they are explained.

    Args:
        corpus: The corpus, or a part of it, such as ``corpus.where("similarity > 25")``.
        **settings: Any of the settings below.

    Attributes:
        sort, descending: Name of the column by which pairs are sorted, ``id``, ``caption``, or ``row`` for the order
            of the corpus; and whether the largest come first.
        search: Text that the captions contain, whatever the case.
        query: A condition, as for :meth:`fixlip_widgets.Corpus.where`.
        ranges: Column name to (low, high), both ends included.
        selected: Ids of the selected pairs.
        opened: Id of the pair whose explanation is shown, or empty.
        theme: ``auto``, ``light`` or ``dark``.
        total, expected, complete: Pairs so far, pairs of the finished corpus, and whether it is finished (read only).
        error: Why the corpus can no longer be read, or empty (read only).

    Raises:
        InputError: A setting is invalid or unknown.
    """

    _esm = built("loader.js")

    bundle = t.Instance(Bundle).tag(sync=True, **ipywidgets.widget_serialization)
    viewer = t.Unicode(f"IPY_MODEL_{model_id(VIEW)}", read_only=True).tag(sync=True)
    details = t.Unicode(f"IPY_MODEL_{model_id(DETAILS)}", read_only=True).tag(sync=True)
    plotly = t.Unicode(f"IPY_MODEL_{model_id(PLOTLY)}", read_only=True).tag(sync=True)

    sort = t.Unicode("least_support").tag(sync=True)
    descending = t.Bool(False).tag(sync=True)
    search = t.Unicode("").tag(sync=True)
    query = t.Unicode("").tag(sync=True)
    ranges: t.Dict[str, tuple[float, float]] = t.Dict().tag(sync=True)
    selected: t.List[str] = t.List(t.Unicode()).tag(sync=True)
    opened = t.Unicode("").tag(sync=True)
    theme = t.Unicode("auto").tag(sync=True)

    title = t.Unicode("").tag(sync=True)
    total: t.Int[int, int] = t.Int(0).tag(sync=True)
    expected: t.Int[Any, Any] = t.Int(None, allow_none=True).tag(sync=True)
    complete = t.Bool(False).tag(sync=True)
    columns: t.List[Any] = t.List().tag(sync=True)
    openable: t.List[str] = t.List(None, allow_none=True).tag(sync=True)
    notice = t.Unicode("").tag(sync=True)
    error = t.Unicode("").tag(sync=True)
    kept: t.Instance[Any] = t.Instance(dict, allow_none=True).tag(sync=True)

    def __init__(self, corpus: Corpus, **settings: Any) -> None:
        self._closed = threading.Event()  # set first, because close() also runs after a failure in __init__
        if unknown := sorted(settings.keys() - {*SETTINGS}):
            raise InputError(f"A gallery has no setting {unknown[0]!r}; choose from {', '.join(SETTINGS)}.")
        self._corpus = corpus
        self._lock = threading.RLock()
        self._answers = Answers(corpus)
        self._display_id = ""
        self._keeps = False
        super().__init__(
            bundle=shared_bundle(GALLERY),
            columns=columns(),
            title=corpus.folder.name,
            **self._extent(),
            **settings,
        )
        if not self.complete:
            threading.Thread(target=self._follow, name="fixlip gallery", daemon=True).start()

    def __repr__(self) -> str:
        return f"<Gallery of {self.title!r}: {self.total:,} pairs{'' if self.complete else ', growing'}>"

    # -- results -------------------------------------------------------------------------------------------------------

    @property
    def corpus(self) -> Corpus:
        """The pairs that pass the search, the query and the ranges, as shown: sorted.

        Raises:
            InputError: The query cannot be read.
        """
        with self._lock:
            found = filters.filtered(self._corpus, self.search, self.query, self.ranges)
            return found.take(filters.order_of(found.table, self.sort, descending=self.descending))

    def to_html(
        self, path: PathLike, pairs: int | Sequence[str] = 24, *, title: str | None = None, **limits: Any
    ) -> None:
        """Write the gallery with its filters as one HTML file that needs neither a kernel nor a network.

        Args:
            path: The ``.html`` file; an existing file is replaced whole or not at all.
            pairs: Ids of the pairs whose explanations the page contains, or their number: one half are then those with
                the least support, the others are drawn at random.
            title: Title of the page; the name of the corpus by default.
            limits: ``max_megabytes`` of the page (20 by default), and ``seed`` of the random pairs.

        Raises:
            InputError: A pair is unknown or could not be explained, or the corpus is empty.
        """
        from fixlip_widgets.gallery.report import write_report

        with self._lock:
            write_report(self._corpus, path, pairs, title=title, settings=self._settings(), **limits)

    def keep(self, pairs: int | Sequence[str] = 6, *, max_megabytes: float = 4.0, seed: int = 0) -> None:
        """Store the gallery in the notebook, so that an export by ``jupyter nbconvert --to fixlip_html`` is live.

        A displayed gallery of at most 5,000 pairs does this by itself with these defaults; call it for a larger one, or
        for more explanations and pictures.

        Args:
            pairs: As for :meth:`to_html`.
            max_megabytes: Largest size.
            seed: Seed of the random pairs.
        """
        from fixlip_widgets.gallery.report import html_still
        from fixlip_widgets.gallery.saved_gallery import contents

        with self._lock:
            saved = contents(self._corpus, pairs, settings=self._settings(), max_megabytes=max_megabytes, seed=seed)
            self.kept = {**saved, "still": html_still(self._corpus)}

    def _keep_if_small(self) -> None:
        """Store a displayed gallery in the notebook, unless the user did or it would make the notebook large."""
        if self._keeps and 0 < self.total <= KEPT_ROWS:
            self.keep()

    def close(self) -> None:
        """Stop following the corpus, and close the view."""
        self._closed.set()
        super().close()

    def _settings(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in SETTINGS if name not in ("selected", "opened")}

    def _ipython_display_(self, **_: Any) -> None:
        from IPython.display import display, publish_display_data  # pyright: ignore[reportUnknownVariableType]

        from fixlip_widgets.gallery.report import html_still

        if self.comm is None:  # a closed widget has no view
            display(self._corpus)
            return
        self._keeps = self.kept is None
        self._keep_if_small()
        data, metadata = self._repr_mimebundle_()  # pyright: ignore[reportGeneralTypeIssues]
        publish_display_data({**data, "text/plain": repr(self)}, metadata)
        self._display_id = self._display_id or uuid4().hex
        publish_display_data(
            {"text/html": html_still(self._corpus, hidden=True), "text/plain": repr(self)},
            {STILL_OF: self.model_id},
            transient={"display_id": self._display_id},
        )

    # -- growth --------------------------------------------------------------------------------------------------------

    def _extent(self) -> dict[str, Any]:
        """Return the traits that describe how much of the corpus there is."""
        many = len(self._corpus)
        notice = ""
        if many > MAX_ROWS:
            notice = (
                f"The gallery shows the first {MAX_ROWS:,} of {many:,} pairs; select some by "
                'corpus.where("…") to see others.'
            )
        return {
            "total": min(many, MAX_ROWS),
            "expected": self._corpus.expected,
            "complete": self._corpus.complete,
            "notice": notice,
        }

    def _follow(self) -> None:
        """On a thread of its own, show new pairs until the corpus is finished or the gallery is closed."""
        while not self._closed.wait(POLL_SECONDS):
            try:
                finished = self._grow()
            except (FixlipError, OSError) as error:
                with self._lock:
                    self.error = f"The corpus can no longer be read: {error}"
                return
            if finished:
                self._keep_if_small()
                return

    def _grow(self) -> bool:
        """Read new rows, and send them, since a busy kernel cannot answer the view.

        Returns:
            Whether the corpus is finished.
        """
        with self._lock:
            before = self.total
            self._corpus.refresh()
            extent = self._extent()
            start = before
            while start < extent["total"]:
                message, buffers = self._answers.rows(start, extent["total"])
                self.send(message, buffers)
                start += len(message["texts"]["weakest"])
            with self.hold_sync():
                for name, value in extent.items():
                    setattr(self, name, value)
            return self.complete

    # -- from the view -------------------------------------------------------------------------------------------------

    @t.validate("sort")
    def _check_sort(self, proposal: Any) -> str:
        return filters.check_sort(proposal["value"])

    @t.validate("ranges")
    def _check_ranges(self, proposal: Any) -> filters.Ranges:
        return filters.check_ranges(proposal["value"])

    def set_state(self, sync_data: dict[str, Any]) -> None:
        """Apply settings from the view; an invalid one keeps its value, which is sent back."""
        for name, value in sync_data.items():
            try:
                if name not in SETTINGS:
                    raise InputError(f"The view cannot change {name!r}.")
                check = _CHECKS.get(name)  # here, because ipywidgets checks only after a change of several traits
                super().set_state({name: check(value) if check else value})
            except (InputError, t.TraitError) as error:
                self.send({"type": "refused", "name": name, "message": str(error)})
                self.send_state(name)

    def _handle_custom_msg(self, content: Any, buffers: Any) -> None:
        """Answer a request of the view."""
        kind = content.get("type") if isinstance(content, dict) else None
        codes = {"bundle": GALLERY, "viewer": VIEW, "details": DETAILS, "plotly": PLOTLY}
        try:
            if kind in codes:
                shares = content.get("shares") is True
                if shares and kind == "viewer":
                    shared_bundle(DETAILS)  # so that a saved notebook has both
                self.send({"type": kind, "code": code_for(codes[kind], shares=shares)})
            else:
                with self._lock:
                    self.send(*self._answers.answer(content, self.total))
        except (FixlipError, OSError) as error:
            self.send({"type": "refused", "name": str(kind)[:80], "message": str(error)})
