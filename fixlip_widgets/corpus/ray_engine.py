"""The Ray engine: Ray Data streams images through tasks that prepare them and actors that have the model.

Ray Data schedules, holds back the data stage while actors are busy, and repeats what a lost process or node computed:
the actors of a lost node start again on the others, at the latest when these have nothing else to do. It would repeat
an image without end that ends its process every time; another actor counts. The driver is the only process that writes,
so that nodes need no common file system for the result.
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import torch

from fixlip_widgets.corpus.settings import ModelSource, Settings
from fixlip_widgets.corpus.tasks import Preparation, Prepared, Task
from fixlip_widgets.corpus.worker import Explainer, failed
from fixlip_widgets.encoders.models import Model
from fixlip_widgets.errors import FixlipError, InputError

_BLOCK = 8
"""Most images of a block, after which rows reach the driver: those of a block are lost if the driver is killed."""
_BLOCKS_PER_WORKER = 4
"""Least number of blocks for each actor, as far as there are images."""
WORKER_CPUS, _READER_CPUS = 0.9, 0.1
"""CPUs that Ray reserves for an actor, and for a task that prepares images: one of each fits on a CPU, so that actors
on all CPUs leave room for these tasks, without which nothing would proceed."""
_BLOCK_BYTES = 2**24
"""Memory that Ray reserves for a block; by default, its blocks are larger than the object stores of small machines."""
_ATTEMPTS = 2
"""Number of processes that an image may end while it is explained."""
_CRASH = "Every process that read or explained the image ended abnormally; the file is probably damaged."


def explain_on_ray(
    tasks: Sequence[Task],
    model: Model,
    source: ModelSource,
    settings: Settings,
    workers: int | None,
    gpus: float | None,
) -> Generator[pa.Table]:
    """Explain ``tasks`` on the cluster at ``RAY_ADDRESS``, or on one that is started here; yield rows in any order.

    Args:
        tasks: The images with their captions.
        model: The model, loaded in this process.
        source: How actors get it.
        settings: The settings.
        workers: Number of actors; by default as many as the GPUs allow, or one a CPU if there are none.
        gpus: GPUs of each actor; by default 1 if the cluster has any.

    Raises:
        FixlipError: Ray is not installed, or no image at all could be explained.
    """
    with cluster() as ray:
        count, each = actors(ray, workers, gpus)
        run = _Run(ray, model, source, settings, min(count, len(tasks)), each)
        missing = {pair.id: task for task in tasks for pair in task.pairs}
        size = max(min(len(tasks) // (_BLOCKS_PER_WORKER * count), _BLOCK), 1)
        while left := list({id(task): task for task in missing.values()}.values()):
            before = len(missing)
            for table in run.tables(left, size):
                for name in table["id"].to_pylist():
                    missing.pop(name, None)
                yield table
            if len(missing) == before:
                if size > 1:
                    raise FixlipError("Ray could not explain any image; its log above has the reason.")
                break
            size = 1  # an image that ends its process then loses no other
        for task in left:
            yield failed(task, _CRASH, settings.image_players(model))


@contextmanager
def cluster() -> Generator[Any]:
    """Connect to Ray, and disconnect afterwards unless the caller was connected before.

    Raises:
        FixlipError: Ray is not installed.
    """
    try:
        import ray
        import ray.data  # its requirements are an extra of Ray
    except ImportError as error:
        raise FixlipError("engine='ray' needs Ray Data: pip install 'fixlip-widgets[ray]'.") from error
    ours = not ray.is_initialized()
    if ours:
        address = os.environ.get("RAY_ADDRESS")
        options: dict[str, Any] = {"address": address} if address else {"include_dashboard": False}
        ray.init(log_to_driver=False, logging_level=logging.WARNING, **options)
    context: Any = ray.data.DataContext.get_current()
    settings = {"max_errored_blocks": -1, "enable_progress_bars": False, "target_max_block_size": _BLOCK_BYTES}
    before = {name: getattr(context, name) for name in settings}
    memory = context.issue_detectors_config.high_memory_detector_config
    seldom, memory.detection_time_interval_s = memory.detection_time_interval_s, -1  # every process imports torch
    try:
        for name, value in settings.items():
            setattr(context, name, value)
        yield ray
    finally:
        for name, value in before.items():
            setattr(context, name, value)
        memory.detection_time_interval_s = seldom
        if ours:
            ray.shutdown()


def actors(ray: Any, workers: int | None, gpus: float | None) -> tuple[int, float]:
    """Return the number of actors, by default one a GPU, or a CPU without any, and the GPUs of each.

    Raises:
        InputError: The cluster lacks the GPUs.
    """
    resources: dict[str, float] = ray.cluster_resources()
    available = float(resources.get("GPU", 0))
    each = float(available > 0) if gpus is None else gpus
    if each > available:
        raise InputError(f"gpus_per_worker is {each:g}, but the cluster has {available:g} GPUs.")
    most = available / each if each else resources.get("CPU", 1)
    return workers or max(int(most), 1), each


class _Run:
    """The data flow for one model."""

    def __init__(
        self, ray: Any, model: Model, source: ModelSource, settings: Settings, count: int, gpus: float
    ) -> None:
        self._ray, self._count, self._gpus = ray, count, gpus
        self._prepare = Preparation.of(model)
        if source.model is not None:
            source = ModelSource(model=source.model)
        attempts = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Attempts).remote()
        self._worker: tuple[Any, ...] = (ray.put(source), settings, model.weights_hash, attempts)

    def tables(self, tasks: Sequence[Task], size: int) -> Iterator[pa.Table]:
        """Yield the rows of ``tasks``, in blocks of ``size``; blocks whose processes end abnormally are missing."""
        blocks = -(-len(tasks) // size)
        pickled = [{"task": self._ray.cloudpickle.dumps(task)} for task in tasks]
        data = self._ray.data.from_items(pickled, override_num_blocks=blocks)
        prepared = data.map_batches(
            _prepare,
            fn_args=(self._prepare,),
            batch_size=size,
            compute=self._ray.data.TaskPoolStrategy(size=self._count),
            num_cpus=_READER_CPUS,
        )
        rows = prepared.map_batches(
            _Worker,
            fn_constructor_args=self._worker,
            batch_size=size,
            compute=self._ray.data.ActorPoolStrategy(size=self._count),
            num_cpus=WORKER_CPUS,
            num_gpus=self._gpus or None,
        )
        found = False
        try:
            for table in rows.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
                found = True
                yield table
        except self._ray.exceptions.RayError:  # such as blocks that were lost more often than Ray repeats them
            if not found:
                raise


def _prepare(batch: dict[str, Any], prepare: Preparation) -> dict[str, Any]:
    """Prepare images, in a task of Ray; see :class:`~fixlip_widgets.corpus.tasks.Preparation`."""
    from ray import cloudpickle

    pickled: Any = cloudpickle
    torch.set_num_threads(1)
    return {"prepared": [pickled.dumps(prepare(pickled.loads(task))) for task in batch["task"]]}


class _Attempts:
    """Counts the attempts to explain each image, in an actor, until one ends."""

    def __init__(self) -> None:
        self._begun = Counter[str]()

    def begin(self, name: str) -> int:
        """Return the number of the attempt that begins."""
        self._begun[name] += 1
        return self._begun[name]

    def end(self, name: str) -> None:
        """Forget the attempts at an image that is explained."""
        del self._begun[name]


class _Worker:
    """An actor with the model."""

    def __init__(self, source: Any, settings: Settings, weights: str, attempts: Any) -> None:
        import ray

        model = ray.get(source).load() if isinstance(source, ray.ObjectRef) else source.load()
        if model.weights_hash != weights:
            raise FixlipError(f"The worker loaded weights {model.weights_hash}, not {weights} as the driver did.")
        self._explain, self._attempts = Explainer(model, settings), attempts

    def __call__(self, batch: dict[str, Any]) -> pa.Table:
        import ray
        from ray import cloudpickle

        tables = list[pa.Table]()
        for pickled in batch["prepared"]:
            prepared: Prepared = cloudpickle.loads(pickled)
            name = prepared.pairs[0].id
            attempt: Any = ray.get(self._attempts.begin.remote(name))
            if attempt > _ATTEMPTS:
                prepared = dataclasses.replace(prepared, errors=[error or _CRASH for error in prepared.errors])
            tables.append(self._explain(prepared))
            self._attempts.end.remote(name)
        return pa.concat_tables(tables)
