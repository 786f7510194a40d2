"""What a piece of work costs: time, and memory at its peak above what was there before."""

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
    """Time.

    Attributes:
        seconds: On the wall's clock.
        cpu_seconds: Of the processor, all threads together: the same however busy the machine is with other work.
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
    """Filled in when the work is done.

    Attributes:
        spent: Its time.
    """

    spent: Spent = field(default_factory=Spent)


@dataclass
class Peak:
    """Filled in when the work is done.

    Attributes:
        megabytes: Peak memory above the start: the process's, or the GPU's; NaN where the system does not say.
    """

    megabytes: float = math.nan


@contextmanager
def counted(device: torch.device) -> Generator[Cost]:
    """Count the time of the block, work that it left to the device included."""
    cost, wall, cpu = Cost(), time.perf_counter(), time.process_time()
    yield cost
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    cost.spent = Spent(time.perf_counter() - wall, time.process_time() - cpu)


@contextmanager
def peak_memory(device: torch.device) -> Generator[Peak]:
    """Watch the block's memory."""
    peak, on_gpu = Peak(), device.type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device) / 2**20
    else:
        before = _forget_peak()
    yield peak
    after = torch.cuda.max_memory_allocated(device) / 2**20 if on_gpu else _memory("VmHWM")
    peak.megabytes = math.nan if math.isnan(after - before) else max(after - before, 0.0)


def _forget_peak() -> float:
    """Megabytes that the process has now; its peak is counted from here."""
    try:
        (_PROCESS / "clear_refs").write_text("5")
    except OSError:  # no Linux, or no right to: then nothing is said of memory
        return math.nan
    return _memory("VmRSS")


def _memory(name: str) -> float:
    try:
        lines = (_PROCESS / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024
    except (OSError, StopIteration):
        return math.nan
