"""The local engine: a process reads and prepares images while this one explains them."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Generator, Sequence
from typing import Any

import pyarrow as pa
from torch.utils.data import DataLoader, Dataset

from fixlip_widgets.corpus.settings import Settings
from fixlip_widgets.corpus.tasks import Preparation, Prepared, Task
from fixlip_widgets.corpus.worker import Explainer, failed
from fixlip_widgets.encoders.models import Model

_AHEAD = 4
"""Number of images that are prepared in advance."""
_CRASH = "The process that read the image ended abnormally; the file is probably damaged."


def explain_here(tasks: Sequence[Task], model: Model, settings: Settings) -> Generator[pa.Table]:
    """Explain ``tasks`` in order, and yield the rows of each."""
    explain = Explainer(model, settings)
    for prepared in _all_prepared(tasks, Preparation.of(model)):
        if isinstance(prepared, Task):
            yield failed(prepared, _CRASH, settings.image_players(model))
        else:
            yield explain(prepared)


def _all_prepared(tasks: Sequence[Task], prepare: Preparation) -> Generator[Prepared | Task]:
    """Yield each task with its image; the task itself if the process that reads it ends abnormally."""
    done = 0
    while done < len(tasks):
        try:
            for prepared in _reading(tasks[done:], prepare):
                yield prepared
                done += 1
        except _ReaderCrashError:
            for task in tasks[done : done + _AHEAD + 1]:  # one at a time, to find the one that ends its process
                try:
                    yield next(_reading([task], prepare))
                except _ReaderCrashError:
                    yield task
                done += 1


class _ReaderCrashError(Exception):
    """The process that reads images has ended abnormally."""


def _reading(tasks: Sequence[Task], prepare: Preparation) -> Generator[Prepared]:
    """Prepare ``tasks`` in a process; where processes cannot be forked, in this one."""
    forks = sys.platform == "linux"
    make: Any = DataLoader  # its types require a fixed kind of batch
    loader = make(
        _Tasks(tasks, prepare),
        batch_size=None,
        collate_fn=_unchanged,
        num_workers=int(forks),
        prefetch_factor=_AHEAD if forks else None,
        multiprocessing_context="fork" if forks else None,
    )
    with warnings.catch_warnings():  # Python warns of forks in processes with threads; the child uses one thread only
        warnings.filterwarnings("ignore", "This process .* is multi-threaded", DeprecationWarning)
        items = iter(loader)
    while True:
        try:
            prepared = next(items)
        except StopIteration:
            return
        except RuntimeError as error:  # errors of the files themselves are in the result
            raise _ReaderCrashError from error
        yield prepared


def _unchanged(prepared: Prepared) -> Prepared:
    return prepared


class _Tasks(Dataset[Prepared]):
    def __init__(self, tasks: Sequence[Task], prepare: Preparation) -> None:
        self._tasks, self._prepare = tasks, prepare

    def __len__(self) -> int:
        return len(self._tasks)

    def __getitem__(self, index: int) -> Prepared:
        return self._prepare(self._tasks[index])
