"""The thread that computes for a widget: a new job replaces older ones."""

from __future__ import annotations

import atexit
import sys
import threading
import weakref
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

State = Literal["resting", "running", "following up", "closed"]
Chore = Callable[[], None]


@dataclass(eq=False)
class Job:
    """A request and its state.

    Attributes:
        generation: Request number; results of older requests are not shown.
        p, budget, caption, method, order, stop_at: The requested settings.
        least: Budget to reach even if an earlier result is as precise as ``stop_at``.
        stop: Set when the job should end after the current batch, because it was cancelled or replaced.
        cancelled: Whether the user cancelled the job; its partial result is then shown.
    """

    generation: int
    p: float
    budget: int
    caption: str
    method: str = "banzhaf"
    order: int = 2
    classes: tuple[str, ...] = ()
    chosen: tuple[str, ...] = ()
    stop_at: float | None = None
    least: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    cancelled: bool = False

    @property
    def replaced(self) -> bool:
        """Whether a newer job replaced this one, whose result is then not shown."""
        return self.stop.is_set() and not self.cancelled


Run = Callable[[Job], None]


class Worker:
    """A daemon thread that runs one job at a time, and short chores in between.

    ::

                 submit, follow            settle
        resting ----------------> running --------> following up
           ^                         |                   |
           +------- job returns -----+---- job returns --+

        resting, running, following up  <-- chores requested / done -->  chores
        every state  -- close -->  closed

    - **resting**: no job and no chore. The thread waits, or has not started.
    - **running**: a job computes its result.
    - **following up**: the result of the job is final, and the job prepares for later requests. The next request stops
      it.
    - **chores**: the requested chores run: when resting, before each job, and between the batches of a job, which
      calls :meth:`do_chores` there.
    - **closed**: the current job is stopped, and the thread ends when it returns. Nothing else runs.

    At most one job waits for the current one to return, and then runs next; a newer job replaces it. The worker is
    **idle** when it is resting or following up, without a waiting job or chore, and when it is closed.

    Only :meth:`wait`, :meth:`rest` and :meth:`close` block; other callers record a request and notify the thread. The
    lock is never held while a job, a chore or an observer runs.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._next: tuple[Job, Run] | None = None
        self._current: Job | None = None
        self._chores: dict[Chore, None] = {}  # in order of request
        self._chore_running = False
        self._holds = 0
        self._state: State = "resting"
        self._thread: threading.Thread | None = None

    def submit(self, job: Job, run: Run) -> None:
        """Run ``run(job)`` next: stop the current job and replace the waiting one; no effect when closed.

        ``run`` must check ``job.stop`` and call :meth:`do_chores` between batches.
        """
        with self._changed:
            self._stop(cancelled=False)
            self.follow(job, run)

    def follow(self, job: Job, run: Run) -> None:
        """Run ``run(job)`` once the current job is following up or has returned, unless a newer job replaces it."""
        with self._changed:
            self._next = job, run
            self._end_follow_up()
            self._wake()

    def ask(self, *chores: Chore) -> None:
        """Request ``chores``, which run between two batches at the latest; repeated requests run a chore once."""
        with self._changed:
            if not self.closed:
                self._chores.update(dict.fromkeys(chores))
                self._wake()

    def do_chores(self) -> None:
        """Run the requested chores; called on the worker's thread."""
        while True:
            with self._changed:
                if not self._chores or self.closed:
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

    @contextmanager
    def held(self) -> Generator[None]:
        """Start no job or chore within the block, which would compete for the interpreter with the caller."""
        with self._changed:
            self._holds += 1
        try:
            yield
        finally:
            with self._changed:
                self._holds -= 1
                self._changed.notify_all()

    def cancel(self) -> None:
        """Stop the current and the waiting job after the current batch, and keep the partial result."""
        with self._changed:
            self._stop(cancelled=True)

    def pause(self, seconds: float) -> None:
        """Block a job for ``seconds``, or until the next one is requested or the worker is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self.closed or self._next is not None, seconds)

    def settle(self) -> None:
        """Mark the result of the current job as final: the worker goes from running to following up."""
        with self._changed:
            if self._state == "running":
                self._state = "following up"
            if self._next is not None:
                self._end_follow_up()
            self._changed.notify_all()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until the worker is idle; return False if ``timeout`` seconds pass first."""
        return self._wait_for(self._idle, timeout)

    def rest(self) -> None:
        """Block until the worker is resting or closed; stop a job that is following up."""

        def resting() -> bool:
            self._end_follow_up()
            return self._current is None and self._idle()

        self._wait_for(resting)

    def _wait_for(self, predicate: Callable[[], bool], timeout: float | None = None) -> bool:
        if threading.current_thread() is self._thread:
            raise RuntimeError("The worker cannot wait for itself; call this outside observers.")
        with self._changed:
            return self._changed.wait_for(predicate, timeout)

    def close(self, timeout: float | None = None) -> None:
        """Enter the closed state: stop the current job, drop the waiting job and chores, and end the thread.

        Block until the thread has ended, or for ``timeout`` seconds.
        """
        with self._changed:
            self._state = "closed"
            self._next = None
            self._stop(cancelled=False)
            self._changed.notify_all()
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout)

    @property
    def alive(self) -> bool:
        """Whether the thread has started and not ended."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def closed(self) -> bool:
        """Whether the worker is closed."""
        return self._state == "closed"

    def _idle(self) -> bool:
        busy = self._state == "running" or self._next or self._chores or self._chore_running
        return self.closed or not busy

    def _stop(self, *, cancelled: bool) -> None:
        for job in (self._next and self._next[0], self._current):
            if job is not None:
                job.cancelled = cancelled
                job.stop.set()

    def _end_follow_up(self) -> None:
        """Stop a job that is following up; requires the lock."""
        if self._current is not None and self._state == "following up":
            self._current.stop.set()

    def _wake(self) -> None:
        if self._thread is None and not self.closed:
            _workers.add(self)
            self._thread = threading.Thread(target=self._loop, name="fixlip-widget", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _loop(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self.closed or (not self._holds and (self._next or self._chores)))
                if self.closed:
                    return
                request, self._next = self._next, None
                if request is not None:
                    self._current, self._state = request[0], "running"
            self._survive(self.do_chores)
            if request is not None:
                job, run = request
                self._survive(partial(run, job))
                with self._changed:
                    self._current = None
                    if not self.closed:
                        self._state = "resting"
                    self._changed.notify_all()

    @staticmethod
    def _survive(work: Callable[[], None]) -> None:
        """Run ``work`` and pass its exceptions to ``threading.excepthook``, so that the thread survives."""
        try:
            work()
        except Exception:
            threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))


_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


def settle() -> None:
    """Block until every worker is resting or closed."""
    for worker in list(_workers):
        worker.rest()


@atexit.register
def _close_all() -> None:  # pyright: ignore[reportUnusedFunction]
    """End every thread before the interpreter exits: a thread inside torch would abort the process."""
    for worker in list(_workers):
        worker.close(timeout=30)
