"""Measure the rows of a set, in one or several processes; each record is written as soon as it is complete."""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

import torch

from fixlip_widgets.corpus.pairs import Row, rows_of
from fixlip_widgets.encoders.models import Model, load_model
from fixlip_widgets.errors import EncodingError, InputError, ModelError
from fixlip_widgets.evaluation.contestants import Contestant, contestants
from fixlip_widgets.evaluation.measure import measure
from fixlip_widgets.evaluation.records import Records, Settings
from fixlip_widgets.support.checks import check_budget, check_p, check_seed


@dataclass(frozen=True)
class Run:
    """A set of pairs, the methods to measure on it, and the records."""

    model: Model
    rows: Sequence[Row]
    methods: Sequence[Contestant]
    settings: Settings
    records: Records


def prepare(options: argparse.Namespace) -> Run:
    """Create the run from the command's options.

    Raises:
        InputError: An option is invalid, or the folder contains records made under other settings.
        ModelError: The model cannot be loaded.
    """
    if options.pretrained is not None and options.model is None:
        raise InputError(f"--pretrained {options.pretrained} needs a model name; pass --model.")
    if options.scenes < 1 or options.masks < 2 or options.steps < 1 or options.jobs < 1:
        raise InputError("--scenes, --steps and --jobs must be at least 1, --masks at least 2.")
    probabilities = tuple(check_p(p) for p in options.p)
    sizes = [check_budget(count) for count in options.image_masks]
    methods = contestants(probabilities, options.methods, sizes)
    columns = (options.image_column, options.caption_column)
    rows = rows_of(options.data, options.scenes, check_seed(options.seed), columns)
    placement = {"device": options.device, "precision": options.precision}
    model = load_model(options.model, pretrained=options.pretrained, **placement)
    settings = Settings(
        data=str(options.data) + ("" if columns == ("image", "caption") else f" ({' and '.join(columns)})"),
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
    """Measure ``rows``, ``options.jobs`` at a time, in processes of this machine or on a Ray cluster.

    Yields:
        The name of each completed row, and the reason it was skipped or ``""``.
    """
    if options.engine == "ray":
        from fixlip_widgets.evaluation.ray_jobs import measured_on_ray

        if rows:
            yield from measured_on_ray(rows, run.settings, run.records, options)
        return
    if options.jobs == 1:
        yield from ((row.name, _measure(run, row)) for row in rows)
        return
    # Forked processes cannot use a GPU; spawned ones can.
    processes = ProcessPoolExecutor(
        options.jobs, multiprocessing.get_context("spawn"), initializer=_start_worker, initargs=(options,)
    )
    try:
        names = {processes.submit(_measure_by_name, row.name): row.name for row in rows}
        yield from ((names[future], future.result()) for future in as_completed(names))
    finally:
        processes.shutdown(cancel_futures=True)  # waits for the rows in progress


def _measure(run: Run, row: Row) -> str:
    """Measure and record a row; return the reason it was skipped, or ``""``.

    A skipped row keeps its earlier scores, and the next run retries it.
    """
    record = run.records.of(row.name)
    try:
        measured = measure(run.model, row.read(), run.methods, run.settings, record)
    except (InputError, ModelError, EncodingError) as error:
        run.records.save(row.name, {**record, "skipped": str(error)})
        return str(error)
    run.records.save(row.name, measured)
    return ""


# -- in a worker process ---------------------------------------------------------------------------------------------

_worker_rows: dict[str, tuple[Run, Row]] = {}
"""Rows of this worker process by name."""


def _start_worker(options: argparse.Namespace) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the main process handles Ctrl-C and ends the workers
    torch.set_num_threads(max((os.cpu_count() or 1) // options.jobs, 1))
    run = prepare(options)
    _worker_rows.update((row.name, (run, row)) for row in run.rows)


def _measure_by_name(name: str) -> str:
    return _measure(*_worker_rows[name])
