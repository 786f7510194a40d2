"""Meter of a block of code: its wall time, its CPU time and its peak memory."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

_PROCESS = Path("/proc/self")


@dataclass
class Meter:
    """Cost of a block, set at its end.

    Attributes:
        seconds: Wall time.
        cpu_seconds: CPU time of all threads, which other processes hardly affect.
        megabytes: Peak memory of the GPU or the process above the start; NaN if it was not measured or the system does
            not report it.
    """

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    megabytes: float = math.nan


@contextmanager
def metered(device: torch.device | None = None, *, memory: bool = False) -> Generator[Meter]:
    """Measure the block, including work queued on the GPU.

    Args:
        device: Device that the block uses; by default the current GPU, if the process uses one.
        memory: Whether to measure the peak memory. Such blocks cannot be nested, because each resets the peak.
    """
    on_gpu = torch.cuda.is_initialized() if device is None else device.type == "cuda"
    meter = Meter()
    before = _reset_peak(device, on_gpu) if memory else math.nan
    wall, cpu = time.perf_counter(), time.process_time()
    yield meter
    if on_gpu:
        torch.cuda.synchronize(device)
    meter.seconds, meter.cpu_seconds = time.perf_counter() - wall, time.process_time() - cpu
    if not math.isnan(before):
        peak = torch.cuda.max_memory_allocated(device) / 2**20 if on_gpu else _memory("VmHWM")
        meter.megabytes = max(peak - before, 0.0)


def _reset_peak(device: torch.device | None, on_gpu: bool) -> float:
    """Reset the peak memory of the GPU or the process, and return the current memory in MB."""
    if on_gpu:
        torch.cuda.reset_peak_memory_stats(device)
        return torch.cuda.memory_allocated(device) / 2**20
    try:
        (_PROCESS / "clear_refs").write_text("5")
        return _memory("VmRSS")
    except OSError:  # not Linux, or no permission: memory is not reported
        return math.nan


def _memory(name: str) -> float:
    lines = (_PROCESS / "status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024
