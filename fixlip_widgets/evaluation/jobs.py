"""Measuring the rows of a set, one after the other or in several processes; each record is written when it is done."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

import torch

from fixlip_widgets.encoders.models import Model, load_model
from fixlip_widgets.errors import EncodingError, InputError, ModelError
from fixlip_widgets.evaluation.contestants import Contestant, contestants
from fixlip_widgets.evaluation.measure import measure
from fixlip_widgets.evaluation.pairs import Row, rows_of
from fixlip_widgets.evaluation.records import Records, Settings
from fixlip_widgets.support.checks import check_budget, check_p, check_seed


@dataclass(frozen=True)
class Run:
    """A set, the methods to measure on it, and where the records go."""

    model: Model
    rows: Sequence[Row]
    methods: Sequence[Contestant]
    settings: Settings
    records: Records


def prepare(options: argparse.Namespace) -> Run:
    """What the command's options ask for.

    Raises:
        InputError: They do not, or the folder holds records made under other settings.
        ModelError: The model cannot be loaded.
    """
    if options.pretrained is not None and options.model is None:
        raise InputError(f"--pretrained {options.pretrained} needs --model: whose weights are they?")
    if options.scenes < 1 or options.masks < 2 or options.steps < 1 or options.jobs < 1:
        raise InputError("--scenes, --steps and --jobs are at least 1, --masks at least 2.")
    probabilities = tuple(check_p(p) for p in options.p)
    methods = contestants(probabilities, options.methods)
    rows = rows_of(options.data, options.scenes, check_seed(options.seed))
    place = {"device": options.device, "precision": options.precision}
    model = load_model(options.model, pretrained=options.pretrained, **place)
    settings = Settings(
        data=str(options.data),
        model=f"{model.name} ({model.pretrained})",
        weights=model.weights_hash,
        seed=options.seed,
        budget=check_budget(options.budget),
        joint_budget=check_budget(options.joint_budget),
        probabilities=probabilities,
        n_masks=options.masks,
        steps=options.steps,
        precision=str(model.dtype).removeprefix("torch."),
    )
    return Run(model, rows, methods, settings, Records(options.out, settings))


def measured(run: Run, rows: Sequence[Row], options: argparse.Namespace) -> Iterator[tuple[str, str]]:
    """Measure ``rows``, ``options.jobs`` at a time.

    Yields:
        The name of each row as it is done, and why it was skipped, or ``""``.
    """
    if options.jobs == 1:
        yield from ((row.name, _measure(run, row)) for row in rows)
        return
    # Forked processes could not use a GPU; those that start anew can.
    processes = ProcessPoolExecutor(
        options.jobs, multiprocessing.get_context("spawn"), initializer=_begin, initargs=(options,)
    )
    try:
        waiting = {processes.submit(_measure_named, row.name): row.name for row in rows}
        yield from ((waiting[one], one.result()) for one in as_completed(waiting))
    finally:
        processes.shutdown(cancel_futures=True)  # waits for the rows that are being measured


def _measure(run: Run, row: Row) -> str:
    """Measure and record a row; return why it was skipped, or ``""``.

    The reason is recorded beside whatever was measured before, and the row is tried again at the next run.
    """
    record = run.records.of(row.name)
    try:
        measured = measure(run.model, row.read(), run.methods, run.settings, record)
    except (InputError, ModelError, EncodingError) as error:
        run.records.save(row.name, {**record, "skipped": str(error)})
        return str(error)
    run.records.save(row.name, measured)
    return ""


# -- in a process of its own -----------------------------------------------------------------------------------------

_own: dict[str, tuple[Run, Row]] = {}
"""Rows of this process by name."""


def _begin(options: argparse.Namespace) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the command's own process hears Ctrl-C and ends the others
    torch.set_num_threads(max((os.cpu_count() or 1) // options.jobs, 1))
    run = prepare(options)
    _own.update((row.name, (run, row)) for row in run.rows)


def _measure_named(name: str) -> str:
    return _measure(*_own[name])
