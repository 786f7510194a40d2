"""Measure the rows of a set on a Ray cluster; the driver writes the records."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from typing import Any

from fixlip_widgets.corpus.pairs import Row
from fixlip_widgets.corpus.ray_engine import WORKER_CPUS, actors, cluster
from fixlip_widgets.corpus.settings import ModelSource
from fixlip_widgets.errors import EncodingError, FixlipError, InputError, ModelError
from fixlip_widgets.evaluation.contestants import contestants
from fixlip_widgets.evaluation.measure import measure
from fixlip_widgets.evaluation.records import Records, Settings

_CRASH = "The process that measured the row ended abnormally."


def measured_on_ray(
    rows: Sequence[Row], settings: Settings, records: Records, options: argparse.Namespace
) -> Iterator[tuple[str, str]]:
    """Measure ``rows`` on ``options.jobs`` actors, and save each record here as it arrives.

    Yields:
        The name of each completed row, and the reason it was skipped or ``""``.

    Raises:
        FixlipError: Ray is not installed.
    """
    source = ModelSource(options.model, options.pretrained, options.device, options.precision)
    left = {row.name for row in rows}
    with cluster() as ray:
        count, gpus = actors(ray, options.jobs, options.gpus_per_worker)
        items = [{"item": ray.cloudpickle.dumps((row, records.of(row.name)))} for row in rows]
        results = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
            _Measurer,
            fn_constructor_args=(source, options.methods, settings),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=min(count, len(items))),
            num_cpus=WORKER_CPUS,
            num_gpus=gpus or None,
        )
        for batch in results.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
            for content in batch["record"].to_pylist():
                record: dict[str, Any] = json.loads(content)
                name, reason = record.pop("name"), record.pop("reason")
                records.save(name, record)
                left.discard(name)
                yield name, reason
    yield from ((name, _CRASH) for name in sorted(left))


class _Measurer:
    """An actor with the model and the methods."""

    def __init__(self, source: ModelSource, chosen: list[str] | None, settings: Settings) -> None:
        self._model, self._settings = source.load(), settings
        self._methods = contestants(settings.probabilities, chosen)
        if self._model.weights_hash != settings.weights:
            raise FixlipError(f"The worker loaded weights {self._model.weights_hash}, not {settings.weights}.")

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        from ray import cloudpickle

        return {"record": [self._measured(*cloudpickle.loads(item)) for item in batch["item"]]}

    def _measured(self, row: Row, record: dict[str, Any]) -> str:
        reason = ""
        try:
            record = measure(self._model, row.read(), self._methods, self._settings, record)
        except (InputError, ModelError, EncodingError) as error:
            reason = str(error)
            record = {**record, "skipped": reason}
        return json.dumps({**record, "name": row.name, "reason": reason})
