"""``fixlip-widgets evaluate``: every method and every metric over a set of pairs, resumable, as a table and a report.

Each pair's record is a file of its own. A run that was killed goes on where it stopped; one with more methods computes
only those.
"""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fixlip_widgets.errors import InputError
from fixlip_widgets.evaluation.contestants import Contestant, contestants
from fixlip_widgets.evaluation.measure import measure
from fixlip_widgets.evaluation.page import Skipped, write_page
from fixlip_widgets.evaluation.pairs import DEMO, Row, rows_of
from fixlip_widgets.evaluation.records import Records, Settings
from fixlip_widgets.evaluation.tables import Record, check_parquet, markdown, write_parquet
from fixlip_widgets.files import replacing
from fixlip_widgets.masks import check_budget, check_p, check_seed
from fixlip_widgets.models import Model, load_model
from fixlip_widgets.wording import shortened

_DEFAULTS = Settings("", "", "")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What ``fixlip-widgets evaluate`` takes."""
    parser.description = (
        "Compare methods on one game: p-faithfulness, insertion/deletion and the pointing game, over a set of pairs. "
        "Stop it at any time; the same command goes on."
    )
    parser.add_argument(
        "--data",
        default=DEMO,
        help=f"{DEMO} (packaged scenes of 1 to 4 objects), a folder of pictures with .txt captions, a .csv with the "
        "columns image and caption, or a webdataset .tar",
    )
    parser.add_argument("--scenes", type=int, default=200, help="demo scenes for each number of objects")
    parser.add_argument("--methods", nargs="+", metavar="METHOD", help="default: all")
    parser.add_argument("--out", type=Path, default=Path("evaluation"), help="folder for records and results")
    parser.add_argument("--model", help="an open_clip name or configuration file (default: the packaged demo model)")
    parser.add_argument("--pretrained", metavar="TAG", help="an open_clip tag, or a safetensors file")
    parser.add_argument("--p", type=float, nargs="+", default=list(_DEFAULTS.probabilities), help="of FIxLIP and masks")
    parser.add_argument("--masks", type=int, default=_DEFAULTS.n_masks, help="fresh masks at each p")
    parser.add_argument("--budget", type=int, default=_DEFAULTS.budget, help="evaluations: image masks × text masks")
    parser.add_argument("--joint-budget", type=int, default=_DEFAULTS.joint_budget, help="joint masks, for Shapley")
    parser.add_argument("--steps", type=int, default=_DEFAULTS.steps, help="points of exCLIP's path")
    parser.add_argument("--seed", type=int, default=_DEFAULTS.seed)
    parser.add_argument("--only-report", action="store_true", help="write the results of what is recorded, and stop")


def run(options: argparse.Namespace) -> int:
    """Measure what is missing, then write ``results.parquet``, ``report.html`` and ``table.md``; returns 0."""
    check_parquet()
    if options.pretrained is not None and options.model is None:
        raise InputError(f"--pretrained {options.pretrained} needs --model: whose weights are they?")
    probabilities = tuple(check_p(p) for p in options.p)
    chosen = contestants(probabilities, options.methods)
    if options.scenes < 1 or options.masks < 2 or options.steps < 1:
        raise InputError("--scenes and --steps are at least 1, --masks at least 2.")
    rows = rows_of(options.data, options.scenes, check_seed(options.seed))
    model = load_model() if options.model is None else load_model(options.model, pretrained=options.pretrained)
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
    )
    records = Records(options.out, settings)
    if not options.only_report:
        try:
            evaluate(model, rows, chosen, settings, records)
        except KeyboardInterrupt:
            print("\nStopped; what is measured is kept, and the same command goes on.", file=sys.stderr)
    everything = records.all(row.name for row in rows)
    finished = [record for record in everything if _is_complete(record, chosen)]
    skipped = [Skipped(record["name"], record["skipped"]) for record in everything if "skipped" in record]
    if finished:
        write_results(options.out, finished, chosen, settings, skipped, command_of(options))
    print(f"{len(finished):,} pairs measured, {len(skipped):,} rows skipped, of {len(rows):,}: {options.out}")
    return 0


def evaluate(
    model: Model, rows: Sequence[Row], methods: Sequence[Contestant], settings: Settings, records: Records
) -> None:
    """Measure every row that lacks a method's scores; progress goes to stderr.

    Rows that cannot be used are recorded as skipped, with the reason, and are tried again by the next run.
    """
    started = time.monotonic()
    missing = [row for row in rows if not _is_complete(records.of(row.name), methods)]
    print(f"{len(rows) - len(missing):,} of {len(rows):,} rows are recorded already.", file=sys.stderr)
    for done, row in enumerate(missing, start=1):
        note = ""
        try:
            records.save(row.name, measure(model, row.read(), methods, settings, records.of(row.name)))
        except InputError as error:
            records.save(row.name, {"skipped": str(error)})
            note = f" skipped: {error}"
        left = (time.monotonic() - started) / done * (len(missing) - done)
        print(f"{done:,}/{len(missing):,} {shortened(row.name)}{note} (about {_told(left)} left)", file=sys.stderr)


def write_results(
    folder: Path,
    records: Sequence[Record],
    methods: Sequence[Contestant],
    settings: Settings,
    skipped: Sequence[Skipped],
    command: str,
) -> None:
    """Write the flat table, the report, and the comparison as Markdown."""
    labels = {one.name: one.label for one in methods}
    write_parquet(records, folder / "results.parquet", {"command": command, "weights": settings.weights})
    write_page(folder / "report.html", records, labels, settings, skipped, command)
    with replacing(folder / "table.md") as stream:
        stream.write((markdown(records, labels, settings.probabilities) + "\n").encode())


def command_of(options: argparse.Namespace) -> str:
    """The command that gives these results again: what differs from the defaults."""
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    parts = ["fixlip-widgets", "evaluate"]
    for name, default in vars(parser.parse_args([])).items():
        value = getattr(options, name)
        if value != default and name not in ("out", "only_report"):
            values = value if isinstance(value, list) else [value]
            parts += [f"--{name.replace('_', '-')}", *map(str, values)]
    return shlex.join(parts)


def _is_complete(record: Record, methods: Sequence[Contestant]) -> bool:
    return all(method.name in record.get("methods", {}) for method in methods)


def _told(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min" if seconds >= 60 else "1 min"
