"""Progress of long work: its numbers, and the one progress bar."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import Any

_DELAY = 1.0
"""Seconds of work before a bar appears: shorter work needs none."""
_LOG_INTERVAL = 30.0
"""Seconds between two states of a bar in a log file."""


@dataclass(frozen=True)
class Progress:
    """Progress of a request; counts are masks to encode for it.

    Attributes:
        seconds_left: Estimated from the pace so far; ``nan`` before the first batch.
    """

    image_done: int
    image_total: int
    text_done: int
    text_total: int
    seconds_left: float

    @property
    def done(self) -> int:
        """Masks encoded so far."""
        return self.image_done + self.text_done

    @property
    def total(self) -> int:
        """Masks to encode."""
        return self.image_total + self.text_total

    @property
    def fraction(self) -> float:
        """Share of the work that is done, from 0 to 1."""
        return self.done / self.total if self.total else 1.0

    @classmethod
    def since(
        cls, started: float, image_done: int, image_total: int, text_done: int = 0, text_total: int = 0
    ) -> Progress:
        """Return the progress of work that began at ``time.monotonic() == started``."""
        done, left = image_done + text_done, image_total + text_total - image_done - text_done
        pace = (time.monotonic() - started) / done if done else float("nan")
        return cls(image_done, image_total, text_done, text_total, pace * left)


class ProgressBar:
    """A ``tqdm.auto`` bar that appears after a second of work and leaves nothing behind.

    Args:
        wanted: Whether to show it; None shows it on a terminal and in a notebook.
        what: What is being done, the bar's label.
        unit: What is counted.
    """

    def __init__(self, wanted: bool | None, what: str, unit: str = "") -> None:
        self._wanted = (_in_notebook() or sys.stderr.isatty()) if wanted is None else wanted
        # Without smoothing, the pace and the time left are those of all work since the start.
        self._options: dict[str, Any] = {
            "desc": what,
            "unit": f" {unit}" if unit else "",
            "leave": False,
            "smoothing": 0,
        }
        if not (_in_notebook() or sys.stderr.isatty()):
            self._options["mininterval"] = _LOG_INTERVAL
        self._began = time.monotonic()
        self._bar: Any = None
        self._display: Any = None

    def __enter__(self) -> ProgressBar:
        return self

    def show(self, done: float, total: float, **notes: Any) -> None:
        """Show that ``done`` of ``total`` is done, and ``notes`` after it; the total may change on the way."""
        if not self._wanted or time.monotonic() < self._began + _DELAY:
            return
        if self._bar is None:
            self._bar, self._display = _bar(total, self._options)
            self._bar.start_t += self._began - time.monotonic()
        self._bar.total = total
        self._bar.set_postfix(notes, refresh=False)
        self._bar.update(done - self._bar.n)

    def __exit__(self, *_: object) -> None:
        if self._bar is None:
            return
        self._bar.refresh()  # a log ends with the last state
        self._bar.close()
        if self._display is not None:  # otherwise the saved notebook keeps a broken widget and its parts
            self._display.update({"text/plain": ""}, raw=True)
            for part in (self._bar.container, *self._bar.container.children):
                for model in (getattr(part, "style", None), part.layout, part):
                    if model is not None:
                        model.close()


def _bar(total: float, options: dict[str, Any]) -> tuple[Any, Any]:
    """A tqdm bar, and in a notebook the display that it is shown in."""
    from tqdm.auto import tqdm

    if not _in_notebook():
        return tqdm(total=total, **options), None
    from IPython.display import display  # pyright: ignore[reportUnknownVariableType]

    bar: Any = tqdm(total=total, display=False, **options)
    container = getattr(bar, "container", None)
    return bar, None if container is None else display(container, display_id=True)


def _in_notebook() -> bool:
    if "ipykernel" not in sys.modules:
        return False
    from IPython.core.getipython import get_ipython

    return getattr(get_ipython(), "kernel", None) is not None
