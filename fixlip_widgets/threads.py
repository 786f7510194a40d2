"""Small solves on one thread: handing products of a millisecond from thread to thread costs more than they take."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache

import torch
from threadpoolctl import ThreadpoolController

WORTH_SHARING = 1e8
"""Multiplications per product (masks × players²) from which a solve runs on all threads."""


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
