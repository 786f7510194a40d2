"""Locks that can be copied, and small solves on one thread, since sharing a short product takes longer than it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import cache

import torch
from threadpoolctl import ThreadpoolController

WORTH_SHARING = 1e8
"""Multiplications per product (masks × players²) from which a solve runs on all threads."""
_ASK_EVERY = 0.1
"""Seconds between two questions of a waiting thread whether it is still wanted."""


class Lock:
    """A re-entrant lock. A shallow copy of its owner shares it; a deep copy and an unpickled owner get a new one."""

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
        """Hold the lock within the block; yields False, without it, if ``stopped()`` becomes true while waiting."""
        while not (held := self._lock.acquire(timeout=_ASK_EVERY)):
            if stopped():
                break
        try:
            yield held
        finally:
            if held:
                self._lock.release()


@contextmanager
def threads_for(multiplications: float) -> Generator[None]:
    """Run products of this many multiplications on as many threads as pay: one, or all that torch has.

    It holds for the calling thread alone: others, which may be at an encoder, keep what they have. So it sets OpenMP's
    number, which every thread has for itself, and not torch's, which new threads inherit.
    """
    if multiplications >= WORTH_SHARING:
        yield
        return
    torch.get_num_threads()  # at its first use in a thread torch sets the number, and would undo the limit
    with _controller().limit(limits=1, user_api="openmp"):
        yield


@cache
def _controller() -> ThreadpoolController:
    """Of the thread pools that are loaded by now, torch's among them; finding them takes milliseconds."""
    return ThreadpoolController()
