"""One thread that does a widget's computing: the newest job wins, an older one is told to stop."""

from __future__ import annotations

import atexit
import sys
import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial


@dataclass(eq=False)
class Job:
    """What to compute next, and whether it is still wanted.

    Attributes:
        generation: Number of the request; results of an older one are not shown.
        p, budget, caption, method, order: What was asked for.
        stop: Set when the job should end at the next chance: it was cancelled, or a newer one came.
        cancelled: Whether somebody cancelled it, so that what there is by then is its result.
        settled: Set when its result is final; what it does from then on is for later, and nobody waits for it.
    """

    generation: int
    p: float
    budget: int
    caption: str
    method: str = "banzhaf"
    order: int = 2
    stop: threading.Event = field(default_factory=threading.Event)
    cancelled: bool = False
    settled: bool = False


class Worker:
    """Runs jobs one at a time on a daemon thread that starts with the first, and chores in between.

    A chore is something short that may be asked for at any time, also in the middle of a job. Callers only record and
    signal: no method waits for computing but :meth:`wait`, :meth:`rest` and :meth:`close`. The lock is held for as
    long as it takes to note something down, never while a job, a chore or an observer runs.
    """

    def __init__(self) -> None:
        self._run: Callable[[Job], None] | None = None
        self._changed = threading.Condition()
        self._next: Job | None = None
        self._current: Job | None = None
        self._chores: dict[Callable[[], None], None] = {}  # in the order in which they were asked for
        self._chore_running = self._closed = False
        self._thread: threading.Thread | None = None

    def submit(self, job: Job, run: Callable[[Job], None]) -> None:
        """Do ``run(job)`` next, in place of whatever waits, and stop what runs; after :meth:`close`, nothing.

        ``run`` looks at ``job.stop`` between batches, and calls :meth:`do_chores` there too.
        """
        with self._changed:
            self._stop(cancelled=False)
            self._next, self._run = job, run
            self._wake()

    def follow(self, job: Job, run: Callable[[Job], None]) -> None:
        """Do ``run(job)`` once the result of what runs is final, unless something else is submitted until then."""
        with self._changed:
            self._next, self._run = job, run
            self._make_way()
            self._wake()

    def ask_chore(self, chore: Callable[[], None]) -> None:
        """Have ``chore`` done soon, between two batches at the latest; once, however often it was asked for."""
        with self._changed:
            if not self._closed:
                self._chores.setdefault(chore)
                self._wake()

    def do_chores(self) -> None:
        """On the worker's own thread: do what was asked for."""
        while True:
            with self._changed:
                if not self._chores or self._closed:
                    return
                chore = next(iter(self._chores))
                del self._chores[chore]
                self._chore_running = True
            try:
                chore()
            finally:
                with self._changed:
                    self._chore_running = False
                    self._changed.notify_all()

    def cancel(self) -> None:
        """End the running or waiting job at the next chance; what it has by then is kept."""
        with self._changed:
            self._stop(cancelled=True)

    def settle(self, job: Job) -> None:
        """Note that ``job``'s result is final, though it goes on until somebody wants something else."""
        with self._changed:
            job.settled = True
            self._make_way()
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until there is nothing to do; False if ``timeout`` seconds pass first."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("The worker cannot wait for itself; wait outside of observers.")
        with self._changed:
            return self._changed.wait_for(self._idle, timeout)

    def rest(self) -> None:
        """Block until nothing runs at all; what a settled job does for later is stopped."""
        if threading.current_thread() is self._thread:
            raise RuntimeError("The worker cannot wait for itself; wait outside of observers.")

        def resting() -> bool:
            if self._current is not None and self._current.settled:
                self._current.stop.set()
            return self._current is None and self._idle()

        with self._changed:
            self._changed.wait_for(resting)

    def close(self, timeout: float | None = None) -> None:
        """Stop what runs and end the thread."""
        with self._changed:
            self._closed = True
            self._next = None
            self._stop(cancelled=False)
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    @property
    def alive(self) -> bool:
        """Whether the thread is running."""
        return self._thread is not None and self._thread.is_alive()

    def _idle(self) -> bool:
        working = self._current is not None and not self._current.settled
        busy = self._next or working or self._chores or self._chore_running
        return self._closed or not busy

    def _stop(self, *, cancelled: bool) -> None:
        for job in (self._next, self._current):
            if job is not None:
                job.cancelled = cancelled
                job.stop.set()

    def _make_way(self) -> None:
        """Under the lock: what a settled job does for later does not keep a waiting one from its turn."""
        if self._next is not None and self._current is not None and self._current.settled:
            self._current.stop.set()

    def _wake(self) -> None:
        if self._thread is None and not self._closed:
            _at_work.add(self)
            self._thread = threading.Thread(target=self._loop, name="fixlip-widget", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closed or self._next is not None or bool(self._chores))
                if self._closed:
                    return
                self._current, self._next = self._next, None
                run = self._run
            self._survive(self.do_chores)
            job = self._current
            if job is not None and run is not None:
                self._survive(partial(run, job))
                with self._changed:
                    self._current = None
                    self._changed.notify_all()

    @staticmethod
    def _survive(work: Callable[[], None]) -> None:
        """Report what an observer raised, the way threads do, and be there for the next job all the same."""
        try:
            work()
        except Exception:
            threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))


_at_work: weakref.WeakSet[Worker] = weakref.WeakSet()


def settle() -> None:
    """Block until no widget computes anything."""
    for worker in list(_at_work):
        worker.rest()


@atexit.register
def _close_all() -> None:  # pyright: ignore[reportUnusedFunction]
    """End every thread before the interpreter ends: one that is inside torch by then would abort the process."""
    for worker in list(_at_work):
        worker.close(timeout=30)
