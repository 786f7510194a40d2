"""One run: the pairs that a folder lacks are explained by an engine, and each row is written when it is finished."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from fixlip_widgets._version import __version__
from fixlip_widgets.corpus.data_sets import DataSet
from fixlip_widgets.corpus.local import explain_here
from fixlip_widgets.corpus.lock import locked
from fixlip_widgets.corpus.pairs import Row
from fixlip_widgets.corpus.parts import read_description, write_description
from fixlip_widgets.corpus.settings import ModelSource, Settings, description, differences
from fixlip_widgets.corpus.tasks import Pair, Task, tasks_of
from fixlip_widgets.corpus.writer import Writer, is_full
from fixlip_widgets.encoders.models import Model
from fixlip_widgets.errors import FixlipError, InputError
from fixlip_widgets.support.checks import check_name
from fixlip_widgets.support.formatting import counted
from fixlip_widgets.support.notices import warn
from fixlip_widgets.support.progress import ProgressBar

Engine = Literal["local", "ray"]
_PACKAGES = ("torch", "open_clip_torch", "pyarrow")


@dataclass(frozen=True)
class Workers:
    """Where the pairs are explained.

    Attributes:
        engine: ``"local"`` or ``"ray"``.
        count: Number of Ray actors; by default one a GPU, or one a CPU without GPUs.
        gpus: GPUs of each actor; may be a fraction.
    """

    engine: Engine = "local"
    count: int | None = None
    gpus: float | None = None

    def checked(self) -> Workers:
        """Return the object.

        Raises:
            InputError: The engine is unknown, or does not have these options.
        """
        check_name("engine", self.engine, ("local", "ray"))
        if self.engine == "local" and (self.count, self.gpus) != (None, None):
            raise InputError("workers= and gpus_per_worker= are options of engine='ray'; omit them.")
        if self.count is not None and self.count < 1:
            raise InputError(f"workers is {self.count}; it must be at least 1.")
        if self.gpus is not None and self.gpus < 0:
            raise InputError(f"gpus_per_worker is {self.gpus}; it must be at least 0, such as 0.25.")
        return self


def run(
    folder: Path,
    data: DataSet,
    source: ModelSource,
    settings: Settings,
    workers: Workers,
    *,
    more: bool = False,
    retry_failed: bool = False,
    progress: bool | None = None,
) -> None:
    """Explain the pairs of ``data`` that ``folder`` lacks.

    Args:
        folder: Created if missing.
        data: The data set.
        source: The model.
        settings: The settings, checked.
        workers: Where to compute, checked.
        more: Whether ``data`` may be added to other data sets in the folder.
        retry_failed: Whether pairs that failed are explained again.
        progress: Whether to show a progress bar.

    Raises:
        InputError: The folder has rows of another model, of other settings or of other data.
        FixlipError: Another run writes into the folder, or the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        model = source.load()
        added = _enter(folder, data, description(model), settings, source, more)
        writer = Writer(folder)
        if retry_failed:
            writer.retry_failed()
        pairs = _pairs(folder, data, added, writer)
        tasks = tasks_of(pairs, writer.done)
        missing = sum(len(task.pairs) for task in tasks)
        tables = _computed(tasks, model, source, settings, workers)
        _write(tables, writer, missing, folder, progress)


def _enter(
    folder: Path, data: DataSet, model: dict[str, str], settings: Settings, source: ModelSource, more: bool
) -> bool:
    """Write the run into ``corpus.json``; return whether the data set is not the folder's first.

    Raises:
        InputError: The folder is of another model, other settings or other data.
    """
    now: dict[str, dict[str, Any]] = {"settings": settings.as_json(), "model": model}
    versions = {"fixlip_widgets": __version__, **{name: metadata.version(name) for name in _PACKAGES}}
    content: dict[str, Any]
    try:
        content = read_description(folder)
    except InputError:
        if more:
            raise
        content = {**now, "loading": _loading(source), "versions": [], "sources": []}
    for name, value in now.items():
        if changes := differences(content[name], value):
            raise InputError(
                f"{folder} has explanations of {'another model' if name == 'model' else 'other settings'} ({changes}); "
                "use another folder."
            )
    labels = [each["label"] for each in content["sources"]]
    if labels and data.label not in labels and not more:
        raise InputError(
            f"{folder} has explanations of {', '.join(labels)}, not of {data.label}. Use another folder, or add the "
            f"pairs to it: fx.Corpus({str(folder)!r}).add(…)."
        )
    place = labels.index(data.label) if data.label in labels else len(labels)
    content["sources"][place : place + 1] = [{"label": data.label, "rows": len(data.rows)}]
    if versions not in content["versions"]:
        content["versions"].append(versions)
    write_description(folder, content)
    return place > 0


def _loading(source: ModelSource) -> dict[str, Any] | None:
    """Return the arguments that load the model again; None if it was passed as an object."""
    names = ("name", "pretrained", "device", "precision")
    arguments = {name: getattr(source, name) for name in names}
    plain = all(value is None or isinstance(value, (str, Path)) for value in arguments.values())
    if source.model is not None or not plain:
        return None
    return {name: None if value is None else str(value) for name, value in arguments.items()}


def _pairs(folder: Path, data: DataSet, prefixed: bool, written: Writer) -> Iterator[tuple[Pair, Row]]:
    """Yield the pairs with their identifiers; those of added data sets begin with its label.

    Raises:
        InputError: A row of the folder has another caption, so that the data set has changed.
    """
    for number, row in enumerate(data.rows):
        name = f"{data.label}: {row.name}" if prefixed else row.name
        caption = row.caption.strip() if isinstance(row.caption, str) else ""
        if isinstance(row.caption, str) and written.done.get(name, caption) != caption:
            advice = "Use another folder, or restore the data; new rows belong at its end."
            if name in written.failed:
                advice = "It could not be explained: pass retry_failed=True to explain it with the new caption."
            raise InputError(
                f"The data set has changed: {name} was {written.done[name]!r} when it was explained into {folder}, and "
                f"is {caption!r}. {advice}"
            )
        yield Pair(name, data.label, number, caption), row


def _computed(
    tasks: Sequence[Task], model: Model, source: ModelSource, settings: Settings, workers: Workers
) -> Generator[pa.Table]:
    if workers.engine == "local" or not tasks:
        return explain_here(tasks, model, settings)
    from fixlip_widgets.corpus.ray_engine import explain_on_ray

    return explain_on_ray(tasks, model, source, settings, workers.count, workers.gpus)


def _write(tables: Generator[pa.Table], writer: Writer, missing: int, folder: Path, progress: bool | None) -> None:
    """Write the rows as they come, with a progress bar; warn of failures at the end."""
    done = failures = 0
    with ProgressBar(progress, "explaining", "pairs") as bar, closing(tables):
        try:
            for table in tables:
                writer.append(table)
                done += table.num_rows
                failures += sum(table["failed"].to_pylist())
                bar.show(done, missing, **({"failed": failures} if failures else {}))
            writer.join()
        except OSError as error:
            if not is_full(error):
                raise
            raise FixlipError(
                f"The disk is full: {missing - done:,} of {missing:,} rows could not be written to {folder}. The other "
                "rows are kept. Free some space and run the same call again, which computes only the missing ones."
            ) from error
    if failures:
        warn(
            f"{counted(failures, 'pair')} of {missing:,} could not be explained; corpus.failures has the reasons. The "
            "others are complete. The same call with retry_failed=True repeats only those that failed."
        )
