"""Cost of a block of code: its time, and its peak memory above the level at the start."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch

_PROCESS = Path("/proc/self")


@dataclass(frozen=True)
class Spent:
    """Time spent.

    Attributes:
        seconds: Wall time.
        cpu_seconds: CPU time of all threads, which other processes hardly affect.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0

    def __add__(self, other: Spent) -> Spent:
        return Spent(self.seconds + other.seconds, self.cpu_seconds + other.cpu_seconds)

    def __sub__(self, other: Spent) -> Spent:
        return self + other * -1.0

    def __mul__(self, factor: float) -> Spent:
        return Spent(factor * self.seconds, factor * self.cpu_seconds)


@dataclass
class Cost:
    """Time of a block, set at its end.

    Attributes:
        spent: Time spent in the block.
    """

    spent: Spent = field(default_factory=Spent)


@dataclass
class Peak:
    """Peak memory of a block, set at its end.

    Attributes:
        megabytes: Peak memory of the GPU or the process above the start; NaN if the system does not report it.
    """

    megabytes: float = math.nan


@contextmanager
def counted(device: torch.device) -> Generator[Cost]:
    """Measure the time of the block, including work queued on the device."""
    cost, wall, cpu = Cost(), time.perf_counter(), time.process_time()
    yield cost
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    cost.spent = Spent(time.perf_counter() - wall, time.process_time() - cpu)


@contextmanager
def peak_memory(device: torch.device) -> Generator[Peak]:
    """Measure the peak memory of the block."""
    peak, on_gpu = Peak(), device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device) / 2**20
    else:
        before = _reset_peak()
    yield peak
    after = torch.cuda.max_memory_allocated(device) / 2**20 if on_gpu else _memory("VmHWM")
    peak.megabytes = math.nan if math.isnan(after - before) else max(after - before, 0.0)


def _reset_peak() -> float:
    """Reset the peak memory of the process, and return its current memory in MB."""
    try:
        (_PROCESS / "clear_refs").write_text("5")
    except OSError:  # not Linux, or no permission: memory is not reported
        return math.nan
    return _memory("VmRSS")


def _memory(name: str) -> float:
    try:
        lines = (_PROCESS / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024
    except (OSError, StopIteration):
        return math.nan
