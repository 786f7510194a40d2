"""Copyable locks, and single-threaded small solves, which threads would only slow down."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache

import torch
from threadpoolctl import ThreadpoolController

WORTH_SHARING = 1e8
"""Multiplications per product (masks × players²) from which a solve uses all threads."""
_POLL_SECONDS = 0.1
"""Interval at which a waiting thread checks whether it should stop."""


class Lock:
    """A re-entrant lock. Shallow copies of its owner share the lock; deep copies and unpickled owners get a new one."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()

    def __reduce__(self) -> tuple[type[Lock], tuple[()]]:
        return Lock, ()

    @contextmanager
    def unless(self, stopped: Callable[[], bool]) -> Generator[bool]:
        """Hold the lock within the block; yield False, without it, if ``stopped()`` becomes true while waiting."""
        while not (held := self._lock.acquire(timeout=_POLL_SECONDS)):
            if stopped():
                break
        try:
            yield held
        finally:
            if held:
                self._lock.release()


@contextmanager
def threads_for(multiplications: float) -> Generator[None]:
    """Run products of this many multiplications on one thread, or on all of torch's threads if that is faster.

    The limit applies only to the calling thread: other threads may be running an encoder. It therefore sets OpenMP's
    thread count, which is local to a thread, and not torch's, which new threads inherit.
    """
    if multiplications >= WORTH_SHARING:
        yield
        return
    torch.get_num_threads()  # torch sets the count at its first use in a thread, which would undo the limit
    with _controller().limit(limits=1, user_api="openmp"):
        yield


@cache
def _controller() -> ThreadpoolController:
    """Return a controller of the thread pools loaded so far, torch's included; finding them takes milliseconds."""
    return ThreadpoolController()
