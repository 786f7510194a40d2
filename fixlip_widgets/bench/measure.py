"""Measurement of wall time, and of peak memory in a separate process."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from fixlip_widgets.errors import FixlipError


@dataclass(frozen=True)
class Row:
    """One measured value and its target, an upper limit."""

    what: str
    value: float
    unit: str = ""
    at_most: float | None = None

    @property
    def verdict(self) -> str:
        """Comparison of the value with its target."""
        if self.at_most is None:
            return ""
        return f"{'≤' if self.value <= self.at_most else '> !'} {self.at_most:g}"


class Stopwatch:
    """Timer that starts when created."""

    def __init__(self) -> None:
        self._start = time.perf_counter()
        self.seconds = 0.0

    def stop(self) -> float:
        """Stop, and return the seconds since the start."""
        self.seconds = time.perf_counter() - self._start
        return self.seconds


@contextmanager
def timed() -> Generator[Stopwatch]:
    """Time a block; the result is in the stopwatch's ``seconds``."""
    watch = Stopwatch()
    yield watch
    watch.stop()


def best_of(repeats: int, of: Callable[[], Any]) -> float:
    """Return the shortest time of several runs in seconds, the one least disturbed by other processes."""
    times: list[float] = []
    for _ in range(repeats):
        with timed() as watch:
            of()
        times.append(watch.seconds)
    return min(times)


def best_in_turn(rounds: int, *of: Callable[[], Any]) -> list[float]:
    """Return the shortest time of each function in seconds; runs alternate, so that disturbances affect all."""
    times = [[best_of(1, one) for one in of] for _ in range(rounds)]
    return [min(each) for each in zip(*times, strict=True)]


_MEASURE = """
import pathlib, time
def status(name):
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024
pathlib.Path("/proc/self/clear_refs").write_text("5")  # reset the peak of the set-up
before, start = status("VmRSS"), time.perf_counter()
"""


def peak_memory(setup: str, work: str) -> tuple[float, float]:
    """Return (MB, seconds): the peak memory of ``work`` above that after ``setup`` in a new process, and its time.

    Raises:
        FixlipError: The system is not Linux.
    """
    if not sys.platform.startswith("linux"):
        raise FixlipError("Peak memory is measured only on Linux; omit this section.")
    script = f"{setup}\n{_MEASURE}\n{work}\nprint(status('VmHWM') - before, time.perf_counter() - start)"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    megabytes, seconds = done.stdout.split()[-2:]
    return float(megabytes), float(seconds)
