"""What the parts of a widget share: its traits, the lock for writing them, and the worker."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager

from fixlip_widgets.errors import FixlipError
from fixlip_widgets.pages import wire_format as wire
from fixlip_widgets.pages.traits import WidgetTraits
from fixlip_widgets.support.progress import Progress
from fixlip_widgets.widget.worker import Job, Worker

PROGRESS_EVERY = 0.1
"""Least seconds between two progress messages."""


class Screen:
    """The state of a widget, which its parts write on the worker's thread.

    Args:
        traits: The widget's traits.
        worker: Runs the widget's jobs and chores.
        hold_sync: Collects changes of traits into one message.
        send: Sends a message to the view.

    Attributes:
        lock: Held while results and settings are compared and written, because message handlers run on other threads.
    """

    def __init__(
        self,
        traits: WidgetTraits,
        worker: Worker,
        hold_sync: Callable[[], AbstractContextManager[None]],
        send: Callable[[wire.Wire], None],
    ) -> None:
        self.traits, self.worker, self._hold_sync, self._send = traits, worker, hold_sync, send
        self.lock = threading.RLock()
        self._last_progress = 0.0

    @property
    def generation(self) -> int:
        """Request number of the current result; 0 without a request."""
        return self.traits.result["generation"] if self.traits.result else 0

    def job(self, least: int = 0) -> Job:
        """Return a job with the current settings, which reaches at least the budget ``least``."""
        traits = self.traits
        return Job(
            generation=traits.generation,
            p=traits.p,
            budget=traits.budget,
            caption=traits.text,
            method=traits.method,
            order=int(traits.order),
            classes=traits.classes,
            chosen=traits.chosen,
            stop_at=traits.stop_at,
            least=least,
        )

    @contextmanager
    def publishing(self) -> Generator[None]:
        """Hold the lock, and send all changes of traits in one message."""
        with self.lock, self._hold_sync():
            yield

    def send_progress(self, job: Job, progress: Progress, kind: str = "progress") -> None:
        """Send the progress of ``job`` as a message, because it need not be saved."""
        now = time.monotonic()
        if now > self._last_progress + PROGRESS_EVERY and not job.stop.is_set():
            self._last_progress = now
            self._send({**wire.progress(progress, job.generation), "type": kind})

    @contextmanager
    def reporting(self, what: str) -> Generator[None]:
        """Report a failure within the context in the trait ``error``, after ``what``, instead of raising it."""
        try:
            yield
        except Exception as error:
            sentence, trace = failure(error)
            self.traits.error = f"{what}: {sentence}"
            self.traits.last_traceback = trace or self.traits.last_traceback


def failure(error: Exception) -> tuple[str, str]:
    """Return a sentence about an error, and its traceback if it is unexpected; call this while it is handled."""
    if isinstance(error, FixlipError):
        return str(error), ""
    return f"{type(error).__name__}: {error}", traceback.format_exc()
