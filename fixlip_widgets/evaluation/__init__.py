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

from fixlip_widgets.evaluation.contestants import Contestant
from fixlip_widgets.evaluation.jobs import Run, measured, prepare
from fixlip_widgets.evaluation.page import Skipped, write_page
from fixlip_widgets.evaluation.pairs import DEMO
from fixlip_widgets.evaluation.records import Settings
from fixlip_widgets.evaluation.tables import Record, check_parquet, markdown, write_parquet
from fixlip_widgets.support.command_line import whole_number
from fixlip_widgets.support.files import replacing
from fixlip_widgets.support.formatting import shortened

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
    parser.add_argument("--device", help="cpu, cuda, cuda:1 … (default: a GPU where there is one)")
    parser.add_argument("--precision", help="float32, bfloat16, float16, or auto: bfloat16 where it is clearly faster")
    parser.add_argument("--p", type=float, nargs="+", default=list(_DEFAULTS.probabilities), help="of FIxLIP and masks")
    parser.add_argument("--masks", type=int, default=_DEFAULTS.n_masks, help="fresh masks at each p")
    parser.add_argument(
        "--budget", type=whole_number, default=_DEFAULTS.budget, help="evaluations: image masks × text masks"
    )
    parser.add_argument(
        "--joint-budget", type=whole_number, default=_DEFAULTS.joint_budget, help="joint masks, for Shapley"
    )
    parser.add_argument("--steps", type=int, default=_DEFAULTS.steps, help="points of exCLIP's path")
    parser.add_argument("--seed", type=int, default=_DEFAULTS.seed)
    parser.add_argument("--jobs", type=int, default=1, help="pairs measured at a time, each in a process of its own")
    parser.add_argument("--only-report", action="store_true", help="write the results of what is recorded, and stop")


def run(options: argparse.Namespace) -> int:
    """Measure what is missing, then write ``results.parquet``, ``report.html`` and ``table.md``; returns 0."""
    check_parquet()
    asked = prepare(options)
    if not options.only_report:
        try:
            evaluate(asked, options)
        except KeyboardInterrupt:
            print("\nStopped; what is measured is kept, and the same command goes on.", file=sys.stderr)
    everything = asked.records.all(row.name for row in asked.rows)
    finished = [record for record in everything if _is_complete(record, asked.methods)]
    skipped = [
        Skipped(record["name"], record["skipped"])
        for record in everything
        if "skipped" in record and not _is_complete(record, asked.methods)
    ]
    if finished:
        write_results(options.out, finished, asked.methods, asked.settings, skipped, command_of(options))
    print(f"{len(finished):,} pairs measured, {len(skipped):,} rows skipped, of {len(asked.rows):,}: {options.out}")
    return 0


def evaluate(asked: Run, options: argparse.Namespace) -> None:
    """Measure every row that lacks a method's scores; progress goes to stderr."""
    started = time.monotonic()
    missing = [row for row in asked.rows if not _is_complete(asked.records.of(row.name), asked.methods)]
    print(f"{len(asked.rows) - len(missing):,} of {len(asked.rows):,} rows are recorded already.", file=sys.stderr)
    for done, (name, skipped) in enumerate(measured(asked, missing, options), start=1):
        note = f" skipped: {skipped}" if skipped else ""
        left = (time.monotonic() - started) / done * (len(missing) - done)
        print(f"{done:,}/{len(missing):,} {shortened(name)}{note} (about {_told(left)} left)", file=sys.stderr)


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
        if value != default and name not in ("out", "jobs", "device", "only_report"):
            values = value if isinstance(value, list) else [value]
            parts += [f"--{name.replace('_', '-')}", *map(str, values)]
    return shlex.join(parts)


def _is_complete(record: Record, methods: Sequence[Contestant]) -> bool:
    return all(method.name in record.get("methods", {}) for method in methods)


def _told(seconds: float) -> str:
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min" if seconds >= 60 else "1 min"
