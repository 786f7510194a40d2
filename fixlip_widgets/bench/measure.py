"""Rows of measurements, shortest times, and peak memory in a separate process."""

from __future__ import annotations

import multiprocessing
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch

from fixlip_widgets.errors import FixlipError
from fixlip_widgets.support.meter import Meter, metered


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


def time_of(run: Callable[[], Any]) -> float:
    """Return the time of one run in seconds."""
    with metered() as cost:
        run()
    return cost.seconds


def best_of(rounds: int, *runs: Callable[[], Any]) -> list[float]:
    """Return the shortest time of each function in seconds; runs alternate, so that disturbances affect all."""
    times = [[time_of(run) for run in runs] for _ in range(rounds)]
    return [min(each) for each in zip(*times, strict=True)]


def peak_memory(prepare: Callable[..., tuple[Any, ...]], work: Callable[..., Any], *arguments: Any) -> Meter:
    """Measure ``work(*prepare(*arguments))`` after the preparation, in a new process that has no memory left free.

    Raises:
        FixlipError: The system is not Linux.
    """
    if not sys.platform.startswith("linux"):
        raise FixlipError("Peak memory is measured only on Linux; omit this section.")
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as process:
        return process.submit(_measured, prepare, work, arguments).result()


def _measured(prepare: Callable[..., tuple[Any, ...]], work: Callable[..., Any], arguments: tuple[Any, ...]) -> Meter:
    prepared = prepare(*arguments)
    with metered(torch.device("cpu"), memory=True) as cost:
        work(*prepared)
    return cost
